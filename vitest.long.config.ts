import { defineConfig } from 'vitest/config'
import { SPLIT_STORIES } from './test/e2e/stories.ts'
import { LONG } from './test/long.ts'
import { project, SHARED } from './test/support/projects.ts'

const FAULTS = 'test/fault/**'
const CONTRACT = 'test/contract/*.test.ts'

/**
 * `npm run test:long`: runs the tests that take too long for every run, and stories with split services. Faults
 * have their own run.
 */
export default defineConfig({
  test: {
    ...SHARED,
    projects: [
      project({ name: 'long', mode: 'one', include: Object.keys(LONG), exclude: [FAULTS], transports: 'all' }),
      // Some transports differ only by translation, so every other run sends a case over one of them.
      project({ name: 'transports', mode: 'one', include: [CONTRACT], exclude: Object.keys(LONG), transports: 'all' }),
      project({ name: 'split', mode: 'split', include: SPLIT_STORIES }),
    ],
  },
})
