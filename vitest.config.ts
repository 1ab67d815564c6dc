import { defineConfig } from 'vitest/config'
import { LONG } from './test/long.ts'
import { project, SHARED, STORIES } from './test/support/projects.ts'

/**
 * Tests that start nothing and keep no state, so they may share a process. Starting a process for each file would take
 * longer than its tests.
 */
const PURE = [
  'clients/core/**/*.test.ts',
  'services/**/domain/**/*.test.ts',
  'services/platform/{crypto,errors,limits,requests}/**/*.test.ts',
  'services/keys/verification-keys.test.ts',
  'services/attestation/rules/**/*.test.ts',
  'services/trust/graph/**/*.test.ts',
  'services/authn/authz/**/*.test.ts',
  'services/jwks-gateway/**/*.test.ts',
]
const REST = ['clients/**/*.test.ts', 'services/**/*.test.ts', 'test/**/*.test.ts']
const GROWTH = 'test/growth/statements.test.ts'
/** Runs only with Debian's PostgreSQL. */
const DEBIAN = 'test/debian/**'
const ELSEWHERE = Object.keys(LONG)

/** `npm test`: runs every short test. Servers run in one process. */
export default defineConfig({
  test: {
    ...SHARED,
    projects: [
      project({ name: 'pure', mode: 'one', include: PURE, isolate: false }),
      project({ name: 'unit', mode: 'one', include: REST, exclude: [STORIES, GROWTH, DEBIAN, ...PURE, ...ELSEWHERE] }),
      project({ name: 'e2e', mode: 'one', include: [STORIES], exclude: ELSEWHERE }),
      // It judges the statements that the other tests have recorded.
      project({ name: 'growth', mode: 'one', include: [GROWTH], isLast: true }),
    ],
  },
})
