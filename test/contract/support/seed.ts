import { randomBytes, randomUUID } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { OPERATOR_ASSERTION_TYPE } from '@auth4agent/core/identity/assertion'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { AgentStatus, OperatorStatus } from '../../../gen/prisma/enums.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import { ISSUER, type Signer } from '../../support/assertions.ts'
import type { LogParty } from './key-events.ts'
import { manifestOf, memberOf, rootOf } from './manifests.ts'
import { seedLog } from './seed-logs.ts'
import { seedMoves } from './seed-moves.ts'
import { seedProposal, seedStatement } from './trust-statements.ts'

/** An operator of the world, with its key. */
export interface SeededOperator extends Signer {
  readonly id: string
  readonly domain: string
}

/** An agent of the world, with its key. */
export interface SeededAgent extends LogParty {
  readonly id: string
  readonly operatorId: string
}

const OPERATORS = {
  acme: 'active',
  bravo: 'active',
  bound: 'active',
  strict: 'active',
  frozen: 'active',
  team: 'active',
  pending: 'pending',
  lapsed: 'lapsed',
  suspended: 'suspended',
  superseded: 'superseded',
  released: 'released',
} as const satisfies Record<string, OperatorStatus>

/**
 * Names of the operators in the world. Most operators are named after their status. The team needs two root keys for a
 * root operation. The guest and the clerk are operational keys of the team: the guest has only the role `trust`, and
 * the clerk only the role `audit.read`.
 */
export type OperatorName = keyof typeof OPERATORS | 'guest' | 'clerk'

const AGENTS = {
  active: ['acme', 'active'],
  pending: ['acme', 'pending'],
  suspended: ['acme', 'suspended'],
  revoked: ['acme', 'revoked'],
  careful: ['acme', 'active'],
  committed: ['acme', 'active'],
  recovering: ['acme', 'active'],
  crowded: ['acme', 'active'],
  full: ['acme', 'active'],
  moved: ['acme', 'revoked'],
  moving: ['acme', 'active'],
  leaving: ['acme', 'active'],
  leavingInRecovery: ['acme', 'active'],
  bulky: ['acme', 'active'],
  left: ['acme', 'revoked'],
  enrolled: ['acme', 'active'],
  orphaned: ['acme', 'active'],
  unattested: ['acme', 'pending'],
  arriving: ['bravo', 'active'],
  unreleased: ['bravo', 'active'],
  arrivingInRecovery: ['bravo', 'active'],
  misdirected: ['bravo', 'active'],
  known: ['bravo', 'active'],
  ofBravo: ['bravo', 'active'],
  ofBound: ['bound', 'active'],
  ofSuspended: ['suspended', 'active'],
} as const satisfies Record<string, readonly [OperatorName, AgentStatus]>

/** Names of the agents in the world. Agents that are named after their status belong to acme. */
export type AgentName = keyof typeof AGENTS

/** Inserts an operator in every status and an agent in every status into an empty database. */
export async function seed(db: Db) {
  const operators = {} as Record<OperatorName, SeededOperator>
  for (const name of Object.keys(OPERATORS) as (keyof typeof OPERATORS)[]) {
    operators[name] = await seedOperator(db, name)
  }
  Object.assign(operators, await seedStaff(db, operators.team))
  const agents = {} as Record<AgentName, SeededAgent>
  for (const name of Object.keys(AGENTS) as AgentName[]) agents[name] = await seedAgent(db, name, operators)
  await seedMoves(db, agents, operators)
  const statement = await seedStatement(db, operators.acme, operators.bravo)
  const proposal = await seedProposal(db, operators.acme, operators.team)
  return { operators, agents, statement, proposal, record: await seedRecord(db, operators.acme) }
}

/** Inserts a change into the audit of an operator, with its signed request. Returns the id of the record. */
async function seedRecord({ prisma }: Db, { id: operatorId }: SeededOperator): Promise<string> {
  const [id, signedRequestId] = [randomUUID(), randomUUID()]
  await prisma.signedRequest.create({ data: { id: signedRequestId, rpc: 'x', signatures: ['x'], bodyDigest: 'x' } })
  const entry = { actor: `operator:${operatorId}`, action: 'agent.suspend', subject: 'x', requestId: 'x' }
  await prisma.auditLog.create({ data: { id, operatorId, outcome: 'done', signedRequestId, ...entry } })
  return id
}

/** Gives the team a manifest with two root keys and two operational keys. Returns the operational keys. */
async function seedStaff({ prisma }: Db, team: SeededOperator): Promise<Record<'guest' | 'clerk', SeededOperator>> {
  const guest = { ...team, pair: generateKeyPair() }
  const clerk = { ...team, pair: generateKeyPair() }
  const keys = [memberOf(guest.pair), memberOf(clerk.pair, 'clerk', 'audit.read')]
  const roots = [team.pair, generateKeyPair()]
  const manifest = manifestOf(team, { root: { threshold: 2, keys: roots.map(rootOf) }, keys })
  await prisma.operatorManifest.create({ data: { operatorId: team.id, seq: 1, manifest, changesRoot: true } })
  await prisma.operator.update({ where: { id: team.id }, data: { manifestSeq: 1 } })
  return { guest, clerk }
}

async function seedOperator({ prisma }: Db, name: keyof typeof OPERATORS): Promise<SeededOperator> {
  const pair = generateKeyPair()
  const rootKeyThumbprint = thumbprint(pair.publicKey)
  const domain = `${name}-operator.com`
  const id = operatorId({ issuer: ISSUER, domain, thumbprint: rootKeyThumbprint })
  const status = OPERATORS[name]
  const rootPublicKey = Uint8Array.from(pair.publicKey)
  await prisma.operator.create({
    data: {
      id,
      domain,
      status,
      rootPublicKey,
      rootKeyThumbprint,
      requireBoundChallenges: name === 'bound',
      requireBodyDigest: name === 'strict',
      ...(name === 'frozen' ? { frozenAt: new Date() } : {}),
      ...(status === 'pending' ? {} : { domainVerifiedAt: new Date() }),
      ...(status === 'suspended' ? { suspendedAt: new Date() } : {}),
    },
  })
  return { id, domain, pair, iss: id, typ: OPERATOR_ASSERTION_TYPE }
}

async function seedAgent(
  db: Db,
  name: AgentName,
  operators: Record<OperatorName, SeededOperator>,
): Promise<SeededAgent> {
  const [owner, status] = AGENTS[name]
  const operator = operators[owner]
  const pair = generateKeyPair()
  const id = uuidv7(Date.now(), randomBytes(10))
  const did = formatDid(operator.domain, fingerprint(pair.publicKey))
  const publicKey = Uint8Array.from(pair.publicKey)
  const createdAt = new Date()
  await db.prisma.agent.create({
    data: {
      id,
      did,
      status,
      createdAt,
      operatorId: operator.id,
      allowedScopes: ['read', 'write'],
      requireBoundChallenges: name === 'careful',
      maxDelegationDepth: name === 'ofBravo' ? 0 : 3,
      ...(status === 'suspended' ? { suspendedAt: new Date() } : {}),
      ...(status === 'revoked' ? { revokedAt: new Date() } : {}),
      ...(name === 'moved' ? { movedTo: did.replace(operator.domain, operators.bravo.domain) } : {}),
      keys: { create: { publicKey, thumbprint: thumbprint(publicKey) } },
    },
  })
  return { id, operatorId: operator.id, ...(await seedLog(db, name, { id, did, pair }, createdAt)) }
}
