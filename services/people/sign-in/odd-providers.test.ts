import { createHmac, randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IssuerKey, issuerKey } from '../../../test/support/id-tokens.ts'
import { json, startOutside } from '../../../test/support/outside-server.ts'
import { metadataOf } from '../../../test/support/people.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { cookieHeader, signInWorld } from '../../../test/support/sign-in.ts'
import { finishFlow } from './finish-flow.ts'
import { startFlow } from './start-flow.ts'

let world: Awaited<ReturnType<typeof signInWorld>>
let key: IssuerKey
let otherKey: IssuerKey
beforeAll(async () => {
  world = await signInWorld()
  key = await issuerKey('RS256', 'key-1')
  otherKey = await issuerKey('RS256', 'key-1')
})
afterAll(() => world.drop())

type Claims = Readonly<Record<string, unknown>>

/** What the token endpoint answers. */
interface Odd {
  /** Changes the claims of a good ID token. */
  readonly claims?: (good: Claims) => Claims
  /** Makes the ID token of claims. */
  readonly sign?: (claims: Claims) => Promise<string> | string
  /** Changes the body of the answer. */
  readonly body?: (good: Claims) => object
  readonly metadata?: object
  readonly token?: RequestListener
}

const signed =
  ({ privateKey, alg, kid }: IssuerKey) =>
  (claims: Claims) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg, kid }).sign(privateKey)

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs a person in at a provider that is written by hand. */
async function signIn({ claims = (good) => good, sign, body, metadata, token }: Odd, row: object = {}) {
  const flow = { nonce: '' }
  const answer = async (...[request, response]: Parameters<RequestListener>) => {
    const issuer = `http://${request.headers.host}`
    if (request.url === '/jwks') return json({ keys: [key.jwk] })(request, response)
    if (request.url !== '/token') return json({ ...metadataOf(issuer), ...metadata })(request, response)
    if (token !== undefined) return token(request, response)
    const nowS = Math.floor(Date.now() / 1000)
    const { nonce } = flow
    const good = { iss: issuer, sub: 'alice', aud: 'auth4agent', iat: nowS, exp: nowS + 300, nonce }
    const idToken = await (sign ?? signed(key))(claims(good))
    const usual = { access_token: 'a', token_type: 'Bearer', id_token: idToken }
    return json(body === undefined ? usual : body(usual))(request, response)
  }
  const server = await startOutside((request, response) => void answer(request, response))
  const id = randomUUID()
  await world.provider(id, 'odd', `http://odd.test:${server.port}`)
  const provider = await world.db.prisma.identityProvider.update({ where: { id }, data: row })
  const { location, setCookie } = await startFlow(world.deps, provider, { returnTo: '/', hint: '', maxAgeS: 60 }, '')
  const { searchParams } = new URL(location)
  flow.nonce = searchParams.get('nonce') ?? ''
  const query = `code=a&state=${searchParams.get('state')}`
  try {
    return (await finishFlow(world.deps, { providerId: id, query, cookie: cookieHeader(setCookie) })).user
  } finally {
    await world.db.prisma.identityProvider.delete({ where: { id } })
  }
}

const nowS = () => Math.floor(Date.now() / 1000)
const fresh = (claims: Claims) => ({ auth_time: nowS(), ...claims })
const changed = (more: Claims): Odd => ({ claims: (good) => fresh({ ...good, ...more }) })

describe('finishFlow', () => {
  it.each<[string, Odd]>([
    ['a good ID token', changed({})],
    ['the client as azp', changed({ azp: 'auth4agent' })],
    ['several audiences with the client as azp', changed({ aud: ['auth4agent', 'b'], azp: 'auth4agent' })],
  ])('accepts %s', async (_, odd) => {
    expect(await signIn(odd)).toEqual({
      tenant: '',
      sub: 'alice',
      name: '',
      groups: [],
      authTimeS: expect.any(Number),
      sid: '',
    })
  })

  it.each<[string, Odd]>([
    ['another issuer', changed({ iss: 'https://idp.example' })],
    ['no issuer', changed({ iss: undefined })],
    ['another audience', changed({ aud: 'other' })],
    ['several audiences without azp', changed({ aud: ['auth4agent', 'other'] })],
    ['another client as azp', changed({ azp: 'other' })],
    ['another azp among several audiences', changed({ aud: ['auth4agent', 'other'], azp: 'other' })],
    ['an expired time', changed({ exp: nowS() - 60 })],
    ['no expiry', changed({ exp: undefined })],
    ['a time that has not begun', changed({ nbf: nowS() + 300 })],
    ['no time of issuing', changed({ iat: undefined })],
    ['another nonce', changed({ nonce: 'a'.repeat(43) })],
    ['no nonce', changed({ nonce: undefined })],
    ['no time of authentication, though one was asked for', { claims: (good) => good }],
    ['an old authentication', changed({ auth_time: nowS() - 600 })],
    ['no subject', changed({ sub: undefined })],
    ['an empty subject', changed({ sub: '' })],
    ['a subject of 256 characters', changed({ sub: 'a'.repeat(256) })],
    ['a number as the subject', changed({ sub: 7 })],
    ['a control character in the subject', changed({ sub: 'a\u0000' })],
    ['the signature of another key', { ...changed({}), sign: (claims) => signed(otherKey)(claims) }],
    ['an unknown key', { ...changed({}), sign: (claims) => signed({ ...key, kid: 'key-2' })(claims) }],
    ['a cut signature', { ...changed({}), sign: async (claims) => (await signed(key)(claims)).slice(0, -8) }],
    [
      'another payload under the signature',
      {
        ...changed({}),
        sign: async (claims) => {
          const [header, , signature] = (await signed(key)(claims)).split('.')
          return `${header}.${encode({ ...claims, sub: 'bob' })}.${signature}`
        },
      },
    ],
    ['no signature', { ...changed({}), sign: (claims) => `${encode({ alg: 'none' })}.${encode(claims)}.` }],
    [
      'no signature, which the metadata offer',
      {
        ...changed({}),
        metadata: { id_token_signing_alg_values_supported: ['none', 'RS256'] },
        sign: (claims) => `${encode({ alg: 'none' })}.${encode(claims)}.`,
      },
    ],
    [
      'a MAC with the client secret',
      {
        ...changed({}),
        metadata: { id_token_signing_alg_values_supported: ['HS256', 'RS256'] },
        sign(claims) {
          const input = `${encode({ alg: 'HS256' })}.${encode(claims)}`
          const mac = createHmac('sha256', 'a secret with 32 characters: %+/').update(input)
          return `${input}.${mac.digest('base64url')}`
        },
      },
    ],
    ['no ID token', { ...changed({}), body: (good) => ({ ...good, id_token: undefined }) }],
    ['a text that is no JWT', { ...changed({}), body: (good) => ({ ...good, id_token: 'a.b.c' }) }],
  ])('refuses an ID token with %s', async (_, odd) => {
    expect(await refusalOf(signIn(odd))).toBe('SIGN_IN_FAILED')
  })

  it.each<[string, string, number, string]>([
    ['refuses the code', 'SIGN_IN_FAILED', 400, '{"error":"invalid_grant"}'],
    ['refuses the client', 'SIGN_IN_FAILED', 401, '{"error":"invalid_client"}'],
    ['answers with a list', 'SIGN_IN_FAILED', 200, '[]'],
    ['answers with half an object', 'SIGN_IN_FAILED', 200, '{'],
    ['redirects', 'PROVIDER_UNAVAILABLE', 307, '{}'],
    ['has failed', 'PROVIDER_UNAVAILABLE', 500, '{}'],
    ['answers too much', 'PROVIDER_UNAVAILABLE', 200, `"${'a'.repeat(70_000)}"`],
  ])('refuses a token endpoint that %s', async (_, reason, status, body) => {
    const token: RequestListener = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json', location: '/token' }).end(body)
    }
    expect(await refusalOf(signIn({ token }))).toBe(reason)
  })

  it.each<[string, object, string | undefined]>([
    ['no refresh token', {}, 'SIGN_IN_FAILED'],
    ['an empty refresh token', { refresh_token: '' }, 'SIGN_IN_FAILED'],
    ['a refresh token of more than 4,096 characters', { refresh_token: 'a'.repeat(4_097) }, 'SIGN_IN_FAILED'],
    ['a refresh token of 4,096 characters', { refresh_token: 'a'.repeat(4_096) }, undefined],
  ])('judges a provider with the signals refresh that sends %s', async (_, more, reason) => {
    const odd = { ...changed({}), body: (usual: Claims) => ({ ...usual, ...more }) }
    expect(await refusalOf(signIn(odd, { signals: 'refresh' }))).toBe(reason)
    expect(await refusalOf(signIn(odd))).toBe(Object.values(more).includes('') ? 'SIGN_IN_FAILED' : undefined)
  })

  it('sends no code of one provider to another one that answers without an issuer (mix-up)', async () => {
    const honest = await startOutside((request, response) =>
      json(metadataOf(`http://${request.headers.host}`))(request, response),
    )
    const other = await startOutside((request, response) =>
      json(metadataOf(`http://${request.headers.host}`))(request, response),
    )
    const ids = [randomUUID(), randomUUID()] as const
    const row = await world.provider(ids[0], 'honest', `http://honest.test:${honest.port}`)
    await world.provider(ids[1], 'other', `http://other.test:${other.port}`)
    const { location, setCookie } = await startFlow(world.deps, row, { returnTo: '/', hint: '' }, '')
    const query = `code=a&state=${new URL(location).searchParams.get('state')}`
    const callback = { providerId: ids[1], query, cookie: cookieHeader(setCookie) }
    expect(await refusalOf(finishFlow(world.deps, callback))).toBe('SIGN_IN_FAILED')
    expect(other.requests).toEqual([])
    await world.db.prisma.identityProvider.deleteMany({ where: { id: { in: [...ids] } } })
  })

  it('takes the tenant of a subject that is unique only there', async () => {
    const entra = { subjectClaim: 'oid' }
    expect(await signIn(changed({ oid: 'o', tid: 't' }), entra)).toMatchObject({ tenant: 't', sub: 'o' })
    expect(await refusalOf(signIn(changed({ oid: 'o' }), entra))).toBe('SIGN_IN_FAILED')
    expect(await refusalOf(signIn(changed({ tid: 't' }), entra))).toBe('SIGN_IN_FAILED')
  })

  it.each<[string, Claims]>([
    ['is missing', {}],
    ['has another value', { hd: 'acme.example.com' }],
    ['is a list with the value', { hd: ['acme.example'] }],
    ['is the value in capitals', { hd: 'ACME.EXAMPLE' }],
  ])('refuses a required claim that %s', async (_, more) => {
    const row = { requiredClaims: [{ name: 'hd', value: 'acme.example' }] }
    expect(await refusalOf(signIn(changed(more), row))).toBe('SIGN_IN_FAILED')
    expect(await refusalOf(signIn(changed({ hd: 'acme.example' }), row))).toBeUndefined()
  })

  it('refuses a required claim that every object has', async () => {
    const row = { requiredClaims: [{ name: 'constructor', value: 'a' }] }
    expect(await refusalOf(signIn(changed({}), row))).toBe('SIGN_IN_FAILED')
  })

  it('reads the name, and the groups of the claim that the operator names', async () => {
    const odd = changed({ preferred_username: 'alice', groups: ['a', 7, '', 'b'] })
    expect(await signIn(odd)).toMatchObject({ name: 'alice', groups: [], authTimeS: expect.any(Number), sid: '' })
    expect(await signIn(odd, { groupsClaim: 'groups' })).toMatchObject({ groups: ['a', 'b'] })
    expect(await signIn(changed({ groups: 'a' }), { groupsClaim: 'groups' })).toMatchObject({ groups: ['a'] })
    expect(await signIn(changed({ groups: { a: 1 } }), { groupsClaim: 'groups' })).toMatchObject({
      groups: [],
      authTimeS: expect.any(Number),
      sid: '',
    })
  })
})
