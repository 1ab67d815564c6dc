import { createRemoteJWKSet, decodeProtectedHeader, type JWTVerifyOptions, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { expectStatus, issueToken, type OperatorParty } from '../../support/story.ts'
import { type OAuthWorld, startOAuthWorld } from './oauth-world.ts'

const RESOURCE = 'https://api.acme.example.com/orders'
let world: OAuthWorld
beforeAll(async () => {
  world = await startOAuthWorld()
})
afterAll(() => world?.stop())

/** Verifies a token as an API that knows only the issuer and itself. */
async function verify(token: string, options: JWTVerifyOptions = {}) {
  const { jwks_uri: uri } = Object(await (await fetch(`${world.issuer}/.well-known/oauth-authorization-server`)).json())
  const keys = createRemoteJWKSet(new URL(String(uri)))
  return jwtVerify(token, keys, { issuer: world.issuer, audience: RESOURCE, typ: 'at+jwt', ...options })
}

async function newToken(audience = RESOURCE): Promise<string> {
  const { token } = await issueToken(world.deployment.client, await world.agent(), { scope: 'orders:read', audience })
  return String(token)
}

it('jose verifies an access token with the keys that the metadata names', async () => {
  const token = await newToken()
  const { payload } = await verify(token, { requiredClaims: ['client_id', 'iat', 'jti', 'exp', 'sub'] })
  expect(payload).toMatchObject({ aud: [RESOURCE], scope: 'orders:read', client_id: payload.sub })
})
