import { createHash } from 'node:crypto'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { signInception, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { p256Key } from '../../../../test/support/key-events.ts'
import { type FakeClock, fakeClock } from '../../../../test/support/sdk/clock.ts'
import { type FakeIssuer, startIssuer } from '../../../../test/support/sdk/issuer.ts'
import { KeyLogServer } from '../../../../test/support/sdk/key-log.ts'
import type { Agent, AgentOptions } from '../agent.ts'
import { createAgent } from '../create-agent.ts'
import { generateP256KeyPair } from '../keys/p256.ts'
import { generateKey } from '../keys/signers.ts'

const first = await generateKey()
const second = await generateKey()
const third = await generateKey()
const nowS = () => Math.floor(Date.now() / 1000)

let issuer: FakeIssuer
let clock: FakeClock
let log: KeyLogServer
let agent: Agent

beforeEach(async () => {
  issuer = await startIssuer()
  clock = fakeClock()
  log = new KeyLogServer(first.publicKey)
  agent = agentOf({})
})
afterEach(async () => {
  agent.close()
  await issuer[Symbol.asyncDispose]()
})

const agentOf = (options: Partial<AgentOptions>) =>
  createAgent({ server: issuer.url, did: log.did, key: first, scopes: ['read'], fetch: log.fetch, ...options }, clock)
/** Starts a log whose inception commits to a key. */
const commit = async (next: typeof second) => {
  const { did } = log
  const inception = await signInception(first, { did, nowS: nowS() - 10, next: signerKid(next) })
  log = new KeyLogServer(first.publicKey, inception)
}
const lose = () => {
  throw new TypeError('connection reset')
}
const kidsSent = () => issuer.seen.filter(({ path }) => path === '/v1/token').map(({ body }) => body.kid)

describe('Agent.rotateKey', () => {
  it('replaces the identity key, forgets all tokens, and continues with the new key', async () => {
    const before = await agent.token()
    expect(await agent.rotateKey({ key: second, next: third })).toEqual({
      kid: signerKid(second),
      next: signerKid(third),
      seq: 1,
    })
    expect(log.state).toMatchObject({ kid: signerKid(second), next: signerKid(third) })
    expect(await agent.token()).not.toBe(before)
    // The server may be old as long as the agent has its first key, so this key needs no name.
    expect(kidsSent()).toEqual([undefined, signerKid(second)])
    const [header = ''] = (await agent.clientAssertion()).split('.')
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ kid: signerKid(second) })
  })

  it('repeats a token request with the new key if the server refuses the old one during the rotation', async () => {
    const gate = Promise.withResolvers<void>()
    issuer.next('/v1/challenge', async () => {
      await gate.promise
      return {}
    })
    const waiting = agent.token()
    log.next('append event', { afterwards: () => gate.resolve() })
    await Promise.all([agent.rotateKey({ key: second }), waiting])
    expect(kidsSent().at(-1)).toBe(signerKid(second))
  })

  it('requests another token if a token was issued before the rotation and arrives after it', async () => {
    const gate = Promise.withResolvers<void>()
    let old: unknown
    issuer.next('/v1/token', async (good) => {
      await gate.promise
      old = good.token
      return {}
    })
    const waiting = agent.token()
    await expect.poll(() => issuer.count('/v1/token')).toBe(1)
    await agent.rotateKey({ key: second })
    gate.resolve()
    expect(await waiting).not.toBe(old)
    expect(issuer.count('/v1/token')).toBe(2)
  })

  it('repeats a call with the new key if the server refuses a client assertion of the old one', async () => {
    const gate = Promise.withResolvers<void>()
    issuer.next('/oauth/introspect', { body: { active: true } })
    log.next('append event', { afterwards: () => gate.promise })
    const rotating = agent.rotateKey({ key: second })
    await expect.poll(() => log.events.length).toBe(2)
    const asking = agent.introspect('token')
    await expect.poll(() => log.refusedSignatures).toBe(1)
    gate.resolve()
    expect(await asking).toMatchObject({ active: true })
    await rotating
  })

  it('needs a key that was stored before, unless the agent has a key store', async () => {
    await expect(agent.rotateKey()).rejects.toThrow('rotateKey needs `key`')
    expect(log.count('append event')).toBe(0)
  })

  it('sends the same event again if its answer is lost', async () => {
    log.next('append event', { afterwards: lose })
    const rotating = agent.rotateKey({ key: second })
    await expect.poll(() => clock.next()).toBeDefined()
    clock.advance(clock.next() ?? 0)
    expect(await rotating).toMatchObject({ seq: 1 })
    expect([log.count('append event'), log.events.length]).toEqual([2, 2])
  })

  it('notices that the event is in the log if no answer came and the key is rotated again', async () => {
    log.next('append event', ...Array.from({ length: 4 }, () => ({ afterwards: lose })))
    const rotating = agent.rotateKey({ key: second }).catch((error: unknown) => error)
    for (let tries = 1; tries < 4; tries += 1) {
      await expect.poll(() => log.count('append event')).toBe(tries)
      await expect.poll(() => clock.next()).toBeDefined()
      clock.advance(clock.next() ?? 0)
    }
    expect(await rotating).toMatchObject({ reason: 'NETWORK_ERROR' })
    // The agent does not know whether its key was replaced. The server says so when the old key is refused.
    await agent.token()
    expect(kidsSent()).toEqual([signerKid(second)])
    expect(await agent.rotateKey({ key: second })).toMatchObject({ kid: signerKid(second), seq: 1 })
    expect(log.events).toHaveLength(2)
  })

  it('signs the event again if another program has appended an event in the meantime', async () => {
    const other = p256Key('laptop')
    log.next('append event', {
      first: async () => {
        const change = { type: 'add-key', key: other, label: 'laptop', exp: nowS() + 3600 } as const
        log.append(await signKeyEvent(first, log.state, change, nowS()))
      },
    })
    expect(await agent.rotateKey({ key: second })).toMatchObject({ seq: 2 })
  })

  it('signs the event again with the time of the server if the clock of this machine is wrong', async () => {
    clock.setBack(86_400_000)
    log.next('append event', { refusal: { status: 400, reason: 'INVALID_KEY_EVENT' } })
    await expect(agent.rotateKey({ key: second })).resolves.toMatchObject({ seq: 1 })
    expect(Math.abs(log.state.iat - nowS())).toBeLessThan(10)
  })

  it('rejects a key to which the agent did not commit, and sends nothing', async () => {
    await commit(second)
    agent = agentOf({})
    await expect(agent.rotateKey({ key: third })).rejects.toMatchObject({ reason: 'KEY_NOT_COMMITTED', status: 0 })
    expect(log.count('append event')).toBe(0)
    await expect(agent.rotateKey({ key: second })).resolves.toMatchObject({ kid: signerKid(second) })
  })

  it('rejects a key of P-256 with TypeError, and an agent whose key is not the identity key with WRONG_KEY', async () => {
    await expect(agent.rotateKey({ key: await generateP256KeyPair() })).rejects.toThrow(TypeError)
    await expect(agentOf({ key: third }).rotateKey({ key: second })).rejects.toMatchObject({ reason: 'WRONG_KEY' })
    expect(log.count('append event')).toBe(0)
  })

  it('runs rotations one after the other', async () => {
    const rotations = await Promise.all([agent.rotateKey({ key: second }), agent.rotateKey({ key: third })])
    expect(rotations.map(({ seq }) => seq)).toEqual([1, 2])
    expect(log.state.kid).toBe(signerKid(third))
  })
})

describe('an added key', () => {
  it('gets tokens and signs client assertions with its kid, also a key of P-256', async () => {
    const pair = await generateP256KeyPair()
    const { kid, seq, expiresAt } = await agent.addKey({ key: pair, label: 'laptop', expires: '90d' })
    expect([seq, log.state.addedKeys]).toMatchObject([1, [{ kid, label: 'laptop', exp: expiresAt.getTime() / 1000 }]])
    expect(Math.abs(expiresAt.getTime() - Date.now() - 90 * 86_400_000)).toBeLessThan(10_000)
    const laptop = agentOf({ key: pair })
    await laptop.token()
    expect(kidsSent()).toEqual([kid])
    const [header = ''] = (await laptop.clientAssertion()).split('.')
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg: 'ES256', kid })
    await agent.removeKey(kid)
    await expect(agentOf({ key: pair }).token()).rejects.toMatchObject({ reason: 'INVALID_SIGNATURE' })
    await expect(agent.removeKey(kid)).rejects.toMatchObject({ reason: 'ADDED_KEY_NOT_FOUND', status: 0 })
  })

  it('cannot change the log', async () => {
    await agent.addKey({ key: third, label: 'laptop', expires: new Date(Date.now() + 3_600_000) })
    const laptop = agentOf({ key: third })
    await laptop.token()
    await expect(laptop.rotateKey({ key: second })).rejects.toMatchObject({ reason: 'WRONG_KEY' })
    await expect(laptop.removeKey(signerKid(third))).rejects.toMatchObject({ reason: 'WRONG_KEY' })
  })

  it.each([
    ['text that is no duration', { expires: 'soon' }, TypeError],
    ['an invalid time', { expires: new Date('x') }, TypeError],
    ['an unknown option', { lable: 'x' }, 'the nearest known one is "label"'],
  ])('is refused with %s', async (_name, wrong, error) => {
    await expect(agent.addKey({ key: third, label: 'x', expires: '1d', ...wrong })).rejects.toThrow(error)
  })

  it('is reported as WRONG_KEY if the server is too old to know added keys', async () => {
    issuer.next('/v1/token', { status: 400, body: { reason: 'UNKNOWN_FIELD', detail: 'Unknown field "kid"' } })
    const pair = await generateP256KeyPair()
    await agent.addKey({ key: pair, label: 'laptop', expires: '1d' })
    await expect(agentOf({ key: pair }).token()).rejects.toMatchObject({ reason: 'WRONG_KEY' })
  })
})

describe('Agent.keyEvents', () => {
  it('resolves with the verified log and its state', async () => {
    await agent.rotateKey({ key: second, next: third })
    const { events, kid, next, keySinceS, pending, state } = await agent.keyEvents()
    expect(events.map(({ type }) => type)).toEqual(['inception', 'rotate'])
    expect([kid, next, pending]).toEqual([signerKid(second), signerKid(third), []])
    expect(Math.abs(keySinceS - nowS())).toBeLessThan(10)
    expect(state).toMatchObject({ seq: 1, recorded: true })
  })

  it.each([
    ['a forged event', (events: readonly string[]) => [...events.slice(0, -1), `${events.at(-1)}x`]],
    ['the log of another agent', () => new KeyLogServer(second.publicKey).events],
    ['no events', () => []],
    ['a log without events that were seen before', (events: readonly string[]) => events.slice(0, -1)],
  ])('rejects with UNEXPECTED_ANSWER if the server shows %s', async (_name, forge) => {
    await agent.addKey({ key: third, label: 'laptop', expires: '1d' })
    await agent.keyEvents()
    log.events = forge(log.events)
    await expect(agent.keyEvents()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
    await expect(agent.rotateKey({ key: second })).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})

describe('a recovery', () => {
  it('ends when the current key objects', async () => {
    await commit(second)
    agent = agentOf({})
    await expect(agent.objectToRecovery()).rejects.toMatchObject({ reason: 'NOTHING_PENDING', status: 0 })
    log.waiting = await signKeyEvent(second, log.state, { type: 'recover' }, nowS())
    const digest = createHash('sha256').update(log.waiting).digest('base64url')
    expect((await agent.keyEvents()).pending).toMatchObject([{ type: 'recover', digest }])
    expect(await agent.objectToRecovery()).toEqual({ did: log.did, digest })
    expect((await agent.keyEvents()).pending).toEqual([])
  })
})

describe('Agent.deactivate', () => {
  it('ends the log', async () => {
    expect(await agent.deactivate()).toMatchObject({ seq: 1 })
    expect(log.state.deactivated).toBe(true)
    await expect(agent.rotateKey({ key: second })).rejects.toMatchObject({ reason: 'AGENT_REVOKED' })
  })

  it('needs the key to which the agent committed', async () => {
    await commit(second)
    agent = agentOf({})
    await expect(agent.deactivate()).rejects.toMatchObject({ reason: 'KEY_NOT_COMMITTED' })
    expect(await agent.deactivate({ key: second })).toMatchObject({ seq: 1 })
  })
})

it('calls about keys reject with CLOSED after the agent was closed, and with the reason of their signal', async () => {
  const signal = AbortSignal.abort(new Error('stopped'))
  await expect(agent.keyEvents({ signal })).rejects.toThrow('stopped')
  agent.close()
  await expect(agent.keyEvents()).rejects.toMatchObject({ reason: 'CLOSED' })
  expect(log.count('read log')).toBe(0)
})
