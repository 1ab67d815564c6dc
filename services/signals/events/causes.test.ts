import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { newKey, newP256Key, registerWithLog, type TestKey } from '../../../test/support/agent-log.ts'
import {
  type IdentityFixture,
  identityFixture,
  RECOVERY_DELAY_MS,
  type TestOperator,
} from '../../../test/support/identity.ts'
import { type Harness, startHarness } from '../../../test/support/operator-registry.ts'

/** Returns the causes that a change adds to the log. */
async function causesOf(prisma: PrismaClient, change: () => Promise<unknown>): Promise<unknown[]> {
  const { sequence } = await prisma.revocationHead.findFirstOrThrow()
  await change()
  const records = await prisma.revocationLog.findMany({
    where: { sequence: { gt: sequence } },
    orderBy: { sequence: 'asc' },
  })
  return records.map(({ cause }) => cause)
}

describe('the cause of the end of an agent', () => {
  let fixture: IdentityFixture
  let operator: TestOperator
  let calls: ReturnType<typeof agentCalls>
  let agent: Awaited<ReturnType<typeof registerWithLog>>
  let next: TestKey

  beforeAll(async () => {
    fixture = await identityFixture()
    operator = await fixture.operator('acme.example')
    calls = agentCalls(fixture.identity, operator)
  })
  afterAll(() => fixture.drop())
  beforeEach(async () => {
    next = newKey()
    agent = await registerWithLog(fixture.identity, operator, () => fixture.clock.now, { next: next.kid })
    await calls.setScopes(agent.did, ['read', 'write'])
    await calls.update(agent.did, { maxDelegationDepth: 2 })
  })

  it.each<[name: string, change: () => Promise<unknown>, cause: object]>([
    ['a suspension', () => calls.suspend(agent.did), { type: 'suspend' }],
    ['a revocation', () => calls.revoke(agent.did), { type: 'revoke' }],
    ['a lost scope', () => calls.setScopes(agent.did, ['read', 'send']), { type: 'scopes', scope: 'read send' }],
    ['the loss of all scopes', () => calls.setScopes(agent.did, []), { type: 'scopes', scope: '' }],
    ['a smaller depth', () => calls.update(agent.did, { maxDelegationDepth: 1 }), { type: 'delegation' }],
    ['a new key', () => agent.append(agent.key, { type: 'rotate', key: next }), { type: 'rotate' }],
  ])('is recorded for %s', async (_name, change, cause) => {
    expect(await causesOf(fixture.db.prisma, change)).toEqual([cause])
  })

  it('is recorded for a recovery that takes effect, and is not taken for the cause of a later revocation', async () => {
    await agent.recover(operator, await agent.sign(next, { type: 'recover' }))
    fixture.clock.now += RECOVERY_DELAY_MS
    expect(await causesOf(fixture.db.prisma, () => fixture.identity.runSchedule())).toEqual([{ type: 'recover' }])
    const revoked = await causesOf(fixture.db.prisma, () => calls.revoke(agent.did))
    expect(revoked).toEqual([{ type: 'revoke' }])
  })

  it('is recorded for a removed key, and for a deactivation', async () => {
    const now = () => fixture.clock.now
    const uncommitted = await registerWithLog(fixture.identity, operator, now)
    const key = newP256Key()
    const exp = Math.floor(now() / 1000) + 3600
    await uncommitted.append(uncommitted.key, { type: 'add-key', key, label: 'laptop', exp })
    const remove = () => uncommitted.append(uncommitted.key, { type: 'remove-key', kid: key.kid })
    expect(await causesOf(fixture.db.prisma, remove)).toEqual([{ type: 'remove_key' }])
    const deactivate = () => uncommitted.append(uncommitted.key, { type: 'deactivate' })
    expect(await causesOf(fixture.db.prisma, deactivate)).toEqual([{ type: 'deactivate' }])
  })

  it('is recorded for a move, which also revokes the agent', async () => {
    const data = { movedTo: 'did:agent:other.example:0', status: 'revoked', epoch: { increment: 1 } } as const
    const change = () => fixture.db.prisma.agent.update({ where: { id: agent.id }, data })
    expect(await causesOf(fixture.db.prisma, change)).toEqual([{ type: 'move' }])
  })

  it('is none for an epoch that another program raises', async () => {
    const change = () => fixture.db.prisma.agent.update({ where: { id: agent.id }, data: { epoch: { increment: 1 } } })
    expect(await causesOf(fixture.db.prisma, change)).toEqual([{}])
  })
})

describe('the cause of the end of an operator', () => {
  let harness: Harness
  let id: string
  beforeEach(async () => {
    harness = await startHarness()
    ;({ id } = await harness.activate('agents.example.com'))
  })
  afterEach(() => harness.stop())

  it.each<[name: string, change: () => Promise<unknown>, type: string]>([
    ['a suspension', () => harness.admin().suspendOperator({ id }), 'suspended'],
    ['a release', () => harness.as(id).releaseDomain({ id }), 'released'],
    ['the end of its tokens', () => harness.as(id).endAllTokens({ id }), 'tokens'],
  ])('is recorded for %s', async (_name, change, type) => {
    expect(await causesOf(harness.prisma, change)).toEqual([{ type }])
  })

  it('is recorded for a policy that allows less delegation', async () => {
    const policy = (delegateTo: string[]) => harness.as(id).setOperatorPolicy({ id, policy: { delegateTo } })
    await policy(['other.example.com'])
    expect(await causesOf(harness.prisma, () => policy([]))).toEqual([{ type: 'policy' }])
  })
})
