import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  challengeText,
  claimsOf,
  contentOf,
  type FakeIssuer,
  type Json,
  startIssuer,
  tokenText,
} from '../../../test/support/sdk/issuer.ts'
import { authenticate } from './authenticate.ts'
import { generateKey, type SeedSigner } from './keys/signers.ts'

const DID = `did:agent:acme.example:${'a'.repeat(32)}`
const OTHER = `did:agent:other.example:${'b'.repeat(32)}`
const API = 'https://api.acme.example'

let issuer: FakeIssuer
let key: SeedSigner
let signed: number

beforeAll(async () => {
  issuer = await startIssuer()
  const real = await generateKey()
  key = {
    ...real,
    sign(message) {
      signed += 1
      return real.sign(message)
    },
  }
})
afterAll(() => issuer[Symbol.asyncDispose]())

async function attempt() {
  signed = 0
  return authenticate({ server: issuer.url, did: DID, key, scopes: ['b', 'a', 'b'], audience: API, ttl: '1m' })
}

it('requestToken sends scope, audience and lifetime with the request for a challenge, and again with the signature', async () => {
  const { token, lifetimeS, scope, audience } = await attempt()
  expect({ lifetimeS, scope, audience }).toEqual({ lifetimeS: 60, scope: 'a b', audience: [API] })
  expect(token.split('.')).toHaveLength(3)
  const wishes = { did: DID, scope: 'a b', audience: [API], ttl: '60s' }
  expect(issuer.seen.slice(-2)).toMatchObject([{ body: wishes }, { body: wishes }])
})

it("requestToken asks for the server's own audience and default lifetime if none is given", async () => {
  const { lifetimeS, audience, scope } = await authenticate({ server: `${issuer.url}/`, did: DID, key })
  expect({ lifetimeS, audience, scope }).toEqual({ lifetimeS: 100, audience: [issuer.url], scope: '' })
})

it('requestToken asks for a token that another agent may exchange, and signs and accepts nothing else', async () => {
  const bound = { server: issuer.url, did: DID, key, dpop: key }
  const order = { ...bound, mayAct: OTHER }
  await authenticate(order)
  expect(issuer.seen.slice(-2)).toMatchObject([{ body: { may_act: OTHER } }, { body: { may_act: OTHER } }])
  issuer.next('/v1/challenge', (good, body) => ({
    body: { ...good, challenge: challengeText({ ...contentOf(issuer.url, body), may_act: undefined }) },
  }))
  await expect(authenticate(order)).rejects.toMatchObject({ reason: 'CHALLENGE_REFUSED' })
  issuer.next('/v1/token', (good, body) => ({
    body: { ...good, token: tokenText({ ...claimsOf(issuer.url, { ...body, may_act: DID }) }) },
  }))
  await expect(authenticate(order)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  await expect(authenticate({ ...bound, mayAct: 'acme.example' })).rejects.toThrow('mayAct must be the DID of an agent')
})

const challenges: readonly (readonly [string, (content: Json) => object])[] = [
  ['another issuer', (content) => ({ ...content, iss: 'https://auth.example' })],
  ['an issuer that only looks the same', (content) => ({ ...content, iss: `${String(content.iss)}/` })],
  ['another agent', (content) => ({ ...content, did: OTHER })],
  ['more scopes', (content) => ({ ...content, scope: 'a b c' })],
  ['no scope', (content) => ({ ...content, scope: undefined })],
  ['another audience', (content) => ({ ...content, aud: ['https://other.example'] })],
  ['one more audience', (content) => ({ ...content, aud: [API, 'https://other.example'] })],
  ['no audience', (content) => ({ ...content, aud: undefined })],
  ['a longer lifetime', (content) => ({ ...content, ttl: 3600 })],
  ['no lifetime', (content) => ({ ...content, ttl: undefined })],
  ['a time in the past', (content) => ({ ...content, exp: Math.floor(Date.now() / 1000) - 1 })],
  ['an unknown version', (content) => ({ ...content, v: 2 })],
  ['an agent that may act', (content) => ({ ...content, may_act: OTHER })],
]

it.each(challenges)('requestToken does not sign a challenge that has %s', async (_name, change) => {
  issuer.next('/v1/challenge', (good, body) => ({
    body: { ...good, challenge: challengeText(change(contentOf(issuer.url, body))) },
  }))
  await expect(attempt()).rejects.toMatchObject({ reason: 'CHALLENGE_REFUSED', status: 0 })
  expect(signed).toBe(0)
})

it.each([
  ['no nonce', { nonce: undefined }],
  ['a nonce with a colon', { nonce: 'AAAAAAAAAAAAAAAAAAAA:A' }],
  ['a short nonce', { nonce: 'AAAA' }],
  ['no challenge', { challenge: undefined }],
  ['a challenge that is a number', { challenge: 1 }],
  ['a challenge that cannot be read', { challenge: 'opaque' }],
])('requestToken signs nothing if the answer has %s', async (_name, edits) => {
  issuer.next('/v1/challenge', (good) => ({ body: { ...good, ...edits } }))
  await expect(attempt()).rejects.toMatchObject({ reason: 'CHALLENGE_REFUSED' })
  expect(signed).toBe(0)
})

it.each([
  ['another issuer', (claims: Json) => tokenText({ ...claims, iss: 'https://auth.example' })],
  ['another agent', (claims: Json) => tokenText({ ...claims, sub: OTHER })],
  ['another scope', (claims: Json) => tokenText({ ...claims, scope: 'a' })],
  ['another audience', (claims: Json) => tokenText({ ...claims, aud: ['https://other.example'] })],
  ['the audience twice', (claims: Json) => tokenText({ ...claims, aud: [API, API] })],
  ['an audience that is not a list', (claims: Json) => tokenText({ ...claims, aud: API })],
  ['a longer lifetime', (claims: Json) => tokenText({ ...claims, exp: Number(claims.exp) + 1 })],
  ['no lifetime', (claims: Json) => tokenText({ ...claims, exp: claims.iat })],
  ['no times', (claims: Json) => tokenText({ ...claims, iat: undefined })],
  ['no id', (claims: Json) => tokenText({ ...claims, jti: 7 })],
  ['a key that it is bound to', (claims: Json) => tokenText({ ...claims, cnf: { jkt: 'x' } })],
  ['an empty confirmation', (claims: Json) => tokenText({ ...claims, cnf: null })],
  ['a line break', (claims: Json) => `${tokenText(claims)}\r\nx: y`],
  ['no payload', () => 'a.b.c'],
  ['two parts', () => 'a.b'],
  ['more bytes than fit into a header', (claims: Json) => tokenText({ ...claims, more: 'x'.repeat(16_384) })],
])('requestToken rejects a token that has %s', async (_name, change) => {
  issuer.next('/v1/token', (good, body) => ({ body: { ...good, token: change(claimsOf(issuer.url, body)) } }))
  await expect(attempt()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
})

it.each(['DPoP', 'N_A', undefined, 1])('requestToken rejects a token whose type is %s', async (token_type) => {
  issuer.next('/v1/token', (good) => ({ body: { ...good, token_type } }))
  await expect(attempt()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
})

it('requestToken accepts a token type in other letters (RFC 6749 section 5.1)', async () => {
  issuer.next('/v1/token', (good) => ({ body: { ...good, token_type: 'bearer' } }))
  await expect(attempt()).resolves.toMatchObject({ tokenType: 'Bearer' })
})

it.each([
  ['another issuer', { issuer: 'https://auth.example' }, 'ISSUER_MISMATCH'],
  ['no issuer', {}, 'UNEXPECTED_ANSWER'],
  ['a list instead of an object', [], 'UNEXPECTED_ANSWER'],
  ['no JSON', '<html>', 'UNEXPECTED_ANSWER'],
])('requestToken asks for no challenge for a discovery document with %s', async (_name, body, reason) => {
  const before = issuer.count('/v1/challenge')
  issuer.next('/.well-known/auth4agent', { body })
  await expect(attempt()).rejects.toMatchObject({ reason })
  expect(issuer.count('/v1/challenge')).toBe(before)
})

it('requestToken accepts an issuer that is not the address if the option issuer names it', async () => {
  const name = 'https://auth.example'
  issuer.next('/.well-known/auth4agent', { body: { issuer: name } })
  issuer.next('/v1/challenge', (good, body) => ({ body: { ...good, challenge: challengeText(contentOf(name, body)) } }))
  issuer.next('/v1/token', (good, body) => ({ body: { ...good, token: tokenText(claimsOf(name, body)) } }))
  const options = { server: issuer.url, issuer: name, did: DID, key, ttl: 60 }
  await expect(authenticate(options)).resolves.toMatchObject({ audience: [name] })
})

it("requestToken compares the expiry of a challenge with the server's clock, not this machine's", async () => {
  const past = new Date(Date.now() - 86_400_000)
  const headers = { date: past.toUTCString() }
  issuer.next('/.well-known/auth4agent', { headers })
  issuer.next('/v1/challenge', (good, body) => ({
    headers,
    body: {
      ...good,
      challenge: challengeText({ ...contentOf(issuer.url, body), exp: Math.floor(past.getTime() / 1000) + 60 }),
    },
  }))
  await expect(attempt()).resolves.toMatchObject({ lifetimeS: 60 })
})

it('authenticate throws TypeError for invalid options and sends nothing', async () => {
  const options = { server: issuer.url, did: DID, key }
  const wrong = [
    { did: 'did:web:acme.example' },
    { scopes: ['a b'] },
    { scopes: ['*'] },
    { audience: 'not a url' },
    { ttl: 'soon' },
    { key: new Uint8Array(31) },
    { server: 'http://auth.example' },
  ]
  const before = issuer.seen.length
  for (const edits of wrong) await expect(authenticate({ ...options, ...edits })).rejects.toThrow(TypeError)
  expect(issuer.seen.length).toBe(before)
})
