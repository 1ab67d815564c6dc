import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LongestFirst } from './longest-first.ts'
import type { Mode } from './modes.ts'
import { PATIENCE_MS } from './until.ts'

const ROOT = join(import.meta.dirname, '../..')

/** The tests of stories. Their servers are processes of their own, and the tests call them over the network. */
export const STORIES = 'test/e2e/**/*.test.ts'

/** Settings of all test runs. */
export const SHARED = {
  globalSetup: ['test/support/global-setup.ts'],
  setupFiles: ['test/growth/setup.ts'],
  // More than a wait inside of a test may take, because the error of that wait says which state was not reached.
  testTimeout: 2 * PATIENCE_MS,
  hookTimeout: 2 * PATIENCE_MS,
  retry: 0,
  expect: { poll: { timeout: PATIENCE_MS } },
  // vitest's default is the number of cores less one. More workers than cores are useful, because most tests wait for
  // other processes.
  maxWorkers: 3,
  sequence: { sequencer: LongestFirst },
}

/** Tests that replace a module. Each of these files needs a process of its own, because others use the same module. */
export const REPLACING: readonly string[] = globSync('{clients/*/src,services,test}/**/*.test.ts', {
  cwd: ROOT,
}).filter((path) => /\bvi\.(?:do)?mock\(/i.test(readFileSync(join(ROOT, path), 'utf8')))

/** Options of Node that turn a deprecation into an error, here and in the servers that tests start. */
export const STRICT = ['--throw-deprecation'] as const

/** Returns a project for vitest: tests that run in one mode. `name` is the name for `vitest --project`. */
export function project(options: {
  readonly name: string
  readonly mode: Mode
  readonly include: readonly string[]
  readonly exclude?: readonly string[]
  /** Whether each file has its own process. By default, files share processes, because loading takes long. */
  readonly isolate?: boolean
  /** Whether it begins when all other projects have ended. */
  readonly isLast?: boolean
  /** Whether cases of the contract are sent over all their transports, or over one of them. */
  readonly transports?: 'all' | 'one'
}) {
  const { name, mode, include, exclude = [], isolate = false, isLast = false, transports = 'one' } = options
  return {
    extends: true as const,
    test: {
      name,
      include: [...include],
      exclude: [...exclude],
      provide: { mode, transports },
      isolate,
      // What a dependency will remove, such as pg's queue of statements on one connection, fails the run.
      execArgv: [...STRICT],
      sequence: { groupOrder: isLast ? 1 : 0 },
    },
  }
}
