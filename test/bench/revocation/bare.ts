import { randomUUID } from 'node:crypto'
import { connect } from '@nats-io/transport-node'
import { openDb } from '../../../services/platform/db/db.ts'
import { revokeToken } from '../../../services/revocation/store.ts'

/** The minimum work of a revocation: a commit and a message. It does not wait for verifiers. */
export interface Bare {
  /** Commits a revocation with the server's own statement, and publishes as many bytes as its record has. */
  revoke(operatorId: string, jti: string): Promise<void>
  close(): Promise<void>
}

/** Size of the record of one token, with its seal. */
const RECORD_BYTES = 230
const SUBJECT = 'bench.revocation'
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** Connects over TCP to the same PostgreSQL and NATS as the servers. */
export async function connectBare(databaseUrl: string, natsUrl: string): Promise<Bare> {
  const db = openDb({ url: databaseUrl, poolSize: 1, log: silent })
  const nats = await connect({ servers: natsUrl.split(',') })
  return {
    async revoke(operatorId, jti) {
      const author = { principal: { kind: 'anonymous' }, requestId: randomUUID() } as const
      await revokeToken(db, author, { operatorId, jti, exp: undefined, reason: 'leaked', action: 'token.revoke' })
      nats.publish(SUBJECT, Buffer.alloc(RECORD_BYTES))
    },
    async close() {
      await nats.close()
      await db.close()
    },
  }
}
