import { defineConfig } from 'vitest/config'
import { LONG } from './test/long.ts'
import { project, REPLACING, SHARED } from './test/support/projects.ts'
import { DEBIAN_POSTGRES } from './test/support/test-postgres.ts'

process.env['AUTH4AGENT_TEST_POSTGRES'] ??= DEBIAN_POSTGRES

/**
 * The folders of the server that have statements, and tests elsewhere that send statements which those do not send.
 */
const SENDERS = [
  'services/{attestation,authn,calls,deployment,federation,identity,keys,ledger,operator-registry,people,revocation,signals,status-list,trust}/**/*.test.ts',
  'services/platform/db/*.test.ts',
  'test/contract/federation.test.ts',
  'test/e2e/federation/oauth-issuer.test.ts',
]
/** Tests that send no statement, or take long and send only those that others send. */
const REST = [
  'services/**/domain/**',
  'services/{attestation/rules,authn/authz,keys/pkcs11,trust/graph}/**',
  'services/attestation/types/**',
  'services/**/*-race.test.ts',
  'services/operator-registry/threshold.test.ts',
  ...REPLACING,
  ...Object.keys(LONG),
]

const debian = project({ name: 'debian', mode: 'inside', include: SENDERS, exclude: REST })
const statements = project({ name: 'statements', mode: 'inside', include: ['test/debian/statements.test.ts'] })
/** vitest runs this group after the other one, because it looks at what the other one has sent. */
const LAST = { groupOrder: 1 }

/**
 * `npm run test:debian`: runs the tests that send every statement of the server to PostgreSQL, on Debian's PostgreSQL
 * with its defaults. The last file checks that no statement is missing.
 */
export default defineConfig({
  test: {
    ...SHARED,
    projects: [debian, { ...statements, test: { ...statements.test, sequence: LAST } }],
  },
})
