import type { Mode } from './modes.ts'

/** The stories that are told over the wire. */
export const STORIES = 'test/e2e/**/*.test.ts'

/** What all runs of the tests have in common. */
export const SHARED = {
  globalSetup: ['test/support/global-setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
  retry: 0,
  expect: { poll: { timeout: 30_000 } },
  // By default one fewer than there are cores; most tests wait for other processes.
  maxWorkers: 2,
}

/** Tests that run in one mode, and the name that `vitest --project` knows them by. */
export function project(options: {
  readonly name: string
  readonly mode: Mode
  readonly include: readonly string[]
  readonly exclude?: readonly string[]
  /** Whether each file has a process of its own. */
  readonly isolate?: boolean
}) {
  const { name, mode, include, exclude = [], isolate = true } = options
  return {
    extends: true as const,
    test: { name, include: [...include], exclude: [...exclude], provide: { mode }, isolate },
  }
}
