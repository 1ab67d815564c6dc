import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { importJWK, jwtVerify } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../../test/support/sdk/clock.ts'
import { type FakeIssuer, startIssuer } from '../../../test/support/sdk/issuer.ts'
import type { Agent } from './agent.ts'
import { createAgent } from './create-agent.ts'
import { generateKey } from './keys/signers.ts'

const DID = `did:agent:acme.example:${'a'.repeat(32)}`
const INTROSPECT = '/oauth/introspect'
const REVOKE = '/oauth/revoke'
const key = await generateKey()

let issuer: FakeIssuer
let clock: FakeClock
let agent: Agent

beforeEach(async () => {
  issuer = await startIssuer()
  clock = fakeClock()
  agent = createAgent({ server: issuer.url, did: DID, key, scopes: ['usual'] }, clock)
})
afterEach(async () => {
  agent.close()
  await issuer[Symbol.asyncDispose]()
})

/** Verifies a client assertion of the agent. Returns its header and claims. */
async function verified(assertion: unknown) {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key.publicKey).toString('base64url') }
  const { protectedHeader, payload } = await jwtVerify(String(assertion), await importJWK(jwk, 'EdDSA'), {
    issuer: DID,
    subject: DID,
    audience: issuer.url,
    typ: 'client-authentication+jwt',
  })
  return { protectedHeader, payload }
}

describe('Agent.clientAssertion', () => {
  it('signs an assertion for the issuer alone, which is valid for a minute', async () => {
    const { protectedHeader, payload } = await verified(await agent.clientAssertion())
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', kid: thumbprint(key.publicKey) })
    expect(Math.abs(Number(payload.exp) - clock.wallMs() / 1000 - 60)).toBeLessThan(2)
    expect(payload).not.toHaveProperty('scope')
    expect(payload).not.toHaveProperty('resource')
    const { payload: again } = await verified(await agent.clientAssertion())
    expect(again.jti).not.toBe(payload.jti)
  })

  it('contains the scopes, the audience and the lifetime of its options', async () => {
    const options = { scopes: ['b', 'a', 'b'], audience: 'https://api.example', lifetimeS: 270 }
    const { payload } = await verified(await agent.clientAssertion(options))
    expect(payload).toMatchObject({ scope: 'a b', resource: ['https://api.example'] })
    expect(Number(payload.exp) - clock.wallMs() / 1000).toBeGreaterThan(260)
  })

  it.each([
    [TypeError, { scopes: ['*'] }],
    [TypeError, { audience: 'not a url' }],
    [RangeError, { lifetimeS: 3600 }],
  ])('rejects with %o for %j', async (error, options) => {
    await expect(agent.clientAssertion(options)).rejects.toThrow(error)
  })
})

describe('Agent.introspect', () => {
  it('sends a form with a new client assertion each time, and resolves with the answer', async () => {
    const answer = { active: true, scope: 'a', aud: ['https://api.example'], exp: 1, cnf: { jkt: 'x' }, more: 1 }
    issuer.next(INTROSPECT, { body: answer }, { body: { active: false } })
    expect(await agent.introspect('a.b.c')).toEqual(answer)
    expect(await agent.introspect('a+b&c=d')).toEqual({ active: false })
    const [first, second] = issuer.seen
    expect(first?.headers).toMatchObject({ 'content-type': 'application/x-www-form-urlencoded' })
    expect(first?.body).toMatchObject({
      token: 'a.b.c',
      client_id: DID,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    expect(second?.body.token).toBe('a+b&c=d')
    const claims = await Promise.all([first, second].map((request) => verified(request?.body.client_assertion)))
    expect(claims[0]?.payload.jti).not.toBe(claims[1]?.payload.jti)
  })

  it.each([
    ['no active member', {}],
    ['a list', []],
    ['an active member that is a text', { active: 'true' }],
    ['an audience that is a text', { active: true, aud: 'https://api.example' }],
  ])('rejects with UNEXPECTED_ANSWER for %s', async (_name, body) => {
    issuer.next(INTROSPECT, { body })
    await expect(agent.introspect('a.b.c')).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })

  it('rejects with the reason and description of an OAuth error', async () => {
    const body = { error: 'invalid_client', error_description: 'The agent is not active', reason: 'AGENT_NOT_ACTIVE' }
    issuer.next(INTROSPECT, { status: 401, body })
    await expect(agent.introspect('a.b.c')).rejects.toMatchObject({
      reason: 'AGENT_NOT_ACTIVE',
      status: 401,
      message: 'The agent is not active',
    })
  })
})

describe('Agent.revoke', () => {
  it('revokes a token and forgets it', async () => {
    const token = await agent.token()
    await expect(agent.revoke(token)).resolves.toBeUndefined()
    expect(issuer.seen.at(-1)).toMatchObject({ path: REVOKE, body: { token, client_id: DID } })
    await verified(issuer.seen.at(-1)?.body.client_assertion)
    expect(await agent.token()).not.toBe(token)
  })

  it('forgets the token also if the server cannot be reached', async () => {
    const token = await agent.token()
    issuer.next(REVOKE, { status: 503, body: { error: 'temporarily_unavailable', reason: 'UNAVAILABLE' } })
    await expect(agent.revoke(token)).rejects.toMatchObject({ reason: 'UNAVAILABLE' })
    expect(await agent.token()).not.toBe(token)
  })
})

describe('the OAuth calls of an agent', () => {
  const calls = [() => agent.introspect('a.b.c'), () => agent.revoke('a.b.c'), () => agent.clientAssertion()] as const

  it('reject with CLOSED after close, and when it closes', async () => {
    issuer.next(INTROSPECT, () => new Promise(() => undefined))
    const running = agent.introspect('a.b.c')
    const closing = expect(running).rejects.toMatchObject({ reason: 'CLOSED' })
    agent.close()
    await closing
    for (const call of calls) await expect(call()).rejects.toMatchObject({ reason: 'CLOSED' })
  })

  it('reject with the reason of their signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(agent.introspect('a.b.c', { signal })).rejects.toThrow('enough')
    await expect(agent.revoke('a.b.c', { signal })).rejects.toThrow('enough')
    expect(issuer.seen).toEqual([])
  })
})
