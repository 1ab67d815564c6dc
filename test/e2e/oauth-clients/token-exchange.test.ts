import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ACCESS_TOKEN, EXCHANGE } from '../../support/exchanges.ts'
import type { AgentParty } from '../../support/parties.ts'
import { expectStatus } from '../../support/story.ts'
import { type OAuthWorld, openidClient, privateJwk, startOAuthWorld } from './oauth-world.ts'

const HTTP = { [oauth.allowInsecureRequests]: true }
const RESOURCE = 'https://api.acme.example.com/orders'
let world: OAuthWorld
let principal: AgentParty
let actor: AgentParty

beforeAll(async () => {
  world = await startOAuthWorld()
  principal = await world.agent()
  actor = await world.agent([])
  const { deployment, operator } = world
  const path = `/v1/operators/${operator.id}/agents/${principal.did}`
  expectStatus(200, await deployment.client.signed('PATCH', path, { max_delegation_depth: 1 }, operator))
})
afterAll(() => world?.stop())

/** The identity key of an agent as the pair that a library signs DPoP proofs with. */
async function keyPairOf(party: AgentParty): Promise<openid.CryptoKeyPair> {
  const { d: _private, ...jwk } = privateJwk(party)
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('jwk', privateJwk(party), 'Ed25519', false, ['sign']),
    crypto.subtle.importKey('jwk', jwk, 'Ed25519', true, ['verify']),
  ])
  return { privateKey, publicKey }
}

/** Gets a token of the principal that the actor may exchange. */
async function tokenWithMayAct(): Promise<string> {
  const config = await openidClient(world, principal)
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('Ed25519'))
  const parameters = { scope: 'orders:read orders:write', resource: RESOURCE, may_act: actor.did }
  return (await openid.clientCredentialsGrant(config, parameters, { DPoP })).access_token
}

const parametersOf = (subject: string) => ({
  subject_token: subject,
  subject_token_type: ACCESS_TOKEN,
  resource: RESOURCE,
  scope: 'orders:read',
})
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

it('1. openid-client finds token exchange in the metadata, and exchanges a token with a DPoP proof', async () => {
  const config = await openidClient(world, actor)
  expect(config.serverMetadata().grant_types_supported).toContain(EXCHANGE)
  const DPoP = openid.getDPoPHandle(config, await keyPairOf(actor))
  const answer = await openid.genericGrantRequest(config, EXCHANGE, parametersOf(await tokenWithMayAct()), { DPoP })
  expect(answer).toMatchObject({ token_type: 'dpop', issued_token_type: ACCESS_TOKEN, scope: 'orders:read' })
  expect(claimsOf(answer.access_token)).toMatchObject({
    sub: principal.did,
    client_id: actor.did,
    act: { sub: actor.did },
    cnf: { jkt: await DPoP.calculateThumbprint() },
    aud: [RESOURCE],
  })
})

it('2. oauth4webapi exchanges a token with a DPoP proof, and reads a refusal', async () => {
  const issuer = new URL(world.issuer)
  const found = await oauth.discoveryRequest(issuer, { ...HTTP, algorithm: 'oauth2' })
  const server = await oauth.processDiscoveryResponse(issuer, found)
  const client: oauth.Client = { client_id: actor.did }
  const keyPair = await keyPairOf(actor)
  const exchange = async (parameters: Record<string, string>) => {
    const response = await oauth.genericTokenEndpointRequest(
      server,
      client,
      oauth.PrivateKeyJwt(keyPair.privateKey),
      EXCHANGE,
      parameters,
      { ...HTTP, DPoP: oauth.DPoP(client, keyPair) },
    )
    return oauth.processGenericTokenEndpointResponse(server, client, response)
  }
  const subject = await tokenWithMayAct()
  const answer = await exchange(parametersOf(subject))
  expect(answer).toMatchObject({ token_type: 'dpop', issued_token_type: ACCESS_TOKEN })
  expect(claimsOf(answer.access_token)).toMatchObject({ sub: principal.did, act: { sub: actor.did } })
  await expect(exchange({ ...parametersOf(subject), scope: 'orders:delete' })).rejects.toMatchObject({
    error: 'invalid_scope',
    cause: { reason: 'SCOPE_NOT_ALLOWED' },
  })
  await expect(exchange(parametersOf(answer.access_token))).rejects.toMatchObject({
    error: 'invalid_request',
    cause: { reason: 'EXCHANGE_THE_CHAIN' },
  })
})
