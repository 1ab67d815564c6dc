import { verifyAgentBundle } from '@auth4agent/core/key-events/agent-bundle'
import type { AgentBundle } from '@auth4agent/core/key-events/bundle-text'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { agentLog, newKey, newP256Key, registerWithLog, type TestKey } from '../../../test/support/agent-log.ts'
import { type AskedMove, askToMove, movesFixture, type TestAgent } from '../../../test/support/agent-moves.ts'
import { anonymous, RECOVERY_DELAY_MS } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const ISSUER = 'https://auth.other.example'
/** The server that the agent leaves, and the one that it moves to. Each has its own database. */
const here = await movesFixture()
const there = await movesFixture(ISSUER)
const { acme, now } = here
const { other } = there
let next: TestKey
let agent: TestAgent

afterAll(async () => {
  await here.drop()
  await there.drop()
})
beforeEach(async () => {
  ;({ next, agent } = await here.registerCommitted())
  there.clock.now = here.clock.now
})

const ask = (): Promise<AskedMove> => askToMove(agent, other, { issuer: ISSUER, key: next })

async function exported(): Promise<AgentBundle> {
  await here.moves.release(acme, await ask())
  return here.moves.export(agent.did)
}

describe('releaseAgent to another server', () => {
  it('ends the agent here at once, with all its tokens', async () => {
    const { epoch } = await here.row(acme.id, agent.did)
    const move = await ask()
    const { releasedAt } = await here.moves.release(acme, move)
    expect(releasedAt?.seconds).toBe(BigInt(Math.floor(now() / 1000)))
    expect(await here.row(acme.id, agent.did)).toMatchObject({
      status: 'revoked',
      movedTo: move.to,
      epoch: epoch + 1,
      release: expect.any(String),
      releaseManifestSeq: 0,
    })
    expect((await agent.list()).events).toMatchObject([{ type: 'inception' }, { type: 'move', digest: move.event }])
  })

  it('does not end the agent by time alone', async () => {
    await ask()
    here.waitOut()
    await here.expectRefusal(() => here.moves.export(agent.did), 'MOVE_NOT_RELEASED')
    expect(await here.row(acme.id, agent.did)).toMatchObject({ status: 'active', movedTo: null })
  })

  it('returns the time of the first call when it is repeated', async () => {
    const move = await ask()
    const first = await here.moves.release(acme, move)
    here.clock.now += 60_000
    expect(await here.moves.release(acme, move)).toEqual(first)
  })

  it('is refused while a recovery waits', async () => {
    const move = await ask()
    await agent.recover(acme, await agent.sign(next, { type: 'recover' }))
    await here.expectRefusal(() => here.moves.release(acme, move), 'RECOVERY_PENDING')
    here.clock.now += RECOVERY_DELAY_MS
    await here.expectRefusal(() => here.moves.release(acme, move), 'NOTHING_PENDING')
  })

  it('is refused when the history does not fit into a bundle', async () => {
    const move = await ask()
    const { id: operatorId } = acme
    // The database reads the root keys of a manifest.
    const payload = Buffer.from('{"root":{"keys":[]}}').toString('base64url')
    const long = { operatorId, seq: 1, manifest: `e30.${payload}.${'x'.repeat(300_000)}`, changesRoot: true }
    await here.db.prisma.operatorManifest.create({ data: long })
    await here.db.prisma.operator.update({ where: { id: operatorId }, data: { manifestSeq: 1 } })
    // The fixture's directory of operators shows no manifests, so the release is signed by the registered root key.
    await here.expectRefusal(() => here.moves.release(acme, move), 'KEY_EVENT_LIMIT')
    await here.db.prisma.operatorManifest.deleteMany({ where: { operatorId } })
    await here.db.prisma.operator.update({ where: { id: operatorId }, data: { manifestSeq: 0 } })
    await here.moves.release(acme, move)
  })
})

describe('exportAgent', () => {
  it('returns a bundle that everybody can verify offline', async () => {
    const bundle = await exported()
    const target = { issuer: ISSUER, operatorId: other.id, domain: other.domain }
    expect(verifyAgentBundle(bundle, target)).toMatchObject({
      ok: true,
      source: { operatorId: acme.id, domain: acme.domain },
      state: { previousDids: [agent.did] },
    })
  })

  it.each<[string, () => Promise<string>, string]>([
    ['an agent that does not move', async () => agent.did, 'NOTHING_PENDING'],
    [
      'an agent that has moved within this server',
      async () => {
        await here.moves.release(acme, await askToMove(agent, here.third, { key: next }))
        await here.moves.admit(here.third, agent.did)
        return agent.did
      },
      'AGENT_MOVED',
    ],
    [
      'a revoked agent whose move waited',
      async () => {
        await ask()
        await agentCalls(here.identity, acme).revoke(agent.did)
        return agent.did
      },
      'NOTHING_PENDING',
    ],
    [
      'an unknown agent',
      async () => agent.did.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
      'AGENT_NOT_FOUND',
    ],
    ['a text that is no DID', async () => 'acme.example', 'INVALID_DID'],
  ])('refuses %s', async (_name, prepare, reason) => {
    const did = await prepare()
    await here.expectRefusal(() => here.moves.export(did), reason)
  })
})

describe('admitAgent of a bundle', () => {
  it('makes an active agent without scopes, whose log goes on under the new DID', async () => {
    const p256 = newP256Key()
    const [second, third] = [next, newKey()]
    const exp = Math.floor(now() / 1000) + 3600
    await agent.append(agent.key, { type: 'add-key', key: p256, label: 'laptop', exp })
    await agent.append(agent.key, { type: 'rotate', key: second, next: third.kid })
    await agentCalls(here.identity, acme).setScopes(agent.did, ['orders:read'])
    const move = await askToMove(agent, other, { issuer: ISSUER, signer: second, key: third })
    await here.moves.release(acme, move)
    const admitted = await there.moves.import(other, await here.moves.export(agent.did))
    expect(admitted).toEqual({ id: expect.any(String), did: move.to, status: 'active' })
    expect(await there.row(other.id, move.to)).toMatchObject({
      status: 'active',
      allowedScopes: [],
      movedFrom: agent.did,
      epoch: 1,
    })
    const moved = agentLog(there.identity, move.to, now)
    expect(await moved.state()).toMatchObject({
      seq: 3,
      kid: second.kid,
      next: third.kid,
      addedKeys: [{ kid: p256.kid }],
    })
    await there.expectRefusal(() => moved.append(second, { type: 'rotate', key: newKey() }), 'KEY_NOT_COMMITTED')
    await there.expectRefusal(
      async () => moved.append(second, { type: 'add-key', key: agent.key, label: 'old', exp }),
      'KEY_REUSED',
    )
    await moved.append(second, { type: 'rotate', key: third })
    expect(await moved.state()).toMatchObject({ seq: 4, kid: third.kid, previousDids: [agent.did] })
    const keys = await there.db.prisma.agentKey.findMany({ where: { agentId: admitted.id ?? '' } })
    expect(keys.filter(({ retiredAt }) => retiredAt === null)).toMatchObject([{ thumbprint: third.kid }])
  })

  it('writes from where the agent came into the audit', async () => {
    const { did = '' } = await there.moves.import(other, await exported())
    const record = await there.db.prisma.auditLog.findFirstOrThrow({ where: { subject: did } })
    expect(record).toMatchObject({ action: 'agent.admit', operatorId: other.id, actor: `operator:${other.id}` })
    expect(record.reason).toBe(`from ${agent.did}, released by operator ${acme.id} at http://localhost:8080`)
  })

  it('changes nothing when the same bundle comes again', async () => {
    const bundle = await exported()
    await there.moves.import(other, bundle)
    await there.expectRefusal(() => there.moves.import(other, bundle), 'AGENT_EXISTS')
  })

  it('makes exactly one agent when the same bundle comes several times at once', async () => {
    const bundle = await exported()
    const answers = await Promise.all(Array.from({ length: 8 }, () => refusalOf(there.moves.import(other, bundle))))
    expect(answers.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(answers.filter((reason) => reason === 'AGENT_EXISTS')).toHaveLength(7)
  })

  it('takes the place of a pending registration of the same key by a stranger', async () => {
    await registerWithLog(there.identity, other, now, { key: agent.key, caller: anonymous() })
    const { id } = await there.moves.import(other, await exported())
    expect(id).toBeDefined()
  })

  it('lets the agent move on to a third server, but not back to a DID that it has left', async () => {
    const { did = '' } = await there.moves.import(other, await exported())
    const moved = { ...agentLog(there.identity, did, now), key: agent.key }
    const back = askToMove(moved, acme, { issuer: 'http://localhost:8080', key: next })
    expect(await refusalOf(back)).toBe('INVALID_KEY_EVENT')
    const third = await movesFixture('https://auth.third.example')
    third.clock.now = now()
    const move = await askToMove(moved, third.third, { issuer: 'https://auth.third.example', key: next })
    await there.moves.release(other, move)
    await third.moves.import(third.third, await there.moves.export(did))
    expect(await agentLog(third.identity, move.to, now).state()).toMatchObject({
      previousDids: [agent.did, did],
      seq: 2,
    })
    await third.drop()
  })

  it.each<[string, (bundle: AgentBundle) => AgentBundle]>([
    ['without events', (bundle) => ({ ...bundle, events: [] })],
    ['without the move', (bundle) => ({ ...bundle, events: bundle.events.slice(0, -1) })],
    ['without the inception', (bundle) => ({ ...bundle, events: bundle.events.slice(1) })],
    ['with a changed event', (bundle) => ({ ...bundle, events: bundle.events.with(0, changed(bundle.events[0])) })],
    ['with a changed release', (bundle) => ({ ...bundle, release: changed(bundle.release) })],
    ['with another issuer', (bundle) => ({ ...bundle, issuer: 'https://auth.third.example' })],
    ['with the issuer of this server', (bundle) => ({ ...bundle, issuer: ISSUER })],
    ['with another founding key', (bundle) => ({ ...bundle, foundingPublicKey: other.root.publicKey })],
    ['with a manifest that nobody has signed', (bundle) => ({ ...bundle, manifests: ['x'] })],
  ])('refuses a bundle %s', async (_name, change) => {
    const bundle = change(await exported())
    await there.expectRefusal(() => there.moves.import(other, bundle), 'INVALID_BUNDLE')
  })

  it('refuses a bundle for another operator of this server', async () => {
    const bundle = await exported()
    await there.expectRefusal(() => there.moves.import(there.third, bundle), 'INVALID_BUNDLE')
  })

  it('refuses a move from the future, because no event could follow it', async () => {
    const bundle = await exported()
    there.clock.now -= 3_600_000
    await there.expectRefusal(() => there.moves.import(other, bundle), 'INVALID_BUNDLE')
  })
})

/** Changes one character of the signature of a JWS. */
function changed(text = ''): string {
  const at = text.length - 10
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
}
