import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../test/support/agent-calls.ts'
import {
  anonymous,
  asOperator,
  everything,
  type IdentityFixture,
  identityFixture,
  newAgent,
  type TestOperator,
} from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

let fixture: IdentityFixture
let operator: TestOperator
let calls: ReturnType<typeof agentCalls>
let agent: { id: string; did: string }

beforeAll(async () => {
  fixture = await identityFixture()
  operator = await fixture.operator('acme.example')
  calls = agentCalls(fixture.identity, operator)
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  fixture.clock.now += 1000
  agent = await calls.register()
})

const row = () => fixture.db.prisma.agent.findUniqueOrThrow({ where: { id: agent.id } })
const now = () => new Date(fixture.clock.now)
const lastAudit = () =>
  fixture.db.prisma.auditLog.findFirst({
    where: { subject: agent.did },
    orderBy: { id: 'desc' },
    select: { action: true, actor: true, operatorId: true, outcome: true, reason: true },
  })
const audited = (action: string, reason = '') => ({
  action,
  actor: `operator:${operator.id}`,
  operatorId: operator.id,
  outcome: 'done',
  reason,
})

/** Asserts the reason of a refusal, and that nothing has changed. */
async function expectRefusal(work: () => Promise<unknown>, reason: string): Promise<void> {
  const before = await everything(fixture.db)
  expect(await refusalOf(work())).toBe(reason)
  expect(await everything(fixture.db)).toEqual(before)
}

describe('approveAgent', () => {
  it('makes a pending agent active and removes its expiry', async () => {
    agent = await calls.register(anonymous())
    const answer = await calls.approve(agent.did)
    expect(answer).toEqual({ agentDid: agent.did, status: 'active', approvedAt: timestampFromDate(now()) })
    const state = { status: 'active', expiresAt: null, approvedAt: now(), version: 2, epoch: 1, allowedScopes: [] }
    expect(await row()).toMatchObject(state)
    expect(await lastAudit()).toEqual(audited('agent.approve'))
  })

  it('returns the time of the first approval when the agent is approved again', async () => {
    agent = await calls.register(anonymous())
    const first = await calls.approve(agent.did)
    fixture.clock.now += 1000
    expect(await calls.approve(agent.did)).toEqual(first)
    expect(await row()).toMatchObject({ version: 2 })
  })

  it('refuses a suspended and a revoked agent', async () => {
    await calls.suspend(agent.did)
    await expectRefusal(() => calls.approve(agent.did), 'AGENT_NOT_PENDING')
    await calls.revoke(agent.did)
    await expectRefusal(() => calls.approve(agent.did), 'AGENT_REVOKED')
  })
})

describe('setAgentScopes', () => {
  it('stores the scopes as a sorted set, and ends tokens only when the grant loses a scope', async () => {
    expect(await calls.setScopes(agent.did, ['write', 'read', 'write'])).toEqual({
      updated: true,
      did: agent.did,
      allowedScopes: ['read', 'write'],
    })
    expect(await row()).toMatchObject({ allowedScopes: ['read', 'write'], version: 2, epoch: 1 })
    expect(await lastAudit()).toEqual(audited('agent.set-scopes'))
    await calls.setScopes(agent.did, ['read', 'send'])
    expect(await row()).toMatchObject({ allowedScopes: ['read', 'send'], version: 3, epoch: 2 })
    await calls.setScopes(agent.did, [])
    expect(await row()).toMatchObject({ allowedScopes: [], version: 4, epoch: 3 })
  })

  it('changes nothing when the scopes are the same', async () => {
    await calls.setScopes(agent.did, ['read', 'write'])
    const before = await row()
    const audit = await fixture.db.prisma.auditLog.count()
    expect(await calls.setScopes(agent.did, ['write', 'read'])).toMatchObject({
      updated: true,
      allowedScopes: ['read', 'write'],
    })
    expect(await row()).toEqual(before)
    expect(await fixture.db.prisma.auditLog.count()).toBe(audit)
  })

  it('approves a pending agent that the request names by its id', async () => {
    agent = await calls.register(anonymous())
    expect(await calls.setScopes(agent.id, ['read'])).toMatchObject({ did: agent.did, allowedScopes: ['read'] })
    expect(await row()).toMatchObject({ status: 'active', approvedAt: now(), expiresAt: null, version: 2, epoch: 1 })
  })

  it('leaves a suspended agent suspended', async () => {
    await calls.suspend(agent.did)
    await calls.setScopes(agent.did, ['read'])
    expect(await row()).toMatchObject({ status: 'suspended', allowedScopes: ['read'] })
  })

  it('refuses a malformed scope, and refuses a revoked agent', async () => {
    await expectRefusal(() => calls.setScopes(agent.did, ['read', 'orders:*']), 'INVALID_SCOPE')
    await calls.revoke(agent.did)
    await expectRefusal(() => calls.setScopes(agent.did, ['read']), 'AGENT_REVOKED')
  })
})

describe('updateAgent', () => {
  it('changes the fields of the request and keeps the others', async () => {
    expect(await calls.update(agent.did, { label: 'buyer' })).toMatchObject({
      agent: { did: agent.did, label: 'buyer' },
    })
    expect(await row()).toMatchObject({ label: 'buyer', requireBoundChallenges: false, version: 2, epoch: 1 })
    await calls.update(agent.did, { requireBoundChallenges: true })
    expect(await row()).toMatchObject({ label: 'buyer', requireBoundChallenges: true, version: 3, epoch: 1 })
    await calls.update(agent.did, { label: '' })
    expect(await row()).toMatchObject({ label: '', requireBoundChallenges: true, version: 4 })
    expect(await lastAudit()).toEqual(audited('agent.update'))
  })

  it('raises the epoch only when the delegation depth becomes smaller', async () => {
    for (const [maxDelegationDepth, epoch] of [
      [3, 1],
      [8, 1],
      [8, 1],
      [7, 2],
      [0, 3],
      [1, 3],
    ] as const) {
      const { agent: shown } = await calls.update(agent.did, { maxDelegationDepth })
      expect(shown).toMatchObject({ maxDelegationDepth })
      expect(await row()).toMatchObject({ maxDelegationDepth, epoch, label: 'first' })
    }
    expect(await lastAudit()).toEqual(audited('agent.update'))
  })

  it.each([-1, 9])('refuses the delegation depth %s', async (maxDelegationDepth) => {
    await expectRefusal(() => calls.update(agent.did, { maxDelegationDepth, label: 'new' }), 'INVALID_ARGUMENT')
  })

  it('changes nothing when the request has no fields', async () => {
    const before = await row()
    expect(await calls.update(agent.did, {})).toMatchObject({
      agent: { label: 'first', requireBoundChallenges: false },
    })
    expect(await row()).toEqual(before)
  })

  it('refuses a label of 101 characters', async () => {
    await expectRefusal(
      () => calls.update(agent.did, { label: 'a'.repeat(101), requireBoundChallenges: true }),
      'INVALID_ARGUMENT',
    )
  })
})

describe('suspendAgent', () => {
  it('ends the tokens, and returns the time of the first suspension when the agent is suspended again', async () => {
    const first = await calls.suspend(agent.did, 'laptop lost')
    expect(first).toEqual({ agentDid: agent.did, suspendedAt: timestampFromDate(now()) })
    const state = await row()
    expect(state).toMatchObject({ status: 'suspended', suspendedAt: now(), version: 2, epoch: 2 })
    expect(await lastAudit()).toEqual(audited('agent.suspend', 'laptop lost'))
    fixture.clock.now += 1000
    expect(await calls.suspend(agent.did)).toEqual(first)
    expect(await row()).toEqual(state)
  })

  it('refuses a pending and a revoked agent', async () => {
    agent = await calls.register(anonymous())
    await expectRefusal(() => calls.suspend(agent.did), 'AGENT_PENDING')
    await calls.revoke(agent.did)
    await expectRefusal(() => calls.suspend(agent.did), 'AGENT_REVOKED')
  })
})

describe('reactivateAgent', () => {
  it('ends the suspension, and old tokens stay ended', async () => {
    await calls.setScopes(agent.did, ['read'])
    await calls.suspend(agent.did)
    fixture.clock.now += 1000
    expect(await calls.reactivate(agent.did)).toEqual({ agentDid: agent.did, reactivatedAt: timestampFromDate(now()) })
    const state = { status: 'active', suspendedAt: null, version: 4, epoch: 2, allowedScopes: ['read'] }
    expect(await row()).toMatchObject(state)
    expect(await lastAudit()).toEqual(audited('agent.reactivate'))
  })

  it('refuses an agent that is not suspended', async () => {
    await expectRefusal(() => calls.reactivate(agent.did), 'AGENT_NOT_SUSPENDED')
    await calls.revoke(agent.did)
    await expectRefusal(() => calls.reactivate(agent.did), 'AGENT_REVOKED')
    agent = await calls.register(anonymous())
    await expectRefusal(() => calls.reactivate(agent.did), 'AGENT_PENDING')
  })
})

describe('revokeAgent', () => {
  it('ends the tokens, and returns the time of the first revocation when the agent is revoked again', async () => {
    await calls.suspend(agent.did)
    const first = await calls.revoke(agent.id, 'retired')
    expect(first).toEqual({ agentDid: agent.did, revokedAt: timestampFromDate(now()) })
    const state = await row()
    expect(state).toMatchObject({ status: 'revoked', revokedAt: now(), suspendedAt: null, version: 3, epoch: 3 })
    expect(await lastAudit()).toEqual(audited('agent.revoke', 'retired'))
    fixture.clock.now += 1000
    expect(await calls.revoke(agent.did)).toEqual(first)
    expect(await row()).toEqual(state)
  })

  it('keeps a revoked agent that was pending, even after its expiry', async () => {
    agent = await calls.register(anonymous())
    await calls.revoke(agent.did)
    fixture.clock.now += 7_200_000
    await fixture.identity.runSchedule()
    expect(await row()).toMatchObject({ status: 'revoked', expiresAt: null })
  })
})

describe('IdentityService', () => {
  const byName: Record<string, (name: string) => Promise<unknown>> = {
    approveAgent: (name) => calls.approve(name),
    setAgentScopes: (name) => calls.setScopes(name, ['read']),
    updateAgent: (name) => calls.update(name, { label: 'x' }),
    suspendAgent: (name) => calls.suspend(name),
    reactivateAgent: (name) => calls.reactivate(name),
    revokeAgent: (name) => calls.revoke(name),
  }

  it.each(Object.entries(byName))(
    "%s answers AGENT_NOT_FOUND for another operator's agent and for a malformed name",
    async (rpc, call) => {
      const other = await fixture.operator(`${rpc.toLowerCase()}.example`)
      const foreign = await agentCalls(fixture.identity, other).register()
      for (const name of [foreign.id, foreign.did, newAgent('acme.example').did, '', '__proto__', `${agent.did}\0`]) {
        await expectRefusal(() => call(name), 'AGENT_NOT_FOUND')
      }
    },
  )

  it.each(['suspend', 'revoke'] as const)('%sAgent refuses a reason of 501 characters', async (verb) => {
    await expectRefusal(() => calls[verb](agent.did, 'a'.repeat(501)), 'INVALID_ARGUMENT')
    await calls[verb](agent.did, 'a'.repeat(500))
  })

  it('refuses an assertion that has been used', async () => {
    await calls.suspend(agent.did, '', asOperator(operator, 'used'))
    await expectRefusal(() => calls.reactivate(agent.did, asOperator(operator, 'used')), 'ASSERTION_USED')
  })
})
