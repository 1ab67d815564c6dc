import { defineConfig } from 'vitest/config'
import { SHARED } from './test/support/projects.ts'

/** `npm run test:fault`: runs every fault for FAULT_SECONDS (default 10), one after the other. */
export default defineConfig({
  test: {
    ...SHARED,
    include: ['test/fault/*.test.ts'],
    env: { FAULT_SECONDS: process.env['FAULT_SECONDS'] ?? '10' },
    provide: { mode: 'one' },
    fileParallelism: false,
  },
})
