import { type KeyChange, type KeySigner, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { agentLog, newKey, newP256Key, registerWithLog, type TestKey } from '../../../test/support/agent-log.ts'
import {
  anonymous,
  everything,
  IDENTITY_SETTINGS,
  type IdentityFixture,
  identityFixture,
  newAgent,
  startIdentity,
  type TestOperator,
} from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { limitKeys } from '../../platform/limits/limit-keys.ts'

let fixture: IdentityFixture
let operator: TestOperator
let calls: ReturnType<typeof agentCalls>
let next: TestKey
let agent: Awaited<ReturnType<typeof registerWithLog>>

const now = () => fixture.clock.now
const nowS = () => Math.floor(now() / 1000)
const register = (options?: Parameters<typeof registerWithLog>[3]) =>
  registerWithLog(fixture.identity, operator, now, options)

beforeAll(async () => {
  fixture = await identityFixture()
  operator = await fixture.operator('acme.example')
  calls = agentCalls(fixture.identity, operator)
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  fixture.clock.now += 1000
  next = newKey()
  agent = await register({ next: next.kid })
})

const row = () => fixture.db.prisma.agent.findUniqueOrThrow({ where: { id: agent.id } })
const audited = () =>
  fixture.db.prisma.auditLog.findMany({
    where: { subject: agent.did },
    orderBy: { id: 'desc' },
    select: { action: true, actor: true },
  })
const added = (key = newP256Key(), exp = nowS() + 3600): KeyChange => ({ type: 'add-key', key, label: 'laptop', exp })

/** Asserts the reason of a refusal, and that nothing has changed. */
async function expectRefusal(work: () => Promise<unknown>, reason: string): Promise<void> {
  const before = await everything(fixture.db)
  expect(await refusalOf(work())).toBe(reason)
  expect(await everything(fixture.db)).toEqual(before)
}

describe('the events of all agents of an operator', () => {
  it('are limited together, except those that only take a key away, and a forged event does not count', async () => {
    const limitEvents = limitKeys('token', { perMinute: 1 / 60, burst: 1 })
    const { db, operators } = fixture
    const limited = startIdentity({ db, now, operators, limitEvents })
    const [one, two] = [agentLog(limited, agent.did, now), await registerWithLog(limited, operator, now)]
    const forged = `${(await one.sign(agent.key, added())).slice(0, -8)}AAAAAAAA`
    expect(await refusalOf(one.send(forged))).toBe('INVALID_KEY_EVENT')
    const key = newP256Key()
    await one.append(agent.key, added(key))
    await expectRefusal(() => two.append(two.key, added()), 'RATE_LIMITED')
    await one.append(agent.key, { type: 'remove-key', kid: key.kid })
    await two.append(two.key, { type: 'deactivate' })
    const stranger = await fixture.operator('other-acme.example')
    const other = await registerWithLog(limited, stranger, now)
    await other.append(other.key, added())
  })
})

describe('appendKeyEvent', () => {
  it('makes the new key the identity key, and ends the tokens', async () => {
    const event = await agent.sign(agent.key, { type: 'rotate', key: next })
    const answer = await agent.send(event)
    expect(await agent.state()).toMatchObject({ seq: 1, kid: next.kid, head: answer.digest, recorded: false })
    expect(answer).toMatchObject({ did: agent.did, seq: 1 })
    expect(await row()).toMatchObject({ version: 2, epoch: 2, status: 'active' })
    const keys = await fixture.db.prisma.agentKey.findMany({
      where: { agentId: agent.id },
      orderBy: { retiredAt: 'asc' },
    })
    expect(keys).toMatchObject([
      { thumbprint: agent.key.kid, retiredAt: new Date(now()), next: next.kid },
      { thumbprint: next.kid, retiredAt: null, next: null },
    ])
    expect((await audited())[0]).toEqual({ action: 'agent.rotate-key', actor: `agent:${agent.did}` })
  })

  it('adds a key without ending tokens, and ends them when the key is removed', async () => {
    const key = newP256Key()
    await agent.append(agent.key, added(key))
    expect(await agent.state()).toMatchObject({ addedKeys: [{ kid: key.kid, label: 'laptop', exp: nowS() + 3600 }] })
    expect(await row()).toMatchObject({ version: 2, epoch: 1 })
    await agent.append(agent.key, { type: 'remove-key', kid: key.kid })
    expect(await agent.state()).toMatchObject({ seq: 2, addedKeys: [] })
    expect(await row()).toMatchObject({ version: 3, epoch: 2 })
    expect(await fixture.db.prisma.agentAddedKey.count({ where: { agentId: agent.id } })).toBe(0)
    expect((await audited()).slice(0, 2).map(({ action }) => action)).toEqual(['agent.remove-key', 'agent.add-key'])
  })

  it('revokes an agent that deactivates itself', async () => {
    const uncommitted = await register()
    const event = await uncommitted.sign(uncommitted.key, { type: 'deactivate' })
    await uncommitted.send(event)
    const state = { status: 'revoked', revokedAt: new Date(now()), epoch: 2, version: 2 }
    expect(await fixture.db.prisma.agent.findUnique({ where: { id: uncommitted.id } })).toMatchObject(state)
    await expectRefusal(() => uncommitted.append(uncommitted.key, { type: 'rotate', key: next }), 'AGENT_REVOKED')
    expect(await uncommitted.send(event)).toMatchObject({ seq: 1 })
  })

  it('answers a repeated event as the first time, and changes nothing', async () => {
    const event = await agent.sign(agent.key, added())
    const first = await agent.send(event)
    await agent.append(agent.key, added())
    fixture.clock.now += 3_600_000
    const before = await everything(fixture.db)
    expect(await agent.send(event)).toEqual(first)
    expect(await everything(fixture.db)).toEqual(before)
  })

  it('stores the inception that the server computed, together with the first event', async () => {
    agent = await register({ isRecorded: true })
    const [computed] = (await agent.list()).events ?? []
    fixture.clock.now += 10_000
    await agent.append(agent.key, { type: 'rotate', key: next })
    const { events = [] } = await agent.list()
    expect(events[0]).toEqual(computed)
    expect(events.map(({ seq, type }) => [seq, type])).toEqual([
      [0, 'inception'],
      [1, 'rotate'],
    ])
    expect(await agent.state()).toMatchObject({ recorded: true, kid: next.kid })
  })

  it.each([
    ['rotate', undefined],
    ['remove-key', undefined],
    ['add-key', 'AGENT_NOT_ACTIVE'],
  ] as const)('answers a suspended agent that sends %s with %s', async (type, reason) => {
    const key = newP256Key()
    await agent.append(agent.key, added(key))
    const changes = { rotate: { type: 'rotate', key: next }, 'remove-key': { type, kid: key.kid }, 'add-key': added() }
    const event = await agent.sign(agent.key, changes[type] as KeyChange)
    await calls.suspend(agent.did)
    expect(await refusalOf(agent.send(event))).toBe(reason)
    expect(await row()).toMatchObject({ status: 'suspended' })
  })

  it('refuses a pending agent, a revoked agent and an unknown agent', async () => {
    const pending = await register({ caller: anonymous() })
    await expectRefusal(() => pending.append(pending.key, added()), 'AGENT_PENDING')
    const event = await agent.sign(agent.key, added())
    await calls.revoke(agent.did)
    await expectRefusal(() => agent.send(event), 'AGENT_REVOKED')
    await expectRefusal(() => agentLog(fixture.identity, 'did:web:acme', now).send(event), 'INVALID_DID')
    const { did } = newAgent(operator.domain)
    const stranger = await signKeyEvent(agent.key, { ...(await agent.state()), did }, { type: 'deactivate' }, nowS())
    await expectRefusal(() => agentLog(fixture.identity, did, now).send(stranger), 'AGENT_NOT_FOUND')
  })
})

const own = (change: () => KeyChange) => () => agent.sign(agent.key, change())

const to = () => agent.did.replace('acme.example', 'other.example')
const bareMove = () => ({ type: 'move', to: to(), operatorId: operator.id, issuer: 'https://auth.example' }) as const
const move = (key: KeySigner = next): KeyChange => ({ ...bareMove(), key })
const later = () => timestampFromMs(now() + IDENTITY_SETTINGS.moveDelayMs)

describe('appendKeyEvent of a move', () => {
  it('lets the move wait, and answers a repeated call with the time of the first call', async () => {
    const event = await agent.sign(agent.key, move())
    const first = await agent.send(event)
    expect(first).toMatchObject({ seq: 1, effectiveAt: later() })
    expect(await agent.list()).toMatchObject({
      events: [{ seq: 0 }],
      pending: [{ type: 'move', digest: first.digest, effectiveAt: first.effectiveAt }],
    })
    expect((await audited())[0]).toEqual({ action: 'agent.request-move', actor: `agent:${agent.did}` })
    fixture.clock.now += 10_000
    expect(await agent.send(event)).toEqual(first)
  })

  it('needs no key of an agent without a commitment, and refuses one', async () => {
    agent = await register()
    await expectRefusal(() => agent.append(agent.key, move()), 'KEY_NOT_COMMITTED')
    expect(await agent.append(agent.key, bareMove())).toMatchObject({ seq: 1, effectiveAt: later() })
  })

  it('replaces the move that waits, and its release', async () => {
    await agent.append(agent.key, move())
    const where = { agentId_type: { agentId: agent.id, type: 'move' } } as const
    await fixture.db.prisma.agentPendingEvent.update({ where, data: { releasedAt: new Date(now()), release: 'x' } })
    const [{ event: older = '' } = {}] = (await agent.list()).pending ?? []
    fixture.clock.now += 10_000
    const { digest } = await agent.append(agent.key, move())
    expect((await agent.list()).pending).toMatchObject([{ digest, effectiveAt: later(), releasedAt: undefined }])
    await expectRefusal(() => agent.send(older), 'KEY_EVENT_CONFLICT')
  })

  it('ends when the agent appends another event', async () => {
    await agent.append(agent.key, move())
    await agent.append(agent.key, added())
    expect((await agent.list()).pending).toEqual([])
  })

  it('is accepted from a suspended agent, and refused from one that has moved', async () => {
    await calls.suspend(agent.did)
    await agent.append(agent.key, move())
    fixture.clock.now += 1000
    const event = await agent.sign(agent.key, move())
    await fixture.db.prisma.agent.update({ where: { id: agent.id }, data: { status: 'revoked', movedTo: to() } })
    await expectRefusal(() => agent.send(event), 'AGENT_MOVED')
  })
})

describe('an event that the log refuses', () => {
  const stranger = newKey()
  const cases: readonly (readonly [string, () => Promise<string>, string])[] = [
    ['by a key that is not the identity key', async () => agent.sign(stranger, added()), 'INVALID_KEY_EVENT'],
    ['that is no JWS', async () => 'x', 'INVALID_KEY_EVENT'],
    ['recover', async () => agent.sign(next, { type: 'recover' }), 'INVALID_KEY_EVENT'],
    ['rotate to a key without commitment', own(() => ({ type: 'rotate', key: stranger })), 'KEY_NOT_COMMITTED'],
    ['move without the committed key', own(bareMove), 'KEY_NOT_COMMITTED'],
    ['move with another key', own(() => move(stranger)), 'KEY_NOT_COMMITTED'],
    [
      'move with a signature of another key in its proof',
      own(() => move({ ...next, sign: (message) => stranger.sign(message) })),
      'INVALID_KEY_EVENT',
    ],
    ['add-key of the committed key', own(() => added(next)), 'KEY_REUSED'],
    ['add-key of the identity key', own(() => added(agent.key)), 'KEY_REUSED'],
    ['remove-key of an unknown key', own(() => ({ type: 'remove-key', kid: stranger.kid })), 'ADDED_KEY_NOT_FOUND'],
    ['that expires before it is signed', own(() => added(newP256Key(), nowS() - 1)), 'INVALID_KEY_EVENT'],
  ]
  it.each(cases)('%s changes nothing', async (_name, sign, reason) => {
    const event = await sign()
    await expectRefusal(() => agent.send(event), reason)
  })

  it('of another agent changes nothing', async () => {
    const other = await register()
    const event = await other.sign(other.key, added())
    await expectRefusal(() => agent.send(event), 'INVALID_KEY_EVENT')
  })

  it('that follows an older event changes nothing', async () => {
    const event = await agent.sign(agent.key, added())
    await agent.append(agent.key, added())
    await expectRefusal(() => agent.send(event), 'KEY_EVENT_CONFLICT')
  })

  it('that adds a fifth key changes nothing', async () => {
    for (let count = 0; count < 4; count += 1) await agent.append(agent.key, added())
    await expectRefusal(() => agent.append(agent.key, added()), 'ADDED_KEY_LIMIT')
  })

  it.each([
    ['accepts', 310, undefined],
    ['refuses', 311, 'INVALID_KEY_EVENT'],
    ['accepts', -310, undefined],
    ['refuses', -311, 'INVALID_KEY_EVENT'],
  ] as const)('appendKeyEvent %s an event that is signed %i seconds ago', async (_verb, seconds, reason) => {
    const computed = await register({ isRecorded: true })
    fixture.clock.now += 1_000_000
    const event = await agentLog(fixture.identity, computed.did, () => now() - seconds * 1000).sign(computed.key, {
      type: 'rotate',
      key: next,
    })
    expect(await refusalOf(computed.send(event))).toBe(reason)
  })
})
