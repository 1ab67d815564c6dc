import { Auth4AgentError, createAgent } from '@auth4agent/sdk'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ACCESS_TOKEN, EXCHANGE } from '../../support/exchanges.ts'
import { state } from '../../support/federation/statements.ts'
import { issueToken } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { privateJwk } from '../oauth-clients/oauth-world.ts'
import { AUDIENCE, type ChainedWorld, ORDERS, signerOf, startChainedWorld } from './chained-world.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'

let world: ChainedWorld

beforeAll(async () => {
  world = await startChainedWorld()
  const { alpha, beta, acme, cargo, party, route } = world
  const there = { id: '', domain: '', home: beta }
  const here = [{ audience: '', scopes: { read: ['read'] } }]
  await state(acme, there, { kind: 'chains-to', aud: [alpha.issuer], grants: here })
  const grants = [{ audience: AUDIENCE, scopes: { read: ['orders:read'] } }]
  await state(cargo, acme, { kind: 'lets-call', aud: [beta.issuer], grants })
  // B looks up the DNS record of acme after the statement.
  const { did } = party
  const agent = createAgent({ server: alpha.issuer, did, key: signerOf(party), scopes: ['read'], fetch: route })
  const ask = () => agent.issuedFor(AUDIENCE).catch((error: unknown) => error)
  await until(ask, (answer) => !(answer instanceof Auth4AgentError))
})
afterAll(() => world?.stop())

const own = async () => String((await issueToken(world.alpha.client, world.party))['token'])
const exchange = async () => ({
  subject_token: await own(),
  subject_token_type: ACCESS_TOKEN,
  requested_token_type: ID_JAG,
  audience: world.beta.issuer,
  resource: AUDIENCE,
  scope: 'read',
})
const keyPair = async () => {
  const secret = privateJwk(world.party)
  const { d: _private, ...jwk } = secret
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('jwk', secret, 'Ed25519', false, ['sign']),
    crypto.subtle.importKey('jwk', jwk, 'Ed25519', true, ['verify']),
  ])
  return { privateKey, publicKey }
}

const configure = async (issuer: string, authentication: openid.ClientAuth) => {
  const options = {
    algorithm: 'oauth2',
    [openid.customFetch]: (url: string, init: object) => world.route(url, init),
  } as const
  return openid.discovery(new URL(issuer), world.party.did, undefined, authentication, options)
}

it('1. oauth4webapi gets the grant and the token, and calls the API', async () => {
  const client: oauth.Client = { client_id: world.party.did }
  const pair = await keyPair()
  const options = { [oauth.customFetch]: (url: string, init: object) => world.route(url, init) }
  const serverAt = async (issuer: string) => {
    const url = new URL(issuer)
    const found = await oauth.discoveryRequest(url, { ...options, algorithm: 'oauth2' })
    return oauth.processDiscoveryResponse(url, found)
  }
  const ask = async (issuer: string, auth: oauth.ClientAuth, type: string, form: Record<string, string>) => {
    const server = await serverAt(issuer)
    const DPoP = oauth.DPoP(client, pair)
    return oauth.genericTokenEndpointRequest(server, client, auth, type, form, { ...options, DPoP })
  }
  const asked = await ask(world.alpha.issuer, oauth.PrivateKeyJwt(pair.privateKey), EXCHANGE, await exchange())
  const home = await serverAt(world.alpha.issuer)
  const recognizedTokenTypes = { n_a: () => undefined }
  const grant = await oauth.processGenericTokenEndpointResponse(home, client, asked, { recognizedTokenTypes })
  expect(grant).toMatchObject({ token_type: 'n_a', issued_token_type: ID_JAG })
  const form = { assertion: grant.access_token }
  const redeemed = await ask(world.beta.issuer, oauth.None(), JWT_BEARER, form)
  const answer = await oauth.processGenericTokenEndpointResponse(await serverAt(world.beta.issuer), client, redeemed)
  expect(answer).toMatchObject({ token_type: 'dpop', scope: 'orders:read' })
  const DPoP = oauth.DPoP(client, pair)
  const api = await oauth.protectedResourceRequest(answer.access_token, 'GET', new URL(ORDERS), undefined, undefined, {
    ...options,
    DPoP,
  })
  expect(api.status).toBe(200)
})

it('2. openid-client redeems a grant that it got', async () => {
  const pair = await keyPair()
  const home = await configure(world.alpha.issuer, openid.PrivateKeyJwt(pair.privateKey))
  const response = await openid.genericGrantRequest(home, EXCHANGE, await exchange())
  expect(response).toMatchObject({ issued_token_type: ID_JAG })
  const there = await configure(world.beta.issuer, openid.None())
  const DPoP = openid.getDPoPHandle(there, pair)
  const assertion = response.access_token
  const answer = await openid.genericGrantRequest(there, JWT_BEARER, { assertion }, { DPoP })
  expect(answer).toMatchObject({ token_type: 'dpop', scope: 'orders:read' })
  const { access_token: token } = answer
  const api = await openid.fetchProtectedResource(there, token, new URL(ORDERS), 'GET', null, undefined, { DPoP })
  expect(api.status).toBe(200)
})
