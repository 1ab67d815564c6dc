import { randomBytes } from 'node:crypto'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { OperatorStatus } from '../../gen/prisma/enums.ts'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Call, Principal } from '../../services/chain/call.ts'
import { createIdentity, type Identity } from '../../services/identity/index.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { localClient } from '../../services/platform/rpc/local-client.ts'
import { testDatabase } from './database.ts'

const HOUR = 3_600_000

/** An operator as the fixture made it. */
export interface TestOperator {
  readonly id: string
  readonly domain: string
}

/** The identity service over a database of its own, with a clock that only the test moves. */
export interface IdentityFixture {
  readonly db: Db
  readonly identity: Identity
  readonly clock: { now: number }
  operator(domain: string, status?: OperatorStatus): Promise<TestOperator>
  readonly drop: () => Promise<void>
}

/** A call by nobody in particular. */
export const anonymous = (): Call => callBy({ kind: 'anonymous' })

/** A call by an operator, with an assertion of its own. */
export function asOperator({ id }: TestOperator, jti = randomBytes(8).toString('hex')): Call {
  const expiresAt = Math.floor(Date.now() / 1000) + 60
  return callBy({ kind: 'operator', operatorId: id, assertion: { jti, expiresAt } })
}

/** A call by the deployment's administrator, with an assertion of its own unless told. */
export function asAdmin(jti = randomBytes(8).toString('hex')): Call {
  return callBy({ kind: 'admin', assertion: { jti, expiresAt: Math.floor(Date.now() / 1000) + 60 } })
}

/** A fresh key and the DID it has under a domain. */
export function newAgent(domain: string): { did: string; agentPublicKey: Uint8Array<ArrayBuffer> } {
  const { publicKey } = generateKeyPair()
  return { did: formatDid(domain, fingerprint(publicKey)), agentPublicKey: Uint8Array.from(publicKey) }
}

/** All that a change may leave behind, to compare with what there is later. */
export async function everything({ prisma }: Db): Promise<object> {
  const [agents, keys, audit, assertions] = await Promise.all([
    prisma.agent.findMany({ orderBy: { id: 'asc' } }),
    prisma.agentKey.findMany({ orderBy: { agentId: 'asc' } }),
    prisma.auditLog.findMany({ orderBy: { id: 'asc' } }),
    prisma.usedAssertion.findMany({ orderBy: { jti: 'asc' } }),
  ])
  return { agents, keys, audit, assertions }
}

/** Starts the service; at most three pending agents an operator, kept for an hour. */
export async function identityFixture(): Promise<IdentityFixture> {
  const { db, drop } = await testDatabase()
  const clock = { now: Date.parse('2026-01-15T10:30:00.125Z') }
  const identity = createIdentity({
    db,
    readDb: db,
    now: () => clock.now,
    operators: operatorsOf(db),
    settings: { pendingTtlMs: HOUR, maxPendingPerOperator: 3 },
  })
  return { db, identity, clock, drop, operator: (domain, status = 'active') => insertOperator(db, domain, status) }
}

function callBy(principal: Principal): Call {
  return { requestId: 'request-1', principal }
}

/** Puts an operator into its table, which identity itself never writes. */
export async function insertOperator(db: Db, domain: string, status: OperatorStatus): Promise<TestOperator> {
  const { publicKey } = generateKeyPair()
  const id = operatorId({ issuer: 'http://localhost:8080', domain, thumbprint: thumbprint(publicKey) })
  const data = {
    id,
    domain,
    status,
    rootPublicKey: Uint8Array.from(publicKey),
    rootKeyThumbprint: thumbprint(publicKey),
  }
  await db.prisma.operator.create({ data })
  return { id, domain }
}

/** Answers from the table, as the service that owns it does. */
function operatorsOf({ prisma }: Db) {
  return localClient(OperatorDirectoryService, {
    async lookupOperator({ by }) {
      const operator =
        by.case === 'id'
          ? await prisma.operator.findUnique({ where: { id: by.value } })
          : await prisma.operator.findFirst({
              where: { domain: by.value ?? '', status: { in: ['active', 'lapsed', 'suspended'] } },
            })
      return operator === null ? {} : { operator }
    },
    async lookupAudienceOwner() {
      throw new Error('identity asks for no audiences')
    },
  })
}
