import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { newKey, type TestKey } from '../../../test/support/agent-log.ts'
import {
  type AskedMove,
  askToMove,
  didUnder,
  movesFixture,
  releaseOf,
  type TestAgent,
} from '../../../test/support/agent-moves.ts'
import { anonymous, TEST_ISSUER } from '../../../test/support/identity.ts'

const fixture = await movesFixture()
const { identity, db, acme, other, third, moves, now, register, waitOut, expectRefusal } = fixture
const { prisma } = db
let next: TestKey
let agent: TestAgent

const calls = agentCalls(identity, acme)
const released = (target = other) => fixture.release(agent, target, next)

afterAll(() => fixture.drop())
beforeEach(async () => {
  ;({ next, agent } = await fixture.registerCommitted())
})

describe('a release', () => {
  it('returns the time of the first call when it is repeated', async () => {
    const move = await askToMove(agent, other, { key: next })
    const first = await moves.release(acme, move)
    fixture.clock.now += 1000
    expect(await moves.release(acme, move)).toEqual(first)
  })

  it('counts again after a suspension when the operator signs a new one', async () => {
    const move = await released()
    fixture.clock.now += 1
    await calls.suspend(agent.did)
    fixture.clock.now += 1000
    const first = await moves.release(acme, move)
    fixture.clock.now += 1000
    expect(await moves.release(acme, move)).toEqual(first)
    expect(await moves.admit(other, agent.did)).toMatchObject({ status: 'active' })
  })

  it.each([
    ['again', true],
    ['for the first time', false],
  ])('is refused when a statement from before a suspension is sent %s after it', async (_name, isRepeated) => {
    const move = await askToMove(agent, other, { key: next })
    const statement = await releaseOf(acme, move, now())
    if (isRepeated) await moves.release(acme, move, statement)
    fixture.clock.now += 1
    await calls.suspend(agent.did)
    fixture.clock.now += 60_000
    await expectRefusal(() => moves.release(acme, move, statement), 'INVALID_STATEMENT')
    await expectRefusal(() => moves.admit(other, agent.did), 'MOVE_NOT_RELEASED')
  })

  it.each<[string, (move: AskedMove) => Promise<unknown>, string]>([
    ['of an agent of another operator', (move) => moves.release(third, move), 'AGENT_NOT_FOUND'],
    [
      'in the name of another operator',
      async (move) => moves.release(acme, move, await releaseOf(third, move, now())),
      'INVALID_STATEMENT',
    ],
    [
      'by the key of another operator',
      async (move) => moves.release(acme, move, await releaseOf(acme, move, now(), { key: third.root })),
      'INVALID_STATEMENT',
    ],
    [
      'for another DID',
      async (move) => moves.release(acme, move, await releaseOf(acme, move, now(), { did: move.to })),
      'INVALID_STATEMENT',
    ],
    [
      'to another DID',
      async (move) => moves.release(acme, move, await releaseOf(acme, move, now(), { to: move.did })),
      'INVALID_STATEMENT',
    ],
    [
      'of another event',
      async (move) => moves.release(acme, move, await releaseOf(acme, move, now(), { event: agent.key.kid })),
      'INVALID_STATEMENT',
    ],
    [
      'that is older than five minutes',
      async (move) => moves.release(acme, move, await releaseOf(acme, move, now() - 312_000)),
      'INVALID_STATEMENT',
    ],
    [
      'from the future',
      async (move) => moves.release(acme, move, await releaseOf(acme, move, now() + 312_000)),
      'INVALID_STATEMENT',
    ],
    ['that is no JWS', (move) => moves.release(acme, move, 'x'), 'INVALID_STATEMENT'],
    [
      'of an unknown agent',
      (move) => moves.release(acme, { ...move, did: didUnder(acme, newKey()) }),
      'AGENT_NOT_FOUND',
    ],
  ])('is refused %s', async (_name, release, reason) => {
    const move = await askToMove(agent, other, { key: next })
    await expectRefusal(() => release(move), reason)
  })

  it('is refused for an earlier move of the agent', async () => {
    const earlier = await askToMove(agent, other, { key: next })
    const statement = await releaseOf(acme, earlier, now())
    fixture.clock.now += 1000
    const move = await askToMove(agent, third, { key: next })
    await expectRefusal(() => moves.release(acme, move, statement), 'INVALID_STATEMENT')
  })

  it('is refused for an agent that does not move, is pending, is revoked or has moved', async () => {
    const move = { did: agent.did, to: didUnder(other, agent.key), event: agent.key.kid }
    await expectRefusal(() => moves.release(acme, move), 'NOTHING_PENDING')
    const pending = await register({ caller: anonymous() })
    await expectRefusal(() => moves.release(acme, { ...move, did: pending.did }), 'AGENT_PENDING')
    const moved = await released()
    await moves.admit(other, agent.did)
    await expectRefusal(() => moves.release(acme, moved), 'AGENT_MOVED')
    const revoked = await register()
    await calls.revoke(revoked.did)
    await expectRefusal(() => moves.release(acme, { ...move, did: revoked.did }), 'AGENT_REVOKED')
  })
})

describe('an objection', () => {
  it('ends the move, and says so in the audit', async () => {
    const { event } = await askToMove(agent, other, { key: next })
    expect(await moves.object(acme, agent.did, 'not agreed')).toEqual({ agentDid: agent.did, digest: event })
    expect((await agent.list()).pending).toEqual([])
    const record = await prisma.auditLog.findFirstOrThrow({
      where: { action: 'agent.object-to-move', subject: agent.did },
    })
    expect(record).toMatchObject({ reason: 'not agreed', operatorId: acme.id, actor: `operator:${acme.id}` })
  })

  it('cannot be undone by sending the same move again, or one that it had replaced', async () => {
    const { to, id: operatorId } = { to: didUnder(other, agent.key), ...other }
    const sign = () => agent.sign(agent.key, { type: 'move', to, operatorId, issuer: TEST_ISSUER, key: next })
    const replaced = await sign()
    await agent.send(replaced)
    fixture.clock.now += 1000
    const last = await sign()
    await agent.send(last)
    await moves.object(acme, agent.did)
    for (const text of [last, replaced]) await expectRefusal(() => agent.send(text), 'KEY_EVENT_CONFLICT')
    fixture.clock.now += 1000
    await agent.send(await sign())
    expect((await agent.list()).pending).toHaveLength(1)
  })

  it('ends a move whose delay is over', async () => {
    await askToMove(agent, other, { key: next })
    waitOut()
    await moves.object(acme, agent.did)
    await expectRefusal(() => moves.admit(other, agent.did), 'NOTHING_PENDING')
  })

  it('is refused after the release, for another operator, without a move, and with a reason that is too long', async () => {
    await expectRefusal(() => moves.object(acme, agent.did), 'NOTHING_PENDING')
    const move = await askToMove(agent, other, { key: next })
    await expectRefusal(() => moves.object(other, agent.did), 'AGENT_NOT_FOUND')
    await expectRefusal(() => moves.object(acme, agent.did, 'x'.repeat(501)), 'INVALID_ARGUMENT')
    await moves.release(acme, move)
    await expectRefusal(() => moves.object(acme, agent.did), 'NOTHING_PENDING')
  })
})
