import { randomBytes } from 'node:crypto'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import type { OperatorStatus } from '../../gen/prisma/enums.ts'
import { KeyHistoryService, OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Attestation } from '../../services/attestation/index.ts'
import type { Call, Principal } from '../../services/calls/call.ts'
import { SERVER_SCOPES } from '../../services/compose/server-scopes.ts'
import { createIdentity, type Identity, type IdentityOptions } from '../../services/identity/index.ts'
import { createKeyHistory } from '../../services/operator-registry/store/key-history.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { localClient } from '../../services/platform/rpc/local-client.ts'
import { testAttestation } from './attestation.ts'
import { silentLog, testDatabase } from './database.ts'
import { adminPrincipal, operatorPrincipal } from './principals.ts'

const HOUR = 3_600_000
/** The issuer of the server in these tests. */
export const TEST_ISSUER = 'http://localhost:8080'
/** Time between the request for a recovery and its effect, in milliseconds. */
export const RECOVERY_DELAY_MS = 24 * HOUR

/** An operator in these tests. */
export interface TestOperator {
  readonly id: string
  readonly domain: string
  /** The root key with which the operator registered. */
  readonly root: KeyPair
}

/** The identity part with its own database, and a clock that only the test moves. */
export interface IdentityFixture {
  readonly db: Db
  readonly url: string
  readonly identity: Identity
  readonly attestation: Attestation
  /** The directory of operators that the identity part uses. */
  readonly operators: IdentityOptions['operators']
  readonly clock: { now: number }
  operator(domain: string, status?: OperatorStatus): Promise<TestOperator>
  readonly drop: () => Promise<void>
}

/** Returns a call of an anonymous caller. */
export const anonymous = (): Call => callBy({ kind: 'anonymous' })

/** Returns a call of an operator, with a new assertion unless `jti` is given. */
export function asOperator({ id }: TestOperator, jti = randomBytes(8).toString('hex')): Call {
  const expiresAt = Math.floor(Date.now() / 1000) + 60
  return callBy(operatorPrincipal(id, { jti, expiresAt }))
}

/** Returns a call of the administrator, with a new assertion unless `jti` is given. */
export function asAdmin(jti = randomBytes(8).toString('hex')): Call {
  return callBy(adminPrincipal({ jti, expiresAt: Math.floor(Date.now() / 1000) + 60 }))
}

/** Creates a fresh key and its DID under a domain. */
export function newAgent(domain: string): { did: string; agentPublicKey: Uint8Array<ArrayBuffer> } {
  const { publicKey } = generateKeyPair()
  return { did: formatDid(domain, fingerprint(publicKey)), agentPublicKey: Uint8Array.from(publicKey) }
}

/** Reads all rows that a change may write, for a later comparison. */
export async function everything({ prisma }: Db): Promise<object> {
  const byAgent = { orderBy: { agentId: 'asc' } } as const
  const [agents, keys, addedKeys, events, pending, audit, assertions] = await Promise.all([
    prisma.agent.findMany({ orderBy: { id: 'asc' } }),
    prisma.agentKey.findMany({ orderBy: [{ agentId: 'asc' }, { createdAt: 'asc' }, { thumbprint: 'asc' }] }),
    prisma.agentAddedKey.findMany({ orderBy: [{ agentId: 'asc' }, { thumbprint: 'asc' }] }),
    prisma.agentKeyEvent.findMany({ orderBy: [{ agentId: 'asc' }, { seq: 'asc' }] }),
    prisma.agentPendingEvent.findMany(byAgent),
    prisma.auditLog.findMany({ orderBy: { id: 'asc' } }),
    prisma.usedAssertion.findMany({ orderBy: { jti: 'asc' } }),
  ])
  return { agents, keys, addedKeys, events, pending, audit, assertions }
}

/**
 * Starts the identity part on a new database. An operator may have at most three pending agents, which are kept for an
 * hour.
 */
export async function identityFixture(): Promise<IdentityFixture> {
  const { db, url, drop } = await testDatabase()
  const clock = { now: Date.parse('2026-01-15T10:30:00.125Z') }
  const operators = operatorsOf(db)
  const now = () => clock.now
  const attestation = testAttestation({ db, now, operators })
  const identity = startIdentity({ db, now, operators, attestation })
  return {
    db,
    url,
    identity,
    attestation,
    operators,
    clock,
    drop,
    operator: (domain, status = 'active') => insertOperator(db, domain, status),
  }
}

/** Settings of the identity part in these tests. */
export const IDENTITY_SETTINGS = {
  pendingTtlMs: HOUR,
  maxPendingPerOperator: 3,
  recoveryDelayMs: RECOVERY_DELAY_MS,
  moveDelayMs: 7 * RECOVERY_DELAY_MS,
  skewS: 10,
}

/** Creates the identity part with the settings of these tests, on a database and with a clock of the test. */
export function startIdentity(
  options: Pick<IdentityOptions, 'db' | 'now' | 'operators'> & Partial<IdentityOptions>,
): Identity {
  return createIdentity({
    attestation: testAttestation(options),
    readDb: options.db,
    log: silentLog,
    metrics: { accepted() {}, waiting() {} },
    limitEvents() {},
    settings: IDENTITY_SETTINGS,
    serverScopes: SERVER_SCOPES,
    issuer: TEST_ISSUER,
    histories: localClient(KeyHistoryService, createKeyHistory(options.db.prisma)),
    ...options,
  })
}

function callBy(principal: Principal): Call {
  return { requestId: 'request-1', principal }
}

/** Inserts an operator into the table of operators, which the identity part itself never writes. */
export async function insertOperator(
  db: Db,
  domain: string,
  status: OperatorStatus,
  issuer = TEST_ISSUER,
): Promise<TestOperator> {
  const root = generateKeyPair()
  const { publicKey } = root
  const id = operatorId({ issuer, domain, thumbprint: thumbprint(publicKey) })
  const data = {
    id,
    domain,
    status,
    rootPublicKey: Uint8Array.from(publicKey),
    rootKeyThumbprint: thumbprint(publicKey),
  }
  await db.prisma.operator.create({ data })
  return { id, domain, root }
}

/** Answers lookups from the table, as the operator registry does. */
export function operatorsOf({ prisma }: Db) {
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
      throw new Error('The identity part must not look up audiences')
    },
  })
}
