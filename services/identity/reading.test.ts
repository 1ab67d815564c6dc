import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AgentDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { GetAgentRequestSchema, ListAgentsRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { agentCalls } from '../../test/support/agent-calls.ts'
import {
  anonymous,
  asOperator,
  type IdentityFixture,
  identityFixture,
  newAgent,
  type TestOperator,
} from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import { policies } from './policy.ts'

let fixture: IdentityFixture

beforeAll(async () => {
  fixture = await identityFixture()
})
afterAll(() => fixture.drop())

const handlers = () => fixture.identity.module.handlers

const register = (operator: TestOperator, call = asOperator(operator)) =>
  agentCalls(fixture.identity, operator).register(call)
const revoke = (operator: TestOperator, agent: string) => agentCalls(fixture.identity, operator).revoke(agent)
const grant = (operator: TestOperator, did: string, scopes: string[]) =>
  agentCalls(fixture.identity, operator).setScopes(did, scopes)

const get = (did: string) => handlers().getAgent(create(GetAgentRequestSchema, { did }), anonymous())

const list = (init: MessageInitShape<typeof ListAgentsRequestSchema>) =>
  handlers().listAgents(create(ListAgentsRequestSchema, init), anonymous())

const lookUp = (did: string) => localClient(AgentDirectoryService, fixture.identity.directory).lookupAgent({ did })

describe('getAgent', () => {
  it("returns an agent's public state with its DID document", async () => {
    const operator = await fixture.operator('get.example')
    const { id, did, agentPublicKey } = await register(operator)
    await grant(operator, did, ['write', 'read'])
    const answer = await get(did)
    expect(answer).toMatchObject({
      id,
      did,
      status: 'active',
      operatorId: operator.id,
      allowedScopes: ['read', 'write'],
      createdAt: timestampFromDate(new Date(fixture.clock.now)),
      didDocument: { id: did, verificationMethod: [{ type: 'Multikey', controller: did }] },
    })
    expect(answer.agentPublicKey).toEqual(agentPublicKey)
    expect(answer).toMatchObject({ suspendedAt: undefined, revokedAt: undefined })
    for (const field of ['label', 'version', 'epoch']) expect(answer).not.toHaveProperty(field)
  })

  it('returns pending and revoked agents with their status', async () => {
    const operator = await fixture.operator('states.example')
    const pending = await register(operator, anonymous())
    expect(await get(pending.did)).toMatchObject({ status: 'pending', didDocument: { authentication: [] } })
    await revoke(operator, pending.did)
    expect(await get(pending.did)).toMatchObject({
      status: 'revoked',
      revokedAt: timestampFromDate(new Date(fixture.clock.now)),
      didDocument: { verificationMethod: [] },
    })
  })

  it('answers AGENT_NOT_FOUND when the agent belongs to a former owner of the domain', async () => {
    const before = await fixture.operator('moved.example')
    const { did } = await register(before)
    await fixture.db.prisma.operator.update({ where: { id: before.id }, data: { status: 'superseded' } })
    await fixture.operator('moved.example')
    expect(await refusalOf(get(did))).toBe('AGENT_NOT_FOUND')
  })

  it.each([
    ['a domain without an owner', newAgent('nobody.example').did, 'AGENT_NOT_FOUND'],
    ['an agent that is not registered', newAgent('get.example').did, 'AGENT_NOT_FOUND'],
    ['an empty DID', '', 'INVALID_DID'],
    ['a DID of another method', 'did:web:get.example', 'INVALID_DID'],
    ['a DID with NUL', `${newAgent('get.example').did}\0`, 'INVALID_DID'],
  ])('refuses %s', async (_name, did, reason) => {
    expect(await refusalOf(get(did))).toBe(reason)
  })
})

describe('listAgents', () => {
  it("pages through the operator's own agents, oldest first", async () => {
    const operator = await fixture.operator('list.example')
    await register(await fixture.operator('neighbour.example'))
    const dids: string[] = []
    for (let index = 0; index < 5; index += 1) {
      fixture.clock.now += 1
      dids.push((await register(operator)).did)
    }
    const pages: (string | undefined)[][] = []
    let pageToken = ''
    do {
      const page = await list({ operatorId: operator.id, pageSize: 2, pageToken })
      pages.push((page.agents ?? []).map(({ did }) => did))
      pageToken = page.nextPageToken ?? ''
    } while (pageToken !== '')
    expect(pages).toEqual([dids.slice(0, 2), dids.slice(2, 4), dids.slice(4)])
  })

  it('returns no next page token when the last page is full', async () => {
    const operator = await fixture.operator('full-page.example')
    await register(operator)
    expect(await list({ operatorId: operator.id, pageSize: 1 })).toMatchObject({ nextPageToken: '' })
  })

  it('lists pending agents only when the status filter names them', async () => {
    const operator = await fixture.operator('filter.example')
    const pending = await register(operator, anonymous())
    const active = await register(operator)
    fixture.clock.now += 1
    const revoked = await register(operator)
    await revoke(operator, revoked.id)
    const listed = async (status: string) =>
      ((await list({ operatorId: operator.id, status })).agents ?? []).map(({ did }) => did)
    expect(await listed('')).toEqual([active.did, revoked.did])
    expect(await listed('pending')).toEqual([pending.did])
    expect(await listed('active')).toEqual([active.did])
    expect(await listed('suspended')).toEqual([])
    expect(await listed('revoked')).toEqual([revoked.did])
  })

  it('includes label and require_bound_challenges, which getAgent does not return', async () => {
    const operator = await fixture.operator('label.example')
    await register(operator)
    const { agents } = await list({ operatorId: operator.id })
    expect(agents).toMatchObject([{ label: 'first', requireBoundChallenges: false, status: 'active' }])
  })

  it('refuses a malformed page token', async () => {
    expect(await refusalOf(list({ pageToken: 'x' }))).toBe('INVALID_PAGE_TOKEN')
  })
})

describe('lookupAgent', () => {
  it('returns agent and operator with version and epoch', async () => {
    const operator = await fixture.operator('lookup.example')
    const { id, did, agentPublicKey } = await register(operator)
    await grant(operator, did, ['read'])
    await grant(operator, did, ['send'])
    await fixture.db.prisma.agent.update({ where: { id }, data: { maxDelegationDepth: 2 } })
    const { agent, operator: owner } = await lookUp(did)
    const counters = { version: 3, epoch: 2, requireBoundChallenges: false, maxDelegationDepth: 2 }
    expect(agent).toMatchObject({ id, did, status: 'active', allowedScopes: ['send'], ...counters })
    expect(agent?.publicKey).toEqual(agentPublicKey)
    expect(owner).toMatchObject({ id: operator.id, domain: operator.domain, status: 'active', version: 1, epoch: 1 })
  })

  it('returns the current key when an earlier key is retired', async () => {
    const operator = await fixture.operator('rekeyed.example')
    const { id, did } = await register(operator)
    const { agentPublicKey: publicKey } = newAgent(operator.domain)
    await fixture.db.prisma.agentKey.updateMany({ where: { agentId: id }, data: { retiredAt: new Date() } })
    await fixture.db.prisma.agentKey.create({ data: { agentId: id, publicKey, thumbprint: 'second' } })
    expect((await lookUp(did)).agent?.publicKey).toEqual(publicKey)
    expect((await get(did)).agentPublicKey).toEqual(publicKey)
  })

  it('returns only the owner of the domain when the owner has no such agent', async () => {
    const operator = await fixture.operator('empty.example', 'suspended')
    const { agent, operator: owner } = await lookUp(newAgent(operator.domain).did)
    expect(agent).toBeUndefined()
    expect(owner).toMatchObject({ id: operator.id, status: 'suspended' })
  })

  it.each([
    ['a domain without an owner', newAgent('nobody.example').did],
    ['a text that is not a DID', 'x'],
  ])('returns neither agent nor operator for %s', async (_name, did) => {
    const { agent, operator } = await lookUp(did)
    expect([agent, operator]).toEqual([undefined, undefined])
  })
})

describe('runSchedule', () => {
  it('removes pending agents when they expire', async () => {
    const operator = await fixture.operator('schedule.example')
    const { did } = await register(operator, anonymous())
    fixture.clock.now += 3_599_999
    await fixture.identity.runSchedule()
    expect(await get(did)).toMatchObject({ status: 'pending' })
    fixture.clock.now += 1
    await fixture.identity.runSchedule()
    expect(await refusalOf(get(did))).toBe('AGENT_NOT_FOUND')
  })
})

describe('policies', () => {
  it('let only the operator itself govern its agents', () => {
    const { registerAgent, getAgent, resolveDid, ...rest } = policies
    expect(registerAgent).toEqual({
      endsTokens: false,
      callers: ['anyone', 'operator'],
      own: 'operatorId',
      role: 'agents.register',
      limit: 'token',
      limitWithout: { field: 'attestation', limit: 'register' },
      action: 'agent.register',
    })
    for (const policy of [getAgent, resolveDid])
      expect(policy).toEqual({ callers: ['anyone'], limit: 'read', limitBy: 'did' })
    for (const policy of Object.values(rest)) expect(policy).toMatchObject({ callers: ['operator'], own: 'operatorId' })
  })

  it('name an action for every method except those that only read', () => {
    const silent = Object.entries(policies).filter(([, policy]) => policy.action === undefined)
    expect(silent.map(([name]) => name).toSorted()).toEqual(['getAgent', 'listAgents', 'resolveDid'])
  })
})
