import * as client from 'openid-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AgentParty } from '../../support/parties.ts'
import { type OAuthWorld, openidClient, startOAuthWorld } from './oauth-world.ts'
import { type ProtectedApi, startProtectedApi } from './protected-api.ts'

const SCOPE = 'orders:read'
let world: OAuthWorld
let agent: AgentParty
let api: ProtectedApi
let config: client.Configuration

beforeAll(async () => {
  world = await startOAuthWorld()
  agent = await world.agent()
  api = await startProtectedApi(world.issuer, world.operator.domain)
})
afterAll(async () => {
  api?.stop()
  await world?.stop()
})

const grant = (options?: client.DPoPOptions) =>
  client.clientCredentialsGrant(config, { scope: SCOPE, resource: api.url }, options)
const get = (token: string, options?: client.DPoPOptions) =>
  client.fetchProtectedResource(config, token, new URL(api.url), 'GET', undefined, undefined, options)

const EXTENSIONS = ['device_code', 'token-exchange', 'jwt-bearer'].map(
  (name) => `urn:ietf:params:oauth:grant-type:${name}`,
)

it('1. it finds the server by its metadata', async () => {
  for (const algorithm of ['oidc', 'oauth2'] as const) {
    config = await openidClient(world, agent, algorithm)
    expect(config.serverMetadata()).toMatchObject({
      issuer: world.issuer,
      grant_types_supported: ['client_credentials', 'authorization_code', 'refresh_token', ...EXTENSIONS],
    })
  }
})

it('2. it gets, introspects and revokes a token for a resource', async () => {
  const { access_token: token, ...answer } = await grant()
  expect(answer).toMatchObject({ token_type: 'bearer', scope: SCOPE, expires_in: 900 })
  expect(await client.tokenIntrospection(config, token)).toMatchObject({
    active: true,
    client_id: agent.did,
    aud: [api.url],
  })
  await client.tokenRevocation(config, token)
  expect(await client.tokenIntrospection(config, token)).toEqual({ active: false })
})

it('3. it calls an API with a bound token and DPoP proofs', async () => {
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const { access_token: token, token_type: type } = await grant({ DPoP })
  expect(type).toBe('dpop')
  for (let call = 0; call < 3; call += 1) {
    expect(await (await get(token, { DPoP })).json()).toEqual({ agent: agent.did })
  }
})

it('4. it learns from the challenge of the API that a bearer token is not enough, and where the metadata is', async () => {
  const { access_token: token } = await grant()
  const metadata = new URL('/.well-known/oauth-protected-resource/orders', api.url).href
  await expect(get(token)).rejects.toMatchObject({
    name: 'WWWAuthenticateChallengeError',
    status: 401,
    cause: [{ scheme: 'dpop', parameters: { error: 'invalid_token', resource_metadata: metadata } }],
  })
  expect(await (await fetch(metadata)).json()).toMatchObject({
    resource: api.url,
    authorization_servers: [world.issuer],
    dpop_bound_access_tokens_required: true,
  })
})

it('5. it sends the nonce that an audience demands', async () => {
  const { deployment, operator } = world
  const audience = { audience: 'nonce.acme.example.com', callers: [], dpop: 'required-with-nonce' }
  const path = `/v1/operators/${operator.id}/policy`
  expect(await deployment.client.signed('PUT', path, { audiences: [audience] }, operator)).toMatchObject({
    status: 200,
  })
  const parameters = { scope: SCOPE, resource: 'https://nonce.acme.example.com' }
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('Ed25519'))
  expect(await client.clientCredentialsGrant(config, parameters, { DPoP })).toMatchObject({ token_type: 'dpop' })
  await expect(client.clientCredentialsGrant(config, parameters)).rejects.toMatchObject({
    error: 'invalid_dpop_proof',
    cause: { reason: 'DPOP_PROOF_REQUIRED' },
  })
})

it('6. it reads the error of a refusal', async () => {
  const parameters = { scope: 'orders:delete', resource: api.url }
  await expect(client.clientCredentialsGrant(config, parameters)).rejects.toMatchObject({
    error: 'invalid_scope',
    status: 400,
    cause: { reason: 'SCOPE_NOT_ALLOWED' },
  })
})
