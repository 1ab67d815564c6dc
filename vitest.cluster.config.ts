import { defineConfig } from 'vitest/config'
import { ONE_MODE_STORIES } from './test/e2e/stories.ts'

/** `npm run test:cluster`: every story that can be told of a cluster, one after the other. */
export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/e2e/**/*.test.ts'],
    exclude: Object.keys(ONE_MODE_STORIES),
    provide: { mode: 'cluster' },
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
  },
})
