import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { EmbeddedJWK, jwtVerify } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../../test/support/sdk/clock.ts'
import {
  challengeText,
  claimsOf,
  contentOf,
  type FakeIssuer,
  type Json,
  startIssuer,
  tokenText,
} from '../../../test/support/sdk/issuer.ts'
import type { Agent, AgentOptions } from './agent.ts'
import { authenticate } from './authenticate.ts'
import { createAgent } from './create-agent.ts'
import { generateKey, generateWebCryptoKey, type KeyLike, type SeedSigner, signerFromKeyPair } from './keys/signers.ts'

const DID = `did:agent:acme.example:${'a'.repeat(32)}`
const TOKEN = '/v1/token'
const key = await generateKey()
const bindingKey = await generateKey()
const jkt = thumbprint(bindingKey.publicKey)

let issuer: FakeIssuer
let clock: FakeClock
let agents: Agent[]

beforeEach(async () => {
  issuer = await startIssuer()
  clock = fakeClock()
  agents = []
})
afterEach(async () => {
  for (const agent of agents) agent.close()
  await issuer[Symbol.asyncDispose]()
})

function agentOf(options: Partial<AgentOptions> = { dpop: bindingKey }): Agent {
  const agent = createAgent({ server: issuer.url, did: DID, key, ...options }, clock)
  agents.push(agent)
  return agent
}

/** The server's demand for a nonce in the proof, with the nonce in its header. */
const demand = (nonce?: string) => ({
  status: 400,
  body: { reason: 'DPOP_NONCE_REQUIRED', detail: 'it needs a nonce' },
  headers: nonce === undefined ? {} : { 'dpop-nonce': nonce },
})
const nonces = () => issuer.proofs(TOKEN).map(({ claims }) => claims.nonce)

/** Sets the next answer: a token with changed claims, and its type. */
function answer(change: (claims: Json) => Json, type = 'DPoP'): void {
  issuer.next(TOKEN, (good, body) => ({
    body: { ...good, token: tokenText(change({ ...claimsOf(issuer.url, body), cnf: { jkt } })), token_type: type },
  }))
}

describe('an agent with the option dpop', () => {
  it('sends a proof of the key with its request for a token, and no proof with any other request', async () => {
    const { tokenType, token } = await agentOf().issued()
    expect(tokenType).toBe('DPoP')
    expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({ cnf: { jkt } })
    expect(issuer.seen.filter(({ headers }) => 'dpop' in headers).map(({ path }) => path)).toEqual([TOKEN])
    const [proof] = issuer.proofs(TOKEN)
    expect(proof).toMatchObject({ jkt, claims: { htm: 'POST', htu: issuer.url + TOKEN } })
    expect(proof?.claims).not.toHaveProperty('ath')
    const rules = { method: 'POST', url: issuer.url + TOKEN, nowS: Date.now() / 1000, skewS: 0 }
    expect(checkDpopProof(proof?.text ?? '', rules)).toMatchObject({ ok: true, jkt })
    await expect(jwtVerify(proof?.text ?? '', EmbeddedJWK, { typ: 'dpop+jwt' })).resolves.toBeDefined()
  })

  it('names the issuer in the proof, not the address of the server', async () => {
    const name = 'https://auth.example/path'
    issuer.next('/.well-known/auth4agent', { body: { issuer: name } })
    issuer.next('/v1/challenge', (good, body) => ({
      body: { ...good, challenge: challengeText(contentOf(name, body)) },
    }))
    issuer.next(TOKEN, (good, body) => ({
      body: { ...good, token: tokenText({ ...claimsOf(name, body), cnf: { jkt } }) },
    }))
    await agentOf({ dpop: bindingKey, issuer: name, ttl: 60 }).token()
    expect(issuer.proofs(TOKEN)).toMatchObject([{ claims: { htu: name + TOKEN } }])
  })

  it.each<[string, () => Promise<KeyLike>, (key: KeyLike) => Promise<Uint8Array>]>([
    ['a seed', async () => bindingKey.exportSeed(), async () => bindingKey.publicKey],
    ['a signer', async () => bindingKey, async () => bindingKey.publicKey],
    ['a WebCrypto key pair', generateWebCryptoKey, async (pair) => (await signerFromKeyPair(Object(pair))).publicKey],
    ["the agent's own key", async () => key, async () => key.publicKey],
  ])('uses a given key as it is: %s', async (_name, make, publicKeyOf) => {
    const given = await make()
    await agentOf({ dpop: given }).token()
    expect(issuer.proofs(TOKEN)).toMatchObject([{ jkt: thumbprint(await publicKeyOf(given)) }])
  })

  it('generates one key for each agent object with true, and none with false', async () => {
    const [first, second, unbound] = [agentOf({ dpop: true }), agentOf({ dpop: true }), agentOf({ dpop: false })]
    for (const agent of [first, second]) await agent.token()
    await first.token({ scopes: ['other'] })
    expect(await unbound.issued()).toMatchObject({ tokenType: 'Bearer' })
    const [one, two, again] = issuer.proofs(TOKEN).map((proof) => proof.jkt)
    expect(again).toBe(one)
    expect(new Set([one, two, thumbprint(key.publicKey)]).size).toBe(3)
    expect(issuer.proofs(TOKEN)).toHaveLength(3)
  })

  it('makes a new proof for each attempt', async () => {
    const used = { status: 409, body: { reason: 'CHALLENGE_USED' } }
    issuer.next(TOKEN, used, used)
    await agentOf().token()
    expect(new Set(issuer.proofs(TOKEN).map(({ claims }) => claims.jti)).size).toBe(3)
  })

  it("dates its proofs by the server's clock", async () => {
    const nowS = Math.floor(Date.now() / 1000) - 86_400
    issuer.next('/v1/challenge', (good) => ({
      body: good,
      headers: { date: new Date(nowS * 1000).toUTCString() },
    }))
    await agentOf().token()
    expect(Number(issuer.proofs(TOKEN)[0]?.claims.iat) - nowS).toBeLessThan(10)
  })
})

describe('a server that demands a nonce', () => {
  it('gets the request once more with its nonce, under the same challenge, and later proofs contain the nonce', async () => {
    issuer.next(TOKEN, demand('first'))
    const agent = agentOf()
    await agent.token()
    await agent.token({ scopes: ['other'] })
    expect(nonces()).toEqual([undefined, 'first', 'first'])
    expect(issuer.count('/v1/challenge')).toBe(2)
    const challenges = issuer.seen.filter(({ path }) => path === TOKEN).map(({ body }) => body.challenge)
    expect(challenges[0]).toBe(challenges[1])
  })

  it('may give the next nonce with each answer', async () => {
    const agent = agentOf()
    issuer.next(TOKEN, (good) => ({ body: good, headers: { 'dpop-nonce': 'second' } }), demand('third'))
    await agent.token()
    await agent.token({ scopes: ['other'] })
    expect(nonces()).toEqual([undefined, 'second', 'third'])
  })

  it.each([
    ['demands another nonce', [demand('first'), demand('second')], 2],
    ['gives no nonce', [demand()], 1],
    ['gives a malformed nonce', [demand('a b')], 1],
    ['gives a nonce that does not fit into a header', [demand('n'.repeat(1025))], 1],
  ])('is not asked again if it %s', async (_name, answers, count) => {
    issuer.next(TOKEN, ...answers)
    await expect(agentOf().token()).rejects.toMatchObject({ reason: 'DPOP_NONCE_REQUIRED', status: 400 })
    expect(issuer.count(TOKEN)).toBe(count)
  })

  it('gets its own nonce back from each of many requests at once', async () => {
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8]
    const all = Promise.withResolvers<void>()
    let count = 0
    // The agent gets all demands in the same turn of the event loop.
    const together: typeof fetch = async (input, init) => {
      const answered = await fetch(input, init)
      if (answered.status !== 400) return answered
      const text = await answered.text()
      count += 1
      if (count === numbers.length) all.resolve()
      await all.promise
      return new Response(text, answered)
    }
    issuer.next(TOKEN, ...numbers.map((number) => demand(`n${number}`)))
    const agent = agentOf({ dpop: bindingKey, fetch: together })
    await Promise.all(numbers.map((number) => agent.token({ scopes: [`s${number}`] })))
    expect(new Set(nonces().slice(numbers.length))).toEqual(new Set(numbers.map((number) => `n${number}`)))
  })
})

describe('an answer of the server', () => {
  it.each<[string, (claims: Json) => Json, string?]>([
    ['is not bound', ({ cnf: _cnf, ...claims }) => claims],
    ['is bound to another key', (claims) => ({ ...claims, cnf: { jkt: thumbprint(key.publicKey) } })],
    ['is bound in another way too', (claims) => ({ ...claims, cnf: { jkt, 'x5t#S256': 'x' } })],
    ['has an empty confirmation', (claims) => ({ ...claims, cnf: {} })],
    ['has a confirmation that is a text', (claims) => ({ ...claims, cnf: jkt })],
    ['has the type Bearer', (claims) => claims, 'Bearer'],
  ])('is refused if the token %s', async (_name, change, type) => {
    answer(change, type)
    await expect(agentOf().token()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })

  it('is accepted with a token type in other letters', async () => {
    answer((claims) => claims, 'dpop')
    await expect(agentOf().issued()).resolves.toMatchObject({ tokenType: 'DPoP' })
  })

  it('that demands a bound token names the missing option to an agent without it', async () => {
    const required = { status: 400, body: { reason: 'DPOP_PROOF_REQUIRED', detail: 'The audience demands it' } }
    issuer.next(TOKEN, required, required)
    const error = { reason: 'DPOP_PROOF_REQUIRED', status: 400 }
    await expect(agentOf({}).token()).rejects.toMatchObject({
      ...error,
      message: 'The audience demands it: set the option `dpop`',
    })
    await expect(agentOf().token()).rejects.toMatchObject({ ...error, message: 'The audience demands it' })
  })
})

const options = () => ({ server: issuer.url, did: DID, key })

describe('authenticate', () => {
  it('binds its token to the given key', async () => {
    expect(await authenticate({ ...options(), dpop: bindingKey })).toMatchObject({ tokenType: 'DPoP' })
    expect(issuer.proofs(TOKEN)).toMatchObject([{ jkt }])
  })

  it('throws TypeError for dpop: true, because nobody could use the token', async () => {
    const mistaken: { readonly dpop: SeedSigner } = JSON.parse('{"dpop":true}')
    await expect(authenticate({ ...options(), ...mistaken })).rejects.toThrow(TypeError)
    expect(issuer.seen).toEqual([])
  })
})
