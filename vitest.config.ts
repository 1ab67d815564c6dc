import { defineConfig } from 'vitest/config'
import { ONE_MODE_STORIES, SHORT_CLUSTER_STORIES } from './test/e2e/stories.ts'
import type { Mode } from './test/support/modes.ts'

const STORIES = 'test/e2e/**/*.test.ts'
/** They start nothing and keep nothing, so they may share a process: giving each its own takes longer than they do. */
const PURE = [
  'clients/core/**/*.test.ts',
  'services/**/domain/**/*.test.ts',
  'services/platform/{crypto,errors,limits,requests}/**/*.test.ts',
  'services/keys/verification-keys.test.ts',
  'services/jwks-gateway/**/*.test.ts',
]

/** Tests that run in one mode, and the name that `vitest --project` knows them by. */
function project(
  name: string,
  mode: Mode,
  include: readonly string[],
  exclude: readonly string[] = [],
  isolate = true,
) {
  return {
    extends: true as const,
    test: { name, include: [...include], exclude: [...exclude], provide: { mode }, isolate },
  }
}

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
    // By default one fewer than there are cores; most tests wait for other processes.
    maxWorkers: 2,
    projects: [
      project('pure', 'one', PURE, [], false),
      project(
        'unit',
        'one',
        ['clients/**/*.test.ts', 'services/**/*.test.ts', 'test/**/*.test.ts'],
        [STORIES, ...PURE],
      ),
      project('e2e', 'one', [STORIES]),
      project('e2e-split', 'split', [STORIES], Object.keys(ONE_MODE_STORIES)),
      project('e2e-cluster', 'cluster', SHORT_CLUSTER_STORIES),
    ],
  },
})
