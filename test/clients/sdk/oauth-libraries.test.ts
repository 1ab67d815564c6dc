import { createAgent, exportPrivateJwk } from '@auth4agent/sdk'
import { fetchToken } from '@modelcontextprotocol/sdk/client/auth.js'
import { PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { OAuthMetadataSchema } from '@modelcontextprotocol/sdk/shared/auth.js'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startWorld, type World } from './world.ts'

const RESOURCE = 'https://api.sdk.test/orders'

let world: World
let identity: Awaited<ReturnType<World['newAgent']>>
let jwk: ReturnType<typeof exportPrivateJwk>
beforeAll(async () => {
  world = await startWorld()
  identity = await world.newAgent(['a', 'b'])
  jwk = exportPrivateJwk(identity.key)
})
afterAll(() => world?.[Symbol.asyncDispose]())

const claimsOf = (token: string): unknown => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
const expected = () => ({ sub: identity.did, client_id: identity.did, scope: 'a', aud: [RESOURCE] })

it('the MCP SDK gets a token with the exported key', async () => {
  const answer = await fetch(`${world.url}/.well-known/oauth-authorization-server`)
  const published: object = JSON.parse(await answer.text())
  const metadata = OAuthMetadataSchema.parse(published)
  const provider = new PrivateKeyJwtProvider({
    clientId: identity.did,
    privateKey: { ...jwk },
    algorithm: 'EdDSA',
    expectedIssuer: world.url,
    scope: 'a',
  })
  const { access_token } = await fetchToken(provider, world.url, {
    metadata,
    resource: new URL(RESOURCE),
  })
  expect(claimsOf(access_token)).toMatchObject(expected())
})

it('openid-client gets a bound token with the exported key', async () => {
  const key = await crypto.subtle.importKey('jwk', { ...jwk }, 'Ed25519', false, ['sign'])
  const config = await openid.discovery(new URL(world.url), identity.did, undefined, openid.PrivateKeyJwt(key), {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  })
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('Ed25519'))
  const granted = await openid.clientCredentialsGrant(config, { scope: 'a', resource: RESOURCE }, { DPoP })
  expect(granted.token_type).toBe('dpop')
  expect(claimsOf(granted.access_token)).toMatchObject({
    ...expected(),
    cnf: { jkt: await DPoP.calculateThumbprint() },
  })
})

it('oauth4webapi gets a token with client assertions of the agent, whose terms the server keeps to', async () => {
  const agent = createAgent({ server: world.url, ...identity })
  const server: oauth.AuthorizationServer = { issuer: world.url, token_endpoint: `${world.url}/oauth/token` }
  const client = { client_id: identity.did }
  const authentication: oauth.ClientAuth = async (_server, _client, body) => {
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    body.set('client_assertion', await agent.clientAssertion({ scopes: ['a'], audience: RESOURCE }))
  }
  const options = { [oauth.allowInsecureRequests]: true }
  const grant = async (parameters: Record<string, string>) => {
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, options)
    return oauth.processClientCredentialsResponse(server, client, response)
  }
  expect(claimsOf((await grant({})).access_token)).toMatchObject(expected())
  await expect(grant({ scope: 'a b' })).rejects.toMatchObject({ cause: { reason: 'BINDING_MISMATCH' } })
  agent.close()
})
