import * as client from 'openid-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AgentParty } from '../../support/parties.ts'
import { type OAuthWorld, openidClient, startOAuthWorld } from './oauth-world.ts'

const RESOURCE = 'https://api.acme.example.com/orders'
let world: OAuthWorld
let agent: AgentParty
let config: client.Configuration

beforeAll(async () => {
  world = await startOAuthWorld()
  agent = await world.agent()
})
afterAll(() => world?.stop())

it('1. it finds the server by its metadata', async () => {
  for (const algorithm of ['oidc', 'oauth2'] as const) {
    config = await openidClient(world, agent, algorithm)
    expect(config.serverMetadata()).toMatchObject({ issuer: world.issuer, grant_types_supported: ['client_credentials'] })
  }
})

it('2. it gets a token for a resource', async () => {
  const tokens = await client.clientCredentialsGrant(config, { scope: 'orders:read', resource: RESOURCE })
  expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'orders:read', expires_in: 900 })
})

it('3. it introspects and revokes a token', async () => {
  const { access_token: token } = await client.clientCredentialsGrant(config, { scope: 'orders:read', resource: RESOURCE })
  expect(await client.tokenIntrospection(config, token)).toMatchObject({ active: true, client_id: agent.did, aud: [RESOURCE] })
  await client.tokenRevocation(config, token)
  expect(await client.tokenIntrospection(config, token)).toEqual({ active: false })
})

it('4. it reads the error of a refusal', async () => {
  await expect(client.clientCredentialsGrant(config, { scope: 'orders:delete' })).rejects.toMatchObject({
    error: 'invalid_scope',
    status: 400,
    cause: { reason: 'SCOPE_NOT_ALLOWED' },
  })
})

