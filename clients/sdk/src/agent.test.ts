import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../../test/support/sdk/clock.ts'
import { type FakeIssuer, startIssuer } from '../../../test/support/sdk/issuer.ts'
import { until } from '../../../test/support/until.ts'
import { type Agent, type AgentOptions, createAgent } from './agent.ts'
import { generateKey } from './keys/signers.ts'

const DID = `did:agent:acme.example:${'a'.repeat(32)}`
const TTL_MS = 100_000
const key = await generateKey()

let issuer: FakeIssuer
let clock: FakeClock
let agent: Agent

beforeEach(async () => {
  issuer = await startIssuer()
  clock = fakeClock()
  agent = agentOf({})
})
afterEach(async () => {
  agent.close()
  await issuer[Symbol.asyncDispose]()
})

const agentOf = (options: Partial<AgentOptions>) =>
  createAgent({ server: issuer.url, did: DID, key, scopes: ['read'], ...options }, clock)
const issuedSoFar = () => issuer.count('/v1/token')

/** A token that came in the background and that nobody has asked for. */
async function renewedOnce(): Promise<string> {
  const first = await agent.token()
  clock.advance(0.7 * TTL_MS)
  await until(
    async () => clock.next(),
    (due) => due !== undefined,
  )
  expect(issuedSoFar()).toBe(2)
  return first
}

it.each([
  { did: 'did:web:acme.example' },
  { scopes: ['*'] },
  { audience: '' },
  { ttl: '1d' },
  { server: 'http://a.example' },
])('is not made with %j', (options) => expect(() => agentOf(options)).toThrow(TypeError))

describe('token', () => {
  it('is asked for once, however many wait for it, and kept', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => agent.token()))
    expect(new Set([...tokens, await agent.token()]).size).toBe(1)
    expect(issuedSoFar()).toBe(1)
    expect(issuer.count('/.well-known/auth4agent')).toBe(1)
  })

  it('is another one for other terms, in whatever order they are told', async () => {
    const usual = await agent.token()
    const other = await agent.token({ scopes: ['write', 'read'] })
    expect(other).not.toBe(usual)
    expect(await agent.token({ scopes: ['read', 'write', 'read'] })).toBe(other)
    expect(await agent.token({ audience: issuer.url })).toBe(usual)
    expect(await agent.token({ scopes: ['read'] })).toBe(usual)
    expect(issuedSoFar()).toBe(2)
  })

  it('is renewed in the background while it is used, and the old one given out meanwhile', async () => {
    const first = await agent.token()
    await agent.token()
    const gate = Promise.withResolvers<void>()
    issuer.next('/v1/challenge', async () => {
      await gate.promise
      return {}
    })
    expect(clock.next()).toBe(0.7 * TTL_MS)
    clock.advance(0.7 * TTL_MS)
    await until(
      async () => issuer.count('/v1/challenge'),
      (count) => count === 2,
    )
    expect(await agent.token()).toBe(first)
    gate.resolve()
    const second = await until(
      () => agent.token(),
      (token) => token !== first,
    )
    expect(issuedSoFar()).toBe(2)
    expect(await agent.token()).toBe(second)
  })

  it('is left to expire when nobody asks for it', async () => {
    await renewedOnce()
    clock.advance(0.7 * TTL_MS)
    expect(clock.next()).toBeUndefined()
    // Whatever the timer had begun would have been sent before this.
    await agent.token({ scopes: ['other'] })
    expect(issuer.count('/v1/challenge')).toBe(3)
  })

  it('is renewed once it is asked for again, as long as it is good', async () => {
    const first = await renewedOnce()
    clock.advance(0.8 * TTL_MS)
    const idle = await agent.token()
    expect(idle).not.toBe(first)
    expect(issuedSoFar()).toBe(2)
    await until(
      async () => issuedSoFar(),
      (count) => count === 3,
    )
  })

  it('is not given out too late, nor asked for twice when it expires while it is renewed', async () => {
    const first = await agent.token()
    const gate = Promise.withResolvers<void>()
    issuer.next('/v1/challenge', async () => {
      await gate.promise
      return {}
    })
    clock.advance(0.7 * TTL_MS)
    await until(
      async () => issuer.count('/v1/challenge'),
      (count) => count === 2,
    )
    clock.advance(0.2 * TTL_MS)
    const waiting = agent.token()
    gate.resolve()
    expect(await waiting).not.toBe(first)
    expect(issuer.count('/v1/challenge')).toBe(2)
  })

  it('expires though the calendar is set back, and when the machine slept', async () => {
    const first = await agent.token()
    clock.setBack(86_400_000)
    clock.advance(0.9 * TTL_MS)
    const second = await agent.token()
    expect(second).not.toBe(first)
    clock.sleep(0.9 * TTL_MS)
    expect(await agent.token()).not.toBe(second)
  })

  it('is new once it was forgotten, and only then', async () => {
    const first = await agent.token()
    agent.forget('another')
    expect(await agent.token()).toBe(first)
    agent.forget(first)
    const second = await agent.token()
    expect(second).not.toBe(first)
    agent.forget(first)
    expect(await agent.token()).toBe(second)
  })
})

describe('when it was closed', () => {
  it('nobody gets anything, and nothing is due', async () => {
    await agent.token()
    issuer.next('/v1/challenge', () => new Promise(() => undefined))
    const waiting = agent.token({ scopes: [] })
    await until(
      async () => issuer.count('/v1/challenge'),
      (count) => count === 2,
    )
    agent.close()
    await expect(waiting).rejects.toMatchObject({ reason: 'CLOSED' })
    await expect(agent.token()).rejects.toMatchObject({ reason: 'CLOSED' })
    clock.advance(TTL_MS)
    expect(issuedSoFar()).toBe(1)
  })
})
