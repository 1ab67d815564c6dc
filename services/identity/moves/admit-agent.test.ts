import type { KeyChange } from '@auth4agent/core/key-events/sign-key-event'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { LookupAgentRequestSchema } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { GetAgentRequestSchema } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { agentLog, newKey, newP256Key, registerWithLog, type TestKey } from '../../../test/support/agent-log.ts'
import { askToMove, didUnder, movesFixture, type TestAgent } from '../../../test/support/agent-moves.ts'
import { CAUSE } from '../../../test/support/cause.ts'
import { anonymous, IDENTITY_SETTINGS } from '../../../test/support/identity.ts'

const fixture = await movesFixture()
const { identity, db, acme, other, third, moves, now, register, row, waitOut, setStatus, freeze, expectRefusal } =
  fixture
const { prisma } = db
let next: TestKey
let agent: TestAgent

const calls = agentCalls(identity, acme)
const audited = (subject: string) =>
  prisma.auditLog.findMany({
    where: { subject },
    orderBy: { id: 'asc' },
    select: { action: true, operatorId: true, actor: true },
  })
const released = (target = other) => fixture.release(agent, target, next)

afterAll(() => fixture.drop())
beforeEach(async () => {
  ;({ next, agent } = await fixture.registerCommitted())
})

describe('admitAgent of an agent of this server', () => {
  it('makes a released agent an active agent of the new operator, without scopes', async () => {
    await calls.setScopes(agent.did, ['orders:read'])
    await calls.update(agent.did, { label: 'old', requireBoundChallenges: true })
    const { to } = await released()
    const admitted = await moves.admit(other, agent.did, 'new')
    expect(admitted).toEqual({ id: expect.any(String), did: to, status: 'active' })
    expect(to).toBe(didUnder(other, agent.key))
    expect(await row(other.id, to)).toMatchObject({
      id: admitted.id,
      status: 'active',
      label: 'new',
      allowedScopes: [],
      requireBoundChallenges: false,
      movedFrom: agent.did,
      movedTo: null,
      epoch: 1,
    })
  })

  it('ends the agent under the old DID, with all its tokens', async () => {
    const before = await row(acme.id, agent.did)
    const { to } = await released()
    await moves.admit(other, agent.did)
    expect(await row(acme.id, agent.did)).toMatchObject({
      status: 'revoked',
      movedTo: to,
      revokedAt: new Date(now()),
      epoch: before.epoch + 1,
    })
    expect(await prisma.agentPendingEvent.count({ where: { agentId: agent.id } })).toBe(0)
  })

  it('takes the whole log, all keys and the commitment to the new DID, where the log goes on', async () => {
    const [p256, second, third] = [newP256Key(), next, newKey()]
    const exp = Math.floor(now() / 1000) + 3600
    await agent.append(agent.key, { type: 'add-key', key: p256, label: 'laptop', exp })
    await agent.append(agent.key, { type: 'rotate', key: second, next: third.kid })
    const { to } = await askToMove(agent, other, { signer: second, key: third })
    waitOut()
    await moves.admit(other, agent.did)
    const moved = agentLog(fixture.identity, to, now)
    expect(await moved.state()).toMatchObject({
      did: to,
      previousDids: [agent.did],
      seq: 3,
      kid: second.kid,
      next: third.kid,
      addedKeys: [{ kid: p256.kid }],
      usedKids: new Set([agent.key.kid, second.kid]),
    })
    const reused: KeyChange = { type: 'rotate', key: newKey() }
    await expectRefusal(() => moved.append(second, reused), 'KEY_NOT_COMMITTED')
    await moved.append(second, { type: 'remove-key', kid: p256.kid })
    await moved.append(second, { type: 'rotate', key: third })
    expect(await moved.state()).toMatchObject({ seq: 5, kid: third.kid, addedKeys: [] })
    expect((await agent.list()).events).toEqual((await moved.list()).events?.slice(0, 4))
  })

  it('stores the inception that the server has computed in both logs', async () => {
    const old = await register({ isRecorded: true })
    const { to } = await askToMove(old, other)
    waitOut()
    await moves.admit(other, old.did)
    expect(await agentLog(fixture.identity, to, now).state()).toMatchObject({ recorded: true, seq: 1 })
    expect((await old.list()).events).toMatchObject([{ type: 'inception' }, { type: 'move' }])
  })

  it('writes into the audits of both operators, and hides the request of one from the other', async () => {
    const { to } = await released()
    await moves.admit(other, agent.did)
    expect((await audited(agent.did)).slice(-3)).toEqual([
      { action: 'agent.request-move', operatorId: acme.id, actor: `agent:${agent.did}` },
      { action: 'agent.release', operatorId: acme.id, actor: `operator:${acme.id}` },
      { action: 'agent.move', operatorId: acme.id, actor: `agent:${agent.did}` },
    ])
    expect(await audited(to)).toEqual([{ action: 'agent.admit', operatorId: other.id, actor: `operator:${other.id}` }])
    const record = await prisma.auditLog.findFirstOrThrow({ where: { subject: agent.did, action: 'agent.move' } })
    expect(record).toMatchObject({ signedRequestId: null, kid: '', keyLabel: '' })
  })

  it('needs the release until the delay is over, to the millisecond', async () => {
    const { to } = await askToMove(agent, other, { key: next })
    await expectRefusal(() => moves.admit(other, agent.did), 'MOVE_NOT_RELEASED')
    fixture.clock.now += IDENTITY_SETTINGS.moveDelayMs - 1
    await expectRefusal(() => moves.admit(other, agent.did), 'MOVE_NOT_RELEASED')
    fixture.clock.now += 1
    expect(await moves.admit(other, agent.did)).toMatchObject({ did: to })
  })

  it('does not believe a clock that is ahead of the clock of the database', async () => {
    const real = Date.now()
    const before = fixture.clock.now
    fixture.clock.now = real
    const late = await register()
    await askToMove(late, other)
    fixture.clock.now = real + IDENTITY_SETTINGS.moveDelayMs
    await expectRefusal(() => moves.admit(other, late.did), 'MOVE_NOT_RELEASED')
    fixture.clock.now = before
  })

  it('takes the place of a pending registration of the same key by a stranger', async () => {
    await registerWithLog(fixture.identity, other, now, { key: agent.key, caller: anonymous() })
    const { to } = await released()
    const { id } = await moves.admit(other, agent.did)
    expect(await row(other.id, to)).toMatchObject({ id, status: 'active' })
    expect((await audited(to)).map(({ action }) => action)).toEqual(['agent.register', 'agent.expire', 'agent.admit'])
  })

  it('lets an agent move on, but never back to a DID that it has left', async () => {
    const { to } = await released()
    await moves.admit(other, agent.did)
    const moved = { ...agentLog(fixture.identity, to, now), key: agent.key }
    await expectRefusal(() => askToMove(moved, acme, { key: next }), 'INVALID_KEY_EVENT')
    const move = await askToMove(moved, third, { key: next })
    await moves.release(other, move)
    await moves.admit(third, to)
    const last = agentLog(fixture.identity, move.to, now)
    expect(await last.state()).toMatchObject({ previousDids: [agent.did, to], did: move.to })
    await expectRefusal(() => askToMove({ ...last, key: agent.key }, acme, { key: next }), 'INVALID_KEY_EVENT')
  })

  it('lets an agent go that its operator released before it was frozen', async () => {
    await released()
    await freeze(acme, new Date(now()))
    try {
      expect(await moves.admit(other, agent.did)).toMatchObject({ status: 'active' })
    } finally {
      await freeze(acme, null)
    }
  })

  it('lets the agents of a lapsed operator go', async () => {
    await askToMove(agent, other, { key: next })
    waitOut()
    await setStatus(acme, 'lapsed')
    try {
      expect(await moves.admit(other, agent.did)).toMatchObject({ status: 'active' })
    } finally {
      await setStatus(acme, 'active')
    }
  })
})

const get = (did: string) =>
  fixture.identity.module.handlers.getAgent(create(GetAgentRequestSchema, { did }), anonymous())

describe('an agent that has moved', () => {
  it('links both DIDs in the documents, and has no key under the old one', async () => {
    const { to } = await released()
    await moves.admit(other, agent.did)
    expect(await get(agent.did)).toMatchObject({
      status: 'revoked',
      movedTo: to,
      movedFrom: '',
      didDocument: { id: agent.did, alsoKnownAs: [to], verificationMethod: [], authentication: [] },
    })
    expect(await get(to)).toMatchObject({
      status: 'active',
      movedTo: '',
      movedFrom: agent.did,
      didDocument: { id: to, alsoKnownAs: [agent.did], verificationMethod: [{ controller: to }] },
    })
  })

  it('is shown to other parts of the server with its new DID', async () => {
    const { to } = await released()
    await moves.admit(other, agent.did)
    const { directory } = fixture.identity
    const lookUp = (did: string) => directory.lookupAgent(create(LookupAgentRequestSchema, { did }), CAUSE)
    expect(await lookUp(agent.did)).toMatchObject({ agent: { status: 'revoked', movedTo: to } })
    expect(await lookUp(to)).toMatchObject({ agent: { status: 'active', movedTo: '', allowedScopes: [] } })
  })
})
