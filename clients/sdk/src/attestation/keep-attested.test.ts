import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  attestationAnswers,
  didOf,
  evidenceOf,
  OPERATOR,
  RESULT_MS,
  refused,
  required,
  textSource,
} from '../../../../test/support/sdk/attestation.ts'
import { clientReason } from '../../../../test/support/sdk/client-reason.ts'
import { type FakeClock, fakeClock } from '../../../../test/support/sdk/clock.ts'
import { type FakeIssuer, startIssuer } from '../../../../test/support/sdk/issuer.ts'
import { until } from '../../../../test/support/until.ts'
import type { AgentOptions } from '../agent.ts'
import { createAgent } from '../create-agent.ts'
import { generateKey } from '../keys/signers.ts'
import type { EnrolledOptions } from './enrolled-options.ts'

const key = await generateKey()
const did = didOf(key.publicKey)

let issuer: FakeIssuer
let clock: FakeClock
beforeEach(async () => {
  issuer = await startIssuer(attestationAnswers)
  clock = fakeClock()
})
afterEach(() => issuer[Symbol.asyncDispose]())

const enrolled = (options: Partial<EnrolledOptions> = {}) =>
  createAgent({ server: issuer.url, operator: OPERATOR, enrol: textSource(), key, scopes: ['read'], ...options }, clock)
const registered = (options: Partial<AgentOptions> = {}) =>
  createAgent({ server: issuer.url, did, key, operator: OPERATOR, attest: textSource(), ...options }, clock)
const sentTo = (path: string) => issuer.seen.flatMap((each) => (each.path === path ? [each.body] : []))

describe('an agent that attests', () => {
  it('attests ahead of the expiry, before it gets a token, and once for all callers', async () => {
    clock.advance(RESULT_MS)
    const agent = await enrolled()
    clock.advance(0.76 * RESULT_MS)
    await agent.token()
    expect(issuer.count('/v1/attest')).toBe(0)
    clock.advance(0.03 * RESULT_MS)
    await Promise.all([agent.token({ scopes: ['write'] }), agent.token({ ttl: '60s' })])
    expect(sentTo('/v1/attest').map((body) => body.did)).toEqual([did])
    expect(sentTo('/v1/attest/nonce').at(-1)).toMatchObject({ purpose: 'attest', operator_id: OPERATOR })
    expect(evidenceOf(sentTo('/v1/attest')[0] ?? {}, key.publicKey)).toEqual({ pods: ['pods', true] })
    expect(clock.next()).toBeLessThan(RESULT_MS)
  })

  it('works on if it cannot attest ahead, and tries again half a minute later', async () => {
    const agent = await enrolled()
    clock.advance(0.8 * RESULT_MS)
    issuer.next('/v1/attest', refused)
    await agent.token()
    await agent.token({ scopes: ['write'] })
    expect(issuer.count('/v1/attest')).toBe(1)
    clock.advance(30_000)
    await agent.token({ ttl: '60s' })
    expect(issuer.count('/v1/attest')).toBe(2)
  })

  it('does not attest ahead when its results have expired, because perhaps nothing needs them any more', async () => {
    const agent = await enrolled()
    clock.advance(RESULT_MS)
    await agent.token()
    expect(issuer.count('/v1/attest')).toBe(0)
  })

  it('does not attest for another refusal', async () => {
    issuer.next('/v1/token', { status: 403, body: { reason: 'SCOPE_NOT_ALLOWED' } })
    expect(await clientReason(registered().token())).toBe('SCOPE_NOT_ALLOWED')
    expect(issuer.count('/v1/attest')).toBe(0)
  })

  it('does not attest for a refusal that is older than its last results', async () => {
    const gate = Promise.withResolvers<void>()
    issuer.next(
      '/v1/token',
      async () => {
        await gate.promise
        return required
      },
      required,
    )
    const agent = registered()
    const slow = agent.token()
    await until(
      async () => issuer.count('/v1/token'),
      (count) => count === 1,
    )
    await agent.token({ scopes: ['write'] })
    gate.resolve()
    await slow
    expect(issuer.count('/v1/attest')).toBe(1)
  })

  it('attests when the server demands it, and then gets the token', async () => {
    issuer.next('/v1/token', required)
    await registered().token()
    expect(issuer.count('/v1/attest')).toBe(1)
    expect(issuer.count('/v1/token')).toBe(2)
  })

  it('attests only once for a token', async () => {
    issuer.next('/v1/token', required, required)
    expect(await clientReason(registered().token())).toBe('ATTESTATION_REQUIRED')
    expect(issuer.count('/v1/attest')).toBe(1)
  })

  it('attests once when the server demands it of two callers', async () => {
    issuer.next('/v1/token', required, required)
    const agent = registered()
    await Promise.all([agent.token(), agent.token({ scopes: ['read'] })])
    expect(issuer.count('/v1/attest')).toBe(1)
  })

  it('says why its evidence is refused', async () => {
    issuer.next('/v1/token', required)
    issuer.next('/v1/attest', refused)
    expect(await clientReason(registered().token())).toBe('EVIDENCE_REFUSED')
  })

  it('attests before it uses the OAuth endpoints too', async () => {
    issuer.next('/oauth/introspect', required, { body: { active: false } })
    expect(await registered().introspect('token')).toEqual({ active: false })
    expect(issuer.count('/v1/attest')).toBe(1)
  })

  it('sends nothing more after it was closed', async () => {
    const agent = registered()
    issuer.next('/v1/token', required)
    issuer.next('/v1/attest/nonce', (good) => {
      agent.close()
      return { body: good }
    })
    expect(await clientReason(agent.token())).toBe('CLOSED')
    expect(issuer.count('/v1/attest')).toBe(0)
  })

  it('passes on ATTESTATION_REQUIRED if it has no source', async () => {
    issuer.next('/v1/token', required)
    const agent = registered({ attest: undefined, operator: undefined })
    expect(await clientReason(agent.token())).toBe('ATTESTATION_REQUIRED')
  })

  it.each<[string, Partial<AgentOptions>]>([
    ['a source without an operator', { operator: undefined }],
    ['an operator without a source', { attest: undefined }],
    ['no source', { attest: [] }],
  ])('createAgent throws TypeError for %s', (_, options) => expect(() => registered(options)).toThrow(TypeError))
})
