import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  AgentDirectoryService,
  LookupAgentResponseSchema,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { CAUSE } from '../../test/support/cause.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import type { TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import { createSubjects } from './subjects.ts'

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let agent: TestAgent
let afterLookup: () => Promise<void>

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db, { afterLookup: () => afterLookup() })
})
afterAll(() => database.drop())
beforeEach(async () => {
  afterLookup = async () => {}
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
})

const bump = { version: { increment: 1 } }
const changeAgent = (data: object) =>
  database.db.prisma.agent.update({ where: { id: agent.id }, data: { ...bump, ...data } })
const changeOperator = (data: object) =>
  database.db.prisma.operator.update({ where: { id: operator.id }, data: { ...bump, ...data } })
const redemptions = () => database.db.prisma.redemption.count({ where: { agentId: agent.id } })

async function changeKey(): Promise<void> {
  const { publicKey } = generateKeyPair()
  await database.db.prisma.agentKey.updateMany({ where: { agentId: agent.id }, data: { retiredAt: new Date() } })
  const key = { agentId: agent.id, publicKey: Uint8Array.from(publicKey), thumbprint: thumbprint(publicKey) }
  await database.db.prisma.agentKey.create({ data: key })
}

const changes: [string, () => Promise<unknown>, string][] = [
  ['the agent is suspended', () => changeAgent({ status: 'suspended' }), 'AGENT_NOT_ACTIVE'],
  [
    'the agent is suspended without a new version',
    () => changeAgent({ status: 'suspended', version: { increment: 0 } }),
    'AGENT_NOT_ACTIVE',
  ],
  ['the agent is revoked', () => changeAgent({ status: 'revoked' }), 'AGENT_NOT_ACTIVE'],
  ['the scopes are narrowed', () => changeAgent({ allowedScopes: ['write'] }), 'SCOPE_NOT_ALLOWED'],
  ['bound challenges become required', () => changeAgent({ requireBoundChallenges: true }), 'BINDING_REQUIRED'],
  ['the operator is suspended', () => changeOperator({ status: 'suspended' }), 'AGENT_OPERATOR_NOT_ACTIVE'],
  [
    'the operator is suspended without a new version',
    () => changeOperator({ status: 'suspended', version: { increment: 0 } }),
    'AGENT_OPERATOR_NOT_ACTIVE',
  ],
  [
    'the operator requires bound challenges',
    () => changeOperator({ requireBoundChallenges: true }),
    'BINDING_REQUIRED',
  ],
  ['the operator loses its domain', () => changeOperator({ status: 'superseded' }), 'AGENT_NOT_FOUND'],
  ['the key is changed', changeKey, 'INVALID_SIGNATURE'],
  ['the agent is removed', () => database.db.prisma.agent.delete({ where: { id: agent.id } }), 'AGENT_NOT_FOUND'],
]

describe('issueToken', () => {
  it.each(changes)('refuses when %s after the cached look-up', async (_, change, reason) => {
    const made = await instance.challenge(agent.did)
    await change()
    expect(await refusalOf(instance.redeem(agent, made, { scope: 'read' }))).toBe(reason)
    expect(await redemptions()).toBe(0)
  })

  it.each(changes)('refuses when %s between a fresh look-up and the redemption', async (_, change, reason) => {
    const made = await instance.challenge(agent.did)
    // The first refusal makes issueToken look up the agent again. The change comes directly after that look-up.
    await changeAgent({})
    afterLookup = async () => {
      afterLookup = async () => {}
      await change()
    }
    expect(await refusalOf(instance.redeem(agent, made, { scope: 'read' }))).toBe(reason)
    expect(await redemptions()).toBe(0)
  })
})

describe('issueToken', () => {
  it.each<[string, object, object]>([
    ['approved', { status: 'pending' }, { status: 'active' }],
    ['reactivated', { status: 'suspended' }, { status: 'active' }],
    ['given the scope', { allowedScopes: [] }, { allowedScopes: ['read'] }],
    ['allowed to use unbound challenges', { requireBoundChallenges: true }, { requireBoundChallenges: false }],
  ])('accepts when the agent has been %s after the cached look-up', async (_, before, after) => {
    await changeAgent(before)
    const made = await instance.challenge(agent.did)
    await changeAgent(after)
    expect(await refusalOf(instance.redeem(agent, made, { scope: 'read' }))).toBeUndefined()
  })

  it('accepts when the operator has been reinstated after the cached look-up', async () => {
    await changeOperator({ status: 'suspended' })
    const made = await instance.challenge(agent.did)
    await changeOperator({ status: 'active' })
    expect(await refusalOf(instance.redeem(agent, made))).toBeUndefined()
  })
})

it('issueToken decides again when the agent has changed but may still have the token', async () => {
  const made = await instance.challenge(agent.did)
  await changeAgent({ label: 'renamed' })
  expect(await refusalOf(instance.redeem(agent, made, { scope: 'read' }))).toBeUndefined()
})

it('issueToken answers UNAVAILABLE and keeps the challenge when the agent changes after every look-up', async () => {
  const made = await instance.challenge(agent.did)
  let looks = 0
  afterLookup = async () => {
    looks += 1
    await changeAgent({})
  }
  await changeAgent({})
  expect(await refusalOf(instance.redeem(agent, made))).toBe('UNAVAILABLE')
  expect(looks).toBeLessThanOrEqual(4)
  expect(await redemptions()).toBe(0)
  afterLookup = async () => {}
  expect(await refusalOf(instance.redeem(agent, made))).toBeUndefined()
})

it.each<[what: string, name: string, now: object, decisions: number]>([
  ['does not repeat', 'is the same', {}, 1],
  ['repeats', 'has a new version of the agent', { agent: { version: 2 } }, 2],
  ['repeats', 'has another status of the operator', { operator: { status: 'suspended' } }, 2],
])('decide %s the refusal of a cached subject if the new look-up %s', async (_what, _name, now, decisions) => {
  let answer: object = {}
  const did = `did:agent:acme.test:${'0'.repeat(32)}`
  const subjects = createSubjects(
    localClient(AgentDirectoryService, {
      lookupAgent: async () => create(LookupAgentResponseSchema, { agent: {}, operator: {}, ...answer }),
      attestAgent: async () => ({}),
    }),
    { current: 1 },
  )
  await subjects.of(did, CAUSE).get()
  answer = now
  const cached = subjects.of(did, CAUSE)
  let made = 0
  const refuse = async () => {
    made += 1
    throw new ApiError('SCOPE_NOT_ALLOWED')
  }
  await expect(cached.decide(await cached.get(), refuse)).rejects.toThrow(ApiError)
  expect(made).toBe(decisions)
})

it.each([
  ['before', true],
  ['during', false],
])('a subject that was looked up %s a change of the timeline is looked up again', async (_, isBefore) => {
  const timeline = { current: 1 }
  const did = `did:agent:acme.test:${'0'.repeat(32)}`
  let lookups = 0
  const subjects = createSubjects(
    localClient(AgentDirectoryService, {
      async lookupAgent() {
        lookups += 1
        if (!isBefore) timeline.current = 2
        return create(LookupAgentResponseSchema, { agent: {}, operator: {} })
      },
      attestAgent: async () => ({}),
    }),
    timeline,
  )
  await subjects.of(did, CAUSE).get()
  timeline.current = 2
  expect(await subjects.of(did, CAUSE).get()).toMatchObject({ isFresh: true })
  expect(lookups).toBe(2)
})
