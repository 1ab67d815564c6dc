import { randomBytes } from 'node:crypto'
import { type Attestation, createAttestation, createAttestorTypes } from '../../services/attestation/index.ts'
import { SERVER_SCOPES } from '../../services/compose/server-scopes.ts'
import type { IdentityOptions } from '../../services/identity/index.ts'
import { importHmacKey } from '../../services/platform/crypto/hmac.ts'
import { silentLog } from './database.ts'

const noOutbound = { get: () => Promise.reject(new Error('This test has no outbound requests')) }

/** Creates the attestation part on a database, with the clock of a test. Nothing is pruned. */
export function testAttestation({
  db,
  now,
  operators,
  limitResults = () => undefined,
}: Pick<IdentityOptions, 'db' | 'now' | 'operators'> & {
  readonly limitResults?: (operatorId: string) => void
}): Attestation {
  const nonceKey = importHmacKey(randomBytes(32))
  return createAttestation(
    {
      db,
      readDb: db,
      now,
      skewMs: 10_000,
      issuer: 'http://localhost:8080',
      operators,
      nonceKey,
      types: createAttestorTypes({
        prisma: db.prisma,
        outbound: noOutbound,
        monotonic: () => performance.now(),
        nonceKey,
      }),
      serverScopes: SERVER_SCOPES,
      countAppraisal() {},
      limitResults,
      log: silentLog,
    },
    { read: async () => undefined },
  )
}
