import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { sendHttp } from '../../contract/support/http.ts'
import { useWorld } from '../../contract/support/run-cases.ts'
import type { AgentName } from '../../contract/support/seed.ts'
import {
  clientAssertion,
  decodeJwt,
  expectError,
  expectIssued,
  type Form,
  nowS,
  post,
  tokenForm,
} from './support/client.ts'
import { setAudiences } from './support/policy.ts'

const world = useWorld()
const API = 'https://api.acme-operator.com'
const JSON_TYPE = { 'content-type': 'application/json' }
const LIFETIME_S = 900
const agent = () => world().agents.active

const requestFor = (resource: string | readonly string[] | undefined, name: AgentName = 'active') =>
  post(world().server.baseUrl, '/oauth/token', tokenForm(world().agents[name], { resource, scope: 'read write' }))
const issue = async (resource?: string) => expectIssued(await requestFor(resource)).access_token

/** Requests a token with claims in the assertion and parameters beside it. */
function requestBound(claims: object, edits: Form, name: AgentName = 'active') {
  const client_assertion = clientAssertion(world().agents[name], { claims: { ...claims } })
  const form = tokenForm(world().agents[name], { scope: undefined, ...edits, client_assertion })
  return post(world().server.baseUrl, '/oauth/token', form)
}

const getJson = async (path: string) =>
  JSON.parse((await sendHttp(world().server.baseUrl, { verb: 'GET', path })).text) as Record<string, unknown>
const keySet = async () => (await getJson('/.well-known/jwks.json')) as unknown as JSONWebKeySet

describe('an access token of /oauth/token', () => {
  it('has the typ at+jwt, and the alg and the kid of a published key', async () => {
    const { header } = decodeJwt(await issue())
    const { keys } = await keySet()
    expect(header).toEqual({ typ: 'at+jwt', alg: 'EdDSA', kid: expect.any(String) })
    expect(keys.find(({ kid }) => kid === header['kid'])).toMatchObject({ alg: 'EdDSA', use: 'sig' })
  })

  it('has all required claims, with the DID as sub and client_id', async () => {
    const { claims } = decodeJwt(await issue(API))
    const { did, operatorId } = agent()
    expect(claims).toEqual({
      iss: world().issuer,
      sub: did,
      client_id: did,
      aud: [API],
      scope: 'read write',
      iat: expect.any(Number),
      nbf: claims['iat'],
      exp: Number(claims['iat']) + LIFETIME_S,
      jti: expect.stringMatching(/^[\x21-\x7e]{16,64}$/),
      operator_id: operatorId,
      epoch: [1, 1],
    })
    expect(Math.abs(Number(claims['iat']) - nowS())).toBeLessThan(30)
  })

  it('has another jti each time', async () => {
    const ids = [await issue(), await issue()].map((token) => decodeJwt(token).claims['jti'])
    expect(new Set(ids).size).toBe(2)
  })

  it('is accepted by another library with the keys and the issuer of the metadata', async () => {
    const { issuer, jwks_uri } = await getJson('/.well-known/oauth-authorization-server')
    const token = await issue(API)
    const { payload } = await jwtVerify(token, createLocalJWKSet(await keySet()), {
      issuer: String(issuer),
      audience: API,
      typ: 'at+jwt',
    })
    expect(payload.sub).toBe(agent().did)
    expect(jwks_uri).toBe(`${world().issuer}/.well-known/jwks.json`)
  })

  it('is valid only for the resource that it was issued for', async () => {
    const token = await issue(API)
    const verdict = async (audience: string) => {
      const body = JSON.stringify({ token, audience: [audience] })
      return JSON.parse((await post(world().server.baseUrl, '/v1/verify', body, JSON_TYPE)).text) as unknown
    }
    expect(await verdict(API)).toMatchObject({ valid: true })
    expect(await verdict(`${API}/other`)).toMatchObject({ valid: false, reason: 'AUDIENCE_MISMATCH' })
  })

  it('is no client assertion, and a client assertion is no access token', async () => {
    const form = tokenForm(agent())
    const body = JSON.stringify({ token: form['client_assertion'] })
    expect(JSON.parse((await post(world().server.baseUrl, '/v1/verify', body, JSON_TYPE)).text)).toMatchObject({
      valid: false,
    })
    const answer = await post(world().server.baseUrl, '/oauth/token', { ...form, client_assertion: await issue() })
    expect(answer.body).toMatchObject({ error: 'invalid_client' })
  })
})

describe('the parameter resource at /oauth/token', () => {
  it.each([
    ['one URI', API],
    ['a URI with port, path and query', `${API}:8443/orders?version=1`],
    ['two URIs', [API, `${API}/orders`]],
    ['eight URIs', Array.from({ length: 8 }, (_, at) => `${API}/${at}`)],
  ])('becomes aud exactly: %s', async (_, resource) => {
    const { access_token } = expectIssued(await requestFor(resource))
    expect(decodeJwt(access_token).claims['aud']).toEqual([resource].flat())
  })

  it('gives the issuer as aud when it is absent', async () => {
    const { access_token } = expectIssued(await requestFor(undefined))
    expect(decodeJwt(access_token).claims['aud']).toEqual([world().issuer])
  })

  it.each([
    ['a URI with a fragment', `${API}#orders`],
    ['a URI with an empty fragment', `${API}#`],
    ['a path', '/orders'],
    ['a reference without a scheme', '//api.acme-operator.com'],
    ['a host name', 'api.acme-operator.com'],
    ['a URI with a user', 'https://user@api.acme-operator.com'],
    ['a URI with a host in upper case', 'https://API.acme-operator.com'],
    ['a text with a blank', `${API}/a b`],
    ['a wildcard', '*'],
    ['nine URIs', Array.from({ length: 9 }, (_, at) => `${API}/${at}`)],
    ['a wrong URI beside a good one', [API, `${API}#orders`]],
  ])('is refused with invalid_target: %s', async (_, resource) => {
    expectError(await requestFor(resource), 'invalid_target')
  })

  it('is refused with invalid_target when the operator of the audience allows other callers only', async () => {
    await setAudiences(world(), 'acme', [{ audience: `${API}/closed`, callers: ['friend-operator.com'] }])
    expectError(await requestFor(`${API}/closed`, 'ofBravo'), 'invalid_target', 'AUDIENCE_NOT_ALLOWED')
    expectIssued(await requestFor(`${API}/closed`))
  })
})

describe('an assertion that contains scope and resource', () => {
  it.each<[string, object, Form]>([
    ['replaces absent parameters', { scope: 'write', resource: [API] }, {}],
    ['replaces empty parameters', { scope: 'write', resource: API }, { scope: '', resource: '' }],
    ['may repeat the parameters', { scope: 'write', resource: [API] }, { scope: 'write', resource: API }],
  ])('%s', async (_, claims, edits) => {
    const { scope, access_token } = expectIssued(await requestBound(claims, edits))
    expect({ scope, aud: decodeJwt(access_token).claims['aud'] }).toEqual({ scope: 'write', aud: [API] })
  })

  it.each<[string, object, Form]>([
    ['a wider scope', { scope: 'read' }, { scope: 'read write' }],
    ['a narrower scope', { scope: 'read write' }, { scope: 'read' }],
    ['another resource', { resource: [API] }, { resource: 'https://other.example' }],
    ['one more resource', { resource: [API] }, { resource: [API, 'https://other.example'] }],
  ])('is refused beside a parameter with %s', async (_, claims, edits) => {
    expectError(await requestBound(claims, edits), 'invalid_request', 'BINDING_MISMATCH')
  })
})

describe('an agent that requires bound requests', () => {
  const OWN = { careful: 'https://api.acme-operator.com', ofBound: 'https://api.bound-operator.com' } as const
  const AGENTS = ['careful', 'ofBound'] as const

  it.each(AGENTS)('gets a token if the assertion contains scope and resource: %s', async (name) => {
    expectIssued(await requestBound({ scope: 'read', resource: [OWN[name]] }, {}, name))
  })

  it.each(
    AGENTS.flatMap<[(typeof AGENTS)[number], string]>((name) => [
      [name, 'neither'],
      [name, 'scope'],
      [name, 'resource'],
    ]),
  )('gets no token if the assertion contains less: %s with %s', async (name, kept) => {
    const whole = { scope: 'read', resource: OWN[name] }
    const claims = Object.fromEntries(Object.entries(whole).filter(([each]) => each === kept))
    expectError(await requestBound(claims, whole, name), 'invalid_request', 'BINDING_REQUIRED')
  })
})

it('POST /oauth/token refuses authorization_details, because the server has no types of them', async () => {
  const authorization_details = JSON.stringify([{ type: 'x' }])
  const answer = await requestBound({}, { authorization_details })
  expectError(answer, 'invalid_authorization_details', 'UNSUPPORTED_AUTHORIZATION_DETAILS')
})
