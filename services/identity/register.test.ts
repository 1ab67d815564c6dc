import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OperatorStatus } from '../../gen/prisma/enums.ts'
import { RegisterAgentRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import {
  anonymous,
  asOperator,
  everything,
  type IdentityFixture,
  identityFixture,
  newAgent,
} from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import type { Call } from '../calls/call.ts'

let fixture: IdentityFixture

beforeAll(async () => {
  fixture = await identityFixture()
})
afterAll(() => fixture.drop())

const register = (request: MessageInitShape<typeof RegisterAgentRequestSchema>, call: Call = anonymous()) =>
  fixture.identity.module.handlers.registerAgent(create(RegisterAgentRequestSchema, request), call)

const stored = (did: string) => fixture.db.prisma.agent.findFirst({ where: { did }, include: { keys: true } })

const auditOf = (did: string) =>
  fixture.db.prisma.auditLog.findMany({
    where: { subject: did },
    select: { actor: true, action: true, operatorId: true, outcome: true, requestId: true },
  })

describe('registerAgent', () => {
  it('without an assertion registers a pending agent that expires', async () => {
    const { id: operatorId } = await fixture.operator('anonymous.example')
    const { did, agentPublicKey } = newAgent('anonymous.example')
    const answer = await register({ operatorId, did, agentPublicKey, label: 'buyer' })
    const at = new Date(fixture.clock.now)
    expect(answer).toEqual({ id: answer.id, did, status: 'pending' })
    expect(await stored(did)).toMatchObject({
      id: answer.id,
      operatorId,
      label: 'buyer',
      status: 'pending',
      allowedScopes: [],
      version: 1,
      epoch: 1,
      createdAt: at,
      expiresAt: new Date(at.getTime() + 3_600_000),
      approvedAt: null,
      keys: [{ publicKey: agentPublicKey, thumbprint: thumbprint(agentPublicKey), createdAt: at, retiredAt: null }],
    })
    expect(await auditOf(did)).toEqual([
      { actor: 'anonymous', action: 'agent.register', operatorId, outcome: 'done', requestId: 'request-1' },
    ])
  })

  it("with the operator's assertion registers an active agent without scopes, and refuses the assertion the second time", async () => {
    const operator = await fixture.operator('owner.example')
    const { did, agentPublicKey } = newAgent('owner.example')
    const answer = await register({ operatorId: operator.id, agentPublicKey }, asOperator(operator, 'once'))
    expect(answer).toMatchObject({ did, status: 'active' })
    expect(await stored(did)).toMatchObject({
      status: 'active',
      allowedScopes: [],
      approvedAt: new Date(fixture.clock.now),
      expiresAt: null,
    })
    expect(await auditOf(did)).toMatchObject([{ actor: `operator:${operator.id}`, action: 'agent.register' }])
    const other = newAgent('owner.example')
    const again = register({ operatorId: operator.id, ...other }, asOperator(operator, 'once'))
    expect(await refusalOf(again)).toBe('ASSERTION_USED')
    expect(await stored(other.did)).toBeNull()
  })

  it.each<[OperatorStatus]>([['pending'], ['lapsed'], ['suspended'], ['superseded'], ['released']])(
    'refuses an agent while the operator is %s',
    async (status) => {
      const domain = `${status}.example`
      const { id: operatorId } = await fixture.operator(domain, status)
      const before = await everything(fixture.db)
      expect(await refusalOf(register({ operatorId, ...newAgent(domain) }))).toBe('OPERATOR_NOT_ACTIVE')
      expect(await everything(fixture.db)).toEqual(before)
    },
  )

  it.each([
    ['unknown', '00000000-0000-8000-8000-000000000000'],
    ['empty', ''],
    ['not a UUID', '__proto__'],
    ['a UUID with a NUL', '00000000-0000-8000-8000-000000000000\0'],
  ])('answers OPERATOR_NOT_FOUND when the operator id is %s', async (_name, operatorId) => {
    const before = await everything(fixture.db)
    expect(await refusalOf(register({ operatorId, ...newAgent('nobody.example') }))).toBe('OPERATOR_NOT_FOUND')
    expect(await everything(fixture.db)).toEqual(before)
  })

  it("refuses the DID of another operator's domain and changes nothing", async () => {
    const { id: operatorId } = await fixture.operator('mine.example')
    const before = await everything(fixture.db)
    expect(await refusalOf(register({ operatorId, ...newAgent('theirs.example') }))).toBe('DID_MISMATCH')
    expect(await everything(fixture.db)).toEqual(before)
  })

  it('returns a pending agent and writes nothing when it is registered again', async () => {
    const { id: operatorId } = await fixture.operator('repeat.example')
    const agent = newAgent('repeat.example')
    const answer = await register({ operatorId, ...agent })
    const before = await everything(fixture.db)
    expect(await register({ operatorId, ...agent, label: 'other' })).toEqual(answer)
    expect(await everything(fixture.db)).toEqual(before)
  })

  it('refuses an agent that the operator has registered, with and without its assertion', async () => {
    const operator = await fixture.operator('twice.example')
    const request = { operatorId: operator.id, ...newAgent('twice.example') }
    await register(request, asOperator(operator))
    const before = await everything(fixture.db)
    expect(await refusalOf(register(request))).toBe('AGENT_EXISTS')
    expect(await refusalOf(register(request, asOperator(operator)))).toBe('AGENT_EXISTS')
    expect(await everything(fixture.db)).toEqual(before)
  })

  it('refuses another key that has the same DID', async () => {
    const { id: operatorId } = await fixture.operator('collision.example')
    const agent = newAgent('collision.example')
    const { id: agentId } = await register({ operatorId, ...agent })
    const publicKey = newAgent('collision.example').agentPublicKey
    await fixture.db.prisma.agentKey.updateMany({ where: { agentId: agentId ?? '' }, data: { publicKey } })
    expect(await refusalOf(register({ operatorId, ...agent }))).toBe('AGENT_EXISTS')
  })

  it('lets the next owner of a domain register the same key as its own agent', async () => {
    const before = await fixture.operator('passed.example')
    const agent = newAgent('passed.example')
    const first = await register({ operatorId: before.id, ...agent })
    await fixture.db.prisma.operator.update({ where: { id: before.id }, data: { status: 'superseded' } })
    const after = await fixture.operator('passed.example')
    const second = await register({ operatorId: after.id, ...agent })
    expect(second).toMatchObject({ did: first.did, status: 'pending' })
    expect(second.id).not.toBe(first.id)
  })

  it('registers one agent when eight equal calls come at the same time', async () => {
    const { id: operatorId } = await fixture.operator('race.example')
    const agent = newAgent('race.example')
    const answers = await Promise.all(Array.from({ length: 8 }, () => register({ operatorId, ...agent })))
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
    expect(await auditOf(agent.did)).toHaveLength(1)
  })

  it("accepts one of the operator's eight equal calls at the same time", async () => {
    const operator = await fixture.operator('owner-race.example')
    const request = { operatorId: operator.id, ...newAgent('owner-race.example') }
    const calls = Array.from({ length: 8 }, () => refusalOf(register(request, asOperator(operator))))
    const refusals = await Promise.all(calls)
    expect(refusals.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(refusals.filter((reason) => reason === 'AGENT_EXISTS')).toHaveLength(7)
  })

  it('evicts only the oldest pending agents beyond the limit', async () => {
    const operator = await fixture.operator('full.example')
    const agents = Array.from({ length: 6 }, () => newAgent('full.example'))
    for (const [index, agent] of agents.entries()) {
      fixture.clock.now += 1
      // The operator registers the fourth agent. That agent is active, so it is never evicted and does not count.
      await register({ operatorId: operator.id, ...agent }, index === 3 ? asOperator(operator) : anonymous())
    }
    const left = await fixture.db.prisma.agent.findMany({ where: { operatorId: operator.id }, orderBy: { id: 'asc' } })
    expect(left.map(({ did }) => did)).toEqual(agents.slice(2).map(({ did }) => did))
    const evictions = await fixture.db.prisma.auditLog.findMany({
      where: { operatorId: operator.id, action: 'agent.expire' },
      orderBy: { id: 'asc' },
    })
    expect(evictions.map(({ subject }) => subject)).toEqual(agents.slice(0, 2).map(({ did }) => did))
  })

  it('does not evict the pending agents of another operator', async () => {
    const crowded = await fixture.operator('crowded.example')
    const quiet = await fixture.operator('quiet.example')
    const bystander = newAgent('quiet.example')
    await register({ operatorId: quiet.id, ...bystander })
    for (let count = 0; count < 5; count += 1)
      await register({ operatorId: crowded.id, ...newAgent('crowded.example') })
    expect(await stored(bystander.did)).toMatchObject({ status: 'pending' })
  })
})
