import { defineConfig } from 'vitest/config'
import { ONE_MODE_STORIES } from './test/e2e/stories.ts'
import { SHARED, STORIES } from './test/support/projects.ts'

/** `npm run test:cluster`: runs every story that can run on a cluster, one after the other. */
export default defineConfig({
  test: {
    ...SHARED,
    include: [STORIES],
    exclude: Object.keys(ONE_MODE_STORIES),
    provide: { mode: 'cluster' },
    fileParallelism: false,
  },
})
