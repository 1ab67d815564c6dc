import { defineConfig } from 'vitest/config'
import { ONE_MODE_STORIES } from './test/e2e/stories.ts'
import { LONG } from './test/long.ts'
import { project, SHARED, STORIES } from './test/support/projects.ts'

const FAULTS = 'test/fault/**'

/** `npm run test:long`: what takes too long for every run, and every story over services apart. Faults have a run of their own. */
export default defineConfig({
  test: {
    ...SHARED,
    projects: [
      project({ name: 'long', mode: 'one', include: Object.keys(LONG), exclude: [FAULTS] }),
      project({ name: 'split', mode: 'split', include: [STORIES], exclude: Object.keys(ONE_MODE_STORIES) }),
    ],
  },
})
