import { randomBytes, randomUUID } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { OPERATOR_ASSERTION_TYPE } from '@auth4agent/core/identity/assertion'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import type { AgentStatus, OperatorStatus } from '../../../gen/prisma/enums.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import { ISSUER, type Signer } from '../../support/assertions.ts'

/** An operator of the world, with its key. */
export interface SeededOperator extends Signer {
  readonly id: string
  readonly domain: string
}

/** An agent of the world, with its key. */
export interface SeededAgent {
  readonly id: string
  readonly did: string
  readonly operatorId: string
  readonly pair: KeyPair
}

const OPERATORS = {
  acme: 'active',
  bravo: 'active',
  bound: 'active',
  strict: 'active',
  pending: 'pending',
  lapsed: 'lapsed',
  suspended: 'suspended',
  superseded: 'superseded',
  released: 'released',
} as const satisfies Record<string, OperatorStatus>

/** Names of the operators in the world. Most operators are named after their status. */
export type OperatorName = keyof typeof OPERATORS

const AGENTS = {
  active: ['acme', 'active'],
  pending: ['acme', 'pending'],
  suspended: ['acme', 'suspended'],
  revoked: ['acme', 'revoked'],
  careful: ['acme', 'active'],
  ofBravo: ['bravo', 'active'],
  ofBound: ['bound', 'active'],
  ofSuspended: ['suspended', 'active'],
} as const satisfies Record<string, readonly [OperatorName, AgentStatus]>

/** Names of the agents in the world. Agents that are named after their status belong to acme. */
export type AgentName = keyof typeof AGENTS

/** Inserts an operator in every status and an agent in every status into an empty database. */
export async function seed(db: Db) {
  const operators = {} as Record<OperatorName, SeededOperator>
  for (const name of Object.keys(OPERATORS) as OperatorName[]) operators[name] = await seedOperator(db, name)
  const agents = {} as Record<AgentName, SeededAgent>
  for (const name of Object.keys(AGENTS) as AgentName[]) agents[name] = await seedAgent(db, name, operators)
  return { operators, agents, record: await seedRecord(db, operators.acme) }
}

/** Inserts a change into the audit of an operator, with its signed request. Returns the id of the record. */
async function seedRecord({ prisma }: Db, { id: operatorId }: SeededOperator): Promise<string> {
  const [id, signedRequestId] = [randomUUID(), randomUUID()]
  await prisma.signedRequest.create({ data: { id: signedRequestId, rpc: 'x', signatures: ['x'], bodyDigest: 'x' } })
  const entry = { actor: `operator:${operatorId}`, action: 'agent.suspend', subject: 'x', requestId: 'x' }
  await prisma.auditLog.create({ data: { id, operatorId, outcome: 'done', signedRequestId, ...entry } })
  return id
}

async function seedOperator({ prisma }: Db, name: OperatorName): Promise<SeededOperator> {
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
      ...(status === 'pending' ? {} : { domainVerifiedAt: new Date() }),
      ...(status === 'suspended' ? { suspendedAt: new Date() } : {}),
    },
  })
  return { id, domain, pair, iss: id, typ: OPERATOR_ASSERTION_TYPE }
}

async function seedAgent(
  { prisma }: Db,
  name: AgentName,
  operators: Record<OperatorName, SeededOperator>,
): Promise<SeededAgent> {
  const [owner, status] = AGENTS[name]
  const operator = operators[owner]
  const pair = generateKeyPair()
  const id = uuidv7(Date.now(), randomBytes(10))
  const did = formatDid(operator.domain, fingerprint(pair.publicKey))
  const publicKey = Uint8Array.from(pair.publicKey)
  await prisma.agent.create({
    data: {
      id,
      did,
      status,
      operatorId: operator.id,
      allowedScopes: ['read', 'write'],
      requireBoundChallenges: name === 'careful',
      ...(status === 'suspended' ? { suspendedAt: new Date() } : {}),
      ...(status === 'revoked' ? { revokedAt: new Date() } : {}),
      keys: { create: { publicKey, thumbprint: thumbprint(publicKey) } },
    },
  })
  return { id, did, operatorId: operator.id, pair }
}
