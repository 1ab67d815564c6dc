import { createRemoteJWKSet, type JWTVerifyOptions, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectStatus, issueToken } from '../../support/story.ts'
import { type OAuthWorld, startOAuthWorld } from './oauth-world.ts'

const API = 'https://api.acme.example.com'
/** Audiences of the operator, with the algorithm that the operator chose for each. */
const AUDIENCES = [
  ['EdDSA', `${API}/orders`],
  ['Ed25519', 'https://ed25519.acme.example.com'],
  ['ES256', 'https://es256.acme.example.com'],
  ['RS256', 'https://rs256.acme.example.com'],
] as const

let world: OAuthWorld
let jwksUri: URL
beforeAll(async () => {
  world = await startOAuthWorld()
  const { client } = world.deployment
  const { operator } = world
  const audiences = AUDIENCES.slice(1).map(([alg, url]) => ({
    audience: new URL(url).host,
    callers: [],
    token_signing_alg: alg,
  }))
  expectStatus(200, await client.signed('PUT', `/v1/operators/${operator.id}/policy`, { audiences }, operator))
  const metadata: unknown = await (await fetch(`${world.issuer}/.well-known/oauth-authorization-server`)).json()
  jwksUri = new URL(Object(metadata).jwks_uri)
})
afterAll(() => world?.stop())

async function newToken(audience: string): Promise<string> {
  const { token } = await issueToken(world.deployment.client, await world.agent(), { scope: 'orders:read', audience })
  return String(token)
}

/** Verifies a token as an API that knows only the issuer and its own address. */
function verify(token: string, audience: string, options: JWTVerifyOptions = {}) {
  const requiredClaims = ['client_id', 'sub', 'jti', 'iat', 'exp']
  const rules = { issuer: world.issuer, audience, typ: 'at+jwt', requiredClaims, ...options }
  return jwtVerify(token, createRemoteJWKSet(jwksUri), rules)
}

describe('jose', () => {
  it.each(AUDIENCES)('verifies a token that is signed with %s', async (alg, audience) => {
    const { payload, protectedHeader } = await verify(await newToken(audience), audience, { algorithms: [alg] })
    expect(protectedHeader).toMatchObject({ alg, typ: 'at+jwt' })
    expect(payload).toMatchObject({ aud: [audience], scope: 'orders:read', client_id: payload.sub })
  })

  it.each([
    ['audience', { audience: 'https://other.example.com' }, { claim: 'aud' }],
    ['issuer', { issuer: 'https://other.example.com' }, { claim: 'iss' }],
    ['type', { typ: 'JWT' }, { claim: 'typ' }],
    ['algorithm', { algorithms: ['ES256'] }, { code: 'ERR_JOSE_ALG_NOT_ALLOWED' }],
  ])('refuses a token of another %s', async (_name, options, error) => {
    const [, audience] = AUDIENCES[0]
    await expect(verify(await newToken(audience), audience, options)).rejects.toMatchObject(error)
  })
})
