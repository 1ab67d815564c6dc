import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { sendHttp } from '../../contract/support/http.ts'
import { useWorld } from '../../contract/support/run-cases.ts'
import { decodeJwt, expectIssued, nowS, post, tokenForm } from './support/client.ts'
import { setAudiences } from './support/policy.ts'

const world = useWorld()
const API = 'https://api.acme-operator.com'
const agent = () => world().agents.active
const LIFETIME_S = 900

async function issue(resource?: string): Promise<string> {
  const form = tokenForm(agent(), { resource, scope: 'read write' })
  return expectIssued(await post(world().server.baseUrl, '/oauth/token', form)).access_token
}

const getJson = async (path: string) =>
  JSON.parse((await sendHttp(world().server.baseUrl, { verb: 'GET', path })).text) as Record<string, unknown>
const keySet = async () => (await getJson('/.well-known/jwks.json')) as unknown as JSONWebKeySet

/** Makes RS256 the algorithm of one audience. */
beforeAll(() => setAudiences(world(), 'acme', [{ audience: `${API}/rsa`, token_signing_alg: 'RS256' }]))

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
    expect(jwks_uri).toBe(`${issuer}/.well-known/jwks.json`)
  })

  it('is signed with RS256 if the operator of the audience chooses RS256', async () => {
    const token = await issue(`${API}/rsa`)
    expect(decodeJwt(token).header['alg']).toBe('RS256')
    await jwtVerify(token, createLocalJWKSet(await keySet()), { audience: `${API}/rsa`, algorithms: ['RS256'] })
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

const JSON_TYPE = { 'content-type': 'application/json' }
