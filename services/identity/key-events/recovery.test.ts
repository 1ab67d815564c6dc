import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ObjectToRecoveryRequestSchema } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { GetAgentRequestSchema } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { agentLog, newKey, newP256Key, registerWithLog, type TestKey } from '../../../test/support/agent-log.ts'
import {
  anonymous,
  asOperator,
  everything,
  IDENTITY_SETTINGS,
  type IdentityFixture,
  identityFixture,
  RECOVERY_DELAY_MS,
  startIdentity,
  type TestOperator,
} from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

let fixture: IdentityFixture
let operator: TestOperator
let next: TestKey
let agent: Awaited<ReturnType<typeof registerWithLog>>

const now = () => fixture.clock.now
const register = (options?: Parameters<typeof registerWithLog>[3]) =>
  registerWithLog(fixture.identity, operator, now, options)
const row = () => fixture.db.prisma.agent.findUniqueOrThrow({ where: { id: agent.id } })
const shown = () =>
  fixture.identity.module.handlers.getAgent(create(GetAgentRequestSchema, { did: agent.did }), anonymous())
const pass = (ms: number) => {
  fixture.clock.now += ms
}
const audited = async () => {
  const rows = await fixture.db.prisma.auditLog.findMany({ where: { subject: agent.did }, orderBy: { id: 'desc' } })
  return rows.map(({ action, actor }) => [action, actor])
}

beforeAll(async () => {
  fixture = await identityFixture()
  operator = await fixture.operator('acme.example')
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  pass(1000)
  next = newKey()
  agent = await register({ next: next.kid })
})

/** Asserts the reason of a refusal, and that nothing has changed. */
async function expectRefusal(work: () => Promise<unknown>, reason: string): Promise<void> {
  const before = await everything(fixture.db)
  expect(await refusalOf(work())).toBe(reason)
  expect(await everything(fixture.db)).toEqual(before)
}

function replayed(events: readonly string[]) {
  const after = replayKeyEvents(events)
  if (!after.ok) throw new Error(after.demand)
  return after.state
}

const recover = async () => agent.recover(operator, await agent.sign(next, { type: 'recover' }))

describe('recoverAgent', () => {
  it('shows the recovery to everybody, and changes no key before the delay has passed', async () => {
    const { effectiveAt, ...answer } = await recover()
    expect(effectiveAt).toEqual(timestampFromMs(now() + RECOVERY_DELAY_MS))
    expect(answer).toMatchObject({ agentDid: agent.did, seq: 1 })
    expect((await agent.list()).pending).toMatchObject([{ type: 'recover', digest: answer.digest, effectiveAt }])
    expect(await shown()).toMatchObject({ recoveryAt: effectiveAt, keySeq: 0 })
    expect(await row()).toMatchObject({ version: 1, epoch: 1 })
    expect((await audited())[0]).toEqual(['agent.request-recovery', `operator:${operator.id}`])
    pass(RECOVERY_DELAY_MS - 1)
    await fixture.identity.runSchedule()
    expect(await agent.state()).toMatchObject({ kid: agent.key.kid })
  })

  it('takes effect when the delay has passed, and ends the tokens', async () => {
    await recover()
    pass(RECOVERY_DELAY_MS)
    await fixture.identity.runSchedule()
    expect(await agent.state()).toMatchObject({ kid: next.kid, seq: 1, next: undefined })
    expect(await row()).toMatchObject({ version: 2, epoch: 2 })
    expect(await shown()).toMatchObject({ keySeq: 1, updatedAt: timestampFromMs(now()), recoveryAt: undefined })
    expect((await agent.list()).pending).toEqual([])
    expect((await audited())[0]).toEqual(['agent.recover', 'system'])
  })

  it('waits while only the clock of the process has passed the delay, and not that of the database', async () => {
    const [before, real] = [now(), Date.now()]
    fixture.clock.now = real
    const late = await register({ next: next.kid })
    await late.recover(operator, await late.sign(next, { type: 'recover' }))
    pass(RECOVERY_DELAY_MS)
    await fixture.identity.runSchedule()
    expect(await late.state()).toMatchObject({ kid: late.key.kid, seq: 0 })
    expect((await late.list()).pending).toMatchObject([{ type: 'recover' }])
    fixture.clock.now = before
  })

  it('takes effect before an event of the new key that comes after the delay', async () => {
    await recover()
    const event = await agentLog(fixture.identity, agent.did, now).sign(agent.key, { type: 'deactivate' })
    pass(RECOVERY_DELAY_MS)
    await expectRefusal(() => agent.send(event), 'INVALID_KEY_EVENT')
    const { events = [], pending = [] } = await agent.list()
    const after = replayed([...events, ...pending].map(({ event = '' }) => event))
    await agent.send(await signKeyEvent(next, after, { type: 'rotate', key: newKey() }, now() / 1000))
    expect(await agent.state()).toMatchObject({ seq: 2 })
    expect(await row()).toMatchObject({ version: 3, epoch: 3 })
  })

  it('takes effect at once without a delay', async () => {
    const settings = { ...IDENTITY_SETTINGS, recoveryDelayMs: 0 }
    const { db, operators } = fixture
    const identity = startIdentity({ db, operators, now, settings })
    const log = agentLog(identity, agent.did, now)
    await log.recover(operator, await log.sign(next, { type: 'recover' }))
    expect(await log.state()).toMatchObject({ kid: next.kid })
    expect((await log.list()).pending).toEqual([])
    expect(await row()).toMatchObject({ version: 2, epoch: 2 })
    // The operator has signed the request for the recovery, and the agent its event.
    const audit = await fixture.db.prisma.auditLog.findMany({
      where: { subject: agent.did, NOT: { actor: 'anonymous' } },
    })
    const proven = audit.map(({ action, kid, signedRequestId }) => [action, kid !== '', signedRequestId !== null])
    expect(proven).toContainEqual(['agent.recover', false, false])
    expect(proven).toContainEqual(['agent.request-recovery', true, true])
  })

  it('answers a repeated call with the time of the first call, also after it took effect', async () => {
    const event = await agent.sign(next, { type: 'recover' })
    const first = await agent.recover(operator, event)
    pass(10_000)
    expect(await agent.recover(operator, event)).toEqual(first)
    pass(RECOVERY_DELAY_MS - 10_000)
    await fixture.identity.runSchedule()
    expect(await agent.recover(operator, event)).toEqual(first)
    expect(await row()).toMatchObject({ version: 2, epoch: 2 })
  })

  it('ends when the current key rotates', async () => {
    await recover()
    await agent.append(agent.key, { type: 'rotate', key: next })
    expect((await agent.list()).pending).toEqual([])
    pass(RECOVERY_DELAY_MS)
    await fixture.identity.runSchedule()
    expect(await agent.state()).toMatchObject({ seq: 1, kid: next.kid })
  })

  it('ends when the operator revokes the agent', async () => {
    await recover()
    await agentCalls(fixture.identity, operator).revoke(agent.did)
    expect((await agent.list()).pending).toEqual([])
    expect(await shown()).toMatchObject({ recoveryAt: undefined })
    pass(RECOVERY_DELAY_MS)
    await fixture.identity.runSchedule()
    expect(await fixture.db.prisma.agentPendingEvent.count({ where: { agentId: agent.id } })).toBe(0)
    expect(await agent.state()).toMatchObject({ seq: 0, kid: agent.key.kid })
  })

  it('accepts a suspended agent, which stays suspended', async () => {
    await agentCalls(fixture.identity, operator).suspend(agent.did)
    await recover()
    pass(RECOVERY_DELAY_MS)
    await fixture.identity.runSchedule()
    expect(await agent.state()).toMatchObject({ kid: next.kid })
    expect(await row()).toMatchObject({ status: 'suspended' })
  })

  it('refuses what is no recovery by the committed key', async () => {
    const stranger = newKey()
    const cases = [
      [await agent.sign(agent.key, { type: 'rotate', key: next }), 'INVALID_KEY_EVENT'],
      [await agent.sign(stranger, { type: 'recover' }), 'KEY_NOT_COMMITTED'],
      [await agent.sign(agent.key, { type: 'recover' }), 'KEY_NOT_COMMITTED'],
      ['', 'INVALID_KEY_EVENT'],
    ] as const
    for (const [event, reason] of cases) await expectRefusal(() => agent.recover(operator, event), reason)
    const uncommitted = await register()
    const event = await uncommitted.sign(next, { type: 'recover' })
    await expectRefusal(() => uncommitted.recover(operator, event), 'KEY_NOT_COMMITTED')
  })

  it('refuses a second recovery, an old one, a used assertion, and a foreign, pending or revoked agent', async () => {
    const event = await agent.sign(next, { type: 'recover' })
    const late = await agent.sign(next, { type: 'recover', next: newKey().kid })
    const used = asOperator(operator, 'used')
    await agent.recover(operator, event, used)
    await expectRefusal(() => agent.recover(operator, late), 'RECOVERY_PENDING')
    await expectRefusal(() => agent.recover(operator, event, used), 'ASSERTION_USED')
    await agent.object(agent.key, (await agent.list()).pending?.[0]?.digest ?? '')
    const other = await fixture.operator(`other-${now()}.example`)
    await expectRefusal(() => agent.recover(other, event), 'AGENT_NOT_FOUND')
    pass(311_000)
    await expectRefusal(() => agent.recover(operator, event), 'INVALID_KEY_EVENT')
    await agentCalls(fixture.identity, operator).revoke(agent.did)
    await expectRefusal(() => agent.recover(operator, event), 'AGENT_REVOKED')
    const pending = await register({ caller: anonymous(), next: next.kid })
    const early = await pending.sign(next, { type: 'recover' })
    await expectRefusal(() => pending.recover(operator, early), 'AGENT_PENDING')
  })
})

describe('objectToRecovery', () => {
  it('ends the recovery', async () => {
    const { digest = '' } = await recover()
    expect(await agent.object(agent.key, digest)).toEqual({ did: agent.did, digest })
    expect((await agent.list()).pending).toEqual([])
    expect(await row()).toMatchObject({ version: 1, epoch: 1 })
    expect((await audited())[0]).toEqual(['agent.object-to-recovery', `agent:${agent.did}`])
    await expectRefusal(() => agent.object(agent.key, digest), 'NOTHING_PENDING')
    pass(RECOVERY_DELAY_MS)
    await fixture.identity.runSchedule()
    expect(await agent.state()).toMatchObject({ seq: 0 })
  })

  it('accepts the objection of a suspended agent, so that its operator alone cannot replace its key', async () => {
    const { digest = '' } = await recover()
    await agentCalls(fixture.identity, operator).suspend(agent.did)
    await agent.object(agent.key, digest)
    expect((await agent.list()).pending).toEqual([])
  })

  it('comes too late once the recovery is due, even before the schedule has run', async () => {
    const { digest = '' } = await recover()
    pass(RECOVERY_DELAY_MS)
    await expectRefusal(() => agent.object(agent.key, digest), 'NOTHING_PENDING')
    await expectRefusal(() => agent.object(next, digest), 'NOTHING_PENDING')
  })

  it('refuses an objection by another key, to another event, of another time, or of another form', async () => {
    const { digest = '' } = await recover()
    const key = newP256Key()
    await expectRefusal(() => agent.object(next, digest), 'INVALID_STATEMENT')
    await expectRefusal(() => agent.object(newKey(), digest), 'INVALID_STATEMENT')
    await expectRefusal(() => agent.object(agent.key, key.kid), 'NOTHING_PENDING')
    const slow = agentLog(fixture.identity, agent.did, () => now() - 311_000)
    await expectRefusal(() => slow.object(agent.key, digest), 'INVALID_STATEMENT')
    const objection = await agent.sign(agent.key, { type: 'deactivate' })
    const request = create(ObjectToRecoveryRequestSchema, { did: agent.did, objection })
    await expectRefusal(
      () => fixture.identity.keys.handlers.objectToRecovery(request, anonymous()),
      'INVALID_STATEMENT',
    )
  })
})
