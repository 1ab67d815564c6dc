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

/** Waits until a timer is set, and advances the clock to it. */
async function nextTimer(isWanted = (_ms: number) => true): Promise<number> {
  const ms = await until(
    async () => clock.next(),
    (due) => due !== undefined && isWanted(due),
  )
  clock.advance(ms ?? 0)
  return ms ?? 0
}

const refusal = (status: number, reason: string, retryAfter?: string) => ({
  status,
  body: { reason, detail: `it is ${reason}` },
  headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
})

describe('an agent that the server refuses', () => {
  it.each([
    [409, 'CHALLENGE_USED'],
    [410, 'CHALLENGE_EXPIRED'],
    [404, 'CHALLENGE_NOT_FOUND'],
    [410, 'UNKNOWN'],
  ])('signs a new challenge after %i %s, and at most 4 challenges in all', async (status, reason) => {
    issuer.next('/v1/token', refusal(status, reason), refusal(status, reason))
    await agent.token()
    expect(issuer.count('/v1/challenge')).toBe(3)
    issuer.next('/v1/token', ...Array.from({ length: 9 }, () => refusal(status, reason)))
    await expect(agent.token({ scopes: [] })).rejects.toMatchObject({ reason, status })
    expect(issuer.count('/v1/challenge')).toBe(7)
  })

  it.each([
    [403, 'SCOPE_NOT_ALLOWED'],
    [403, 'AGENT_NOT_ACTIVE'],
    [404, 'AGENT_NOT_FOUND'],
    [409, 'SOMETHING_ELSE'],
    [401, 'INVALID_SIGNATURE'],
    [400, 'INVALID_TTL'],
  ])(
    'rejects at once for all waiting callers after %i %s, and tries again for the next caller',
    async (status, reason) => {
      issuer.next('/v1/token', refusal(status, reason))
      const waiting = await Promise.allSettled([agent.token(), agent.token()])
      expect(waiting).toMatchObject([
        { status: 'rejected', reason: { reason, status, message: `it is ${reason}` } },
        { status: 'rejected' },
      ])
      expect(issuer.count('/v1/challenge')).toBe(1)
      await agent.token()
    },
  )

  it('waits for the time in Retry-After', async () => {
    issuer.next('/v1/challenge', refusal(429, 'RATE_LIMITED', '7'))
    const token = agent.token()
    expect(await nextTimer()).toBeGreaterThanOrEqual(7_000)
    await token
  })

  it('rejects at once if Retry-After is over 20 s, and sends nothing until the time in Retry-After is over', async () => {
    issuer.next('/v1/challenge', refusal(503, 'OVERLOADED', '120'))
    const error = { reason: 'OVERLOADED', retryAfterS: 120 }
    await expect(agent.token()).rejects.toMatchObject(error)
    clock.advance(119_000)
    await expect(agent.token()).rejects.toMatchObject(error)
    expect(issuer.count('/v1/challenge')).toBe(1)
    clock.advance(1_000)
    await agent.token()
  })

  it('stops waiting when the only caller aborts, and sends a new request for the next caller', async () => {
    issuer.next('/v1/challenge', refusal(429, 'RATE_LIMITED', '7'))
    const stop = new AbortController()
    const token = agent.token({ signal: stop.signal })
    await until(
      async () => clock.next(),
      (due) => due !== undefined,
    )
    stop.abort(new Error('enough'))
    await expect(token).rejects.toThrow('enough')
    await until(
      async () => clock.next(),
      (due) => due === undefined,
    )
    await agent.token()
  })

  it('continues for the other callers when one aborts', async () => {
    issuer.next('/v1/challenge', refusal(429, 'RATE_LIMITED', '7'))
    const stop = new AbortController()
    const [leaving, staying] = [agent.token({ signal: stop.signal }), agent.token()]
    await until(
      async () => clock.next(),
      (due) => due !== undefined,
    )
    stop.abort(new Error('enough'))
    await expect(leaving).rejects.toThrow('enough')
    await nextTimer()
    await expect(staying).resolves.toBeTypeOf('string')
    expect(issuer.count('/v1/challenge')).toBe(2)
  })

  it('waits longer after each failed renewal while the old token is valid, and rejects when it is not', async () => {
    const first = await agent.token()
    await agent.token()
    issuer.next('/v1/challenge', ...Array.from({ length: 20 }, () => refusal(503, 'OVERLOADED')))
    clock.advance(0.7 * TTL_MS)
    const pauses: number[] = []
    for (let tries = 1; tries <= 4; tries += 1) {
      await until(
        async () => issuer.count('/v1/challenge'),
        (count) => count === 1 + tries,
      )
      expect(await agent.token()).toBe(first)
      pauses.push(await nextTimer())
    }
    expect(pauses).toEqual([750, 1_500, 3_000, 6_000])
    await until(
      async () => issuer.count('/v1/challenge'),
      (count) => count === 6,
    )
    clock.advance(0.2 * TTL_MS)
    const late = agent.token().catch((error: unknown) => error)
    for (let tries = 0; tries < 3; tries += 1) await nextTimer((ms) => ms < 3_000)
    expect(await late).toMatchObject({ reason: 'OVERLOADED', status: 503 })
  })
})
