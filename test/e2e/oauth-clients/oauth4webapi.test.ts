import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AgentParty } from '../../support/parties.ts'
import { type OAuthWorld, privateJwk, startOAuthWorld } from './oauth-world.ts'

const HTTP = { [oauth.allowInsecureRequests]: true }
const RESOURCE = 'https://api.acme.example.com/orders'
let world: OAuthWorld
let server: oauth.AuthorizationServer
let agent: AgentParty
let client: oauth.Client

beforeAll(async () => {
  world = await startOAuthWorld()
  agent = await world.agent()
  client = { client_id: agent.did }
})
afterAll(() => world?.stop())

const authentication = async (party = agent) => {
  const key = await crypto.subtle.importKey('jwk', privateJwk(party), 'Ed25519', false, ['sign'])
  return oauth.PrivateKeyJwt(key)
}

const grant = async (parameters: Record<string, string>, options: oauth.ClientCredentialsGrantRequestOptions = {}) => {
  const response = await oauth.clientCredentialsGrantRequest(server, client, await authentication(), parameters, {
    ...HTTP,
    ...options,
  })
  return oauth.processClientCredentialsResponse(server, client, response)
}

const introspect = async (token: string, party = agent) => {
  const caller = { client_id: party.did }
  const response = await oauth.introspectionRequest(server, caller, await authentication(party), token, HTTP)
  return oauth.processIntrospectionResponse(server, caller, response)
}

it('1. it finds the server by its metadata', async () => {
  const issuer = new URL(world.issuer)
  for (const algorithm of ['oauth2', 'oidc'] as const) {
    const response = await oauth.discoveryRequest(issuer, { ...HTTP, algorithm })
    server = await oauth.processDiscoveryResponse(issuer, response)
    expect(server).toMatchObject({ issuer: world.issuer, response_types_supported: ['code'] })
  }
})

it('2. it gets a token for a resource', async () => {
  const answer = await grant({ scope: 'orders:read', resource: RESOURCE })
  expect(answer).toMatchObject({ token_type: 'bearer', scope: 'orders:read', expires_in: 900 })
  const request = new Request('https://api.acme.example.com/orders', {
    headers: { authorization: `Bearer ${answer.access_token}` },
  })
  expect(await oauth.validateJwtAccessToken(server, request, RESOURCE, HTTP)).toMatchObject({
    sub: agent.did,
    client_id: agent.did,
    aud: [RESOURCE],
  })
})

it('3. it gets a token that is bound to a DPoP key, and introspection names that key', async () => {
  const keyPair = await oauth.generateKeyPair('ES256')
  const DPoP = oauth.DPoP(client, keyPair)
  const answer = await grant({ scope: 'orders:read', resource: RESOURCE }, { DPoP })
  expect(answer.token_type).toBe('dpop')
  const told = await introspect(answer.access_token)
  expect(told).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: await DPoP.calculateThumbprint() } })
})

it('4. it introspects and revokes a token', async () => {
  const { access_token: token } = await grant({ scope: 'orders:read', resource: RESOURCE })
  expect(await introspect(token)).toMatchObject({ active: true, scope: 'orders:read', client_id: agent.did })
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, client, await authentication(), token, HTTP),
  )
  expect(await introspect(token)).toEqual({ active: false })
})

it('5. it gets a signed answer of introspection', async () => {
  const { access_token: token } = await grant({ scope: 'orders:read', resource: RESOURCE })
  const response = await oauth.introspectionRequest(server, client, await authentication(), token, {
    ...HTTP,
    requestJwtResponse: true,
  })
  expect(response.headers.get('content-type')).toBe('application/token-introspection+jwt')
  expect(await oauth.processIntrospectionResponse(server, client, response)).toMatchObject({ active: true })
})

it('6. it reads the error of a refusal', async () => {
  await expect(grant({ scope: 'orders:delete', resource: RESOURCE })).rejects.toMatchObject({
    name: 'ResponseBodyError',
    error: 'invalid_scope',
    status: 400,
    cause: { reason: 'SCOPE_NOT_ALLOWED' },
  })
})
