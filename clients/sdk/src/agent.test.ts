import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../../test/support/sdk/clock.ts'
import { type FakeIssuer, startIssuer } from '../../../test/support/sdk/issuer.ts'
import { until } from '../../../test/support/until.ts'
import type { Agent, AgentOptions } from './agent.ts'
import { createAgent } from './create-agent.ts'
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

/** Gets a token and lets the agent renew it once in the background. Resolves with the first token. */
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
])('createAgent throws TypeError for %j', (options) => expect(() => agentOf(options)).toThrow(TypeError))

describe('Agent.token', () => {
  it('sends one request for 20 callers, and keeps the token', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => agent.token()))
    expect(new Set([...tokens, await agent.token()]).size).toBe(1)
    expect(issuedSoFar()).toBe(1)
    expect(issuer.count('/.well-known/auth4agent')).toBe(1)
  })

  it('keeps one token for each set of terms, whatever their order', async () => {
    const usual = await agent.token()
    const other = await agent.token({ scopes: ['write', 'read'] })
    expect(other).not.toBe(usual)
    expect(await agent.token({ scopes: ['read', 'write', 'read'] })).toBe(other)
    expect(await agent.token({ audience: issuer.url })).toBe(usual)
    expect(await agent.token({ scopes: ['read'] })).toBe(usual)
    expect(issuedSoFar()).toBe(2)
  })

  it('renews a used token in the background, and returns the old one until then', async () => {
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

  it('does not renew a token that was not used', async () => {
    await renewedOnce()
    clock.advance(0.7 * TTL_MS)
    expect(clock.next()).toBeUndefined()
    // If the timer had sent anything, it would have arrived before this request.
    await agent.token({ scopes: ['other'] })
    expect(issuer.count('/v1/challenge')).toBe(3)
  })

  it('renews an idle token when it is used again while it is still valid', async () => {
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

  it('waits for a running renewal when the old token expires, and sends no second request', async () => {
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

  it('treats a token as expired after the wall clock is set back, and after the machine slept', async () => {
    const first = await agent.token()
    clock.setBack(86_400_000)
    clock.advance(0.9 * TTL_MS)
    const second = await agent.token()
    expect(second).not.toBe(first)
    clock.sleep(0.9 * TTL_MS)
    expect(await agent.token()).not.toBe(second)
  })

  it('gets a new token after forget(token), but not after forget of another token', async () => {
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

describe('Agent.close', () => {
  it('rejects waiting and later callers with CLOSED, and stops the timers', async () => {
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
