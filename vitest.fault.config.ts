import { defineConfig } from 'vitest/config'

/** `npm run test:fault`: every fault for a minute, or for FAULT_SECONDS, one after the other. */
export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/fault/**/*.test.ts'],
    env: { FAULT_SECONDS: process.env['FAULT_SECONDS'] ?? '60' },
    provide: { mode: 'one' },
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
  },
})
