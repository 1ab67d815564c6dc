import { exportJWK, generateKeyPair } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PeopleWorld, startPeopleWorld } from './world.ts'

const started = new AsyncDisposableStack()
let world: PeopleWorld
beforeAll(async () => {
  world = await startPeopleWorld(started)
})
afterAll(() => started.disposeAsync())

/** Lets Alice allow what openid-client asks for. Returns the answer, and what it must fit. */
async function allowedBy(config: openid.Configuration) {
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const page = openid.buildAuthorizationUrl(config, {
    redirect_uri: world.redirectUri,
    scope: 'search',
    resource: world.audience,
    state: expectedState,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  return { answer: await world.allow(page), checks: { pkceCodeVerifier, expectedState } }
}

describe.each([
  ['without DPoP', false],
  ['with DPoP', true],
])('openid-client %s', (_name, isBound) => {
  it('gets a token by a code, refreshes it, and ends both', async () => {
    const { issuer, audience: resource, clientId } = world
    const execute = [openid.allowInsecureRequests]
    const options = { algorithm: 'oauth2', execute } as const
    const config = await openid.discovery(new URL(issuer), clientId, undefined, openid.None(), options)
    const DPoP = isBound ? openid.getDPoPHandle(config, await openid.randomDPoPKeyPair()) : undefined
    const bound = { ...(DPoP && { DPoP }) }
    const { answer, checks } = await allowedBy(config)
    const first = await openid.authorizationCodeGrant(config, answer, checks, { resource }, bound)
    expect(first).toMatchObject({ scope: 'search', token_type: isBound ? 'dpop' : 'bearer' })
    const second = await openid.refreshTokenGrant(config, first.refresh_token ?? '', { resource }, bound)
    expect(second.access_token).not.toBe(first.access_token)
    expect(await world.isValid(second.access_token)).toBe(true)
    await openid.tokenRevocation(config, second.refresh_token ?? '')
    expect(await world.isValid(first.access_token)).toBe(false)
    expect(await world.isValid(second.access_token)).toBe(false)
    const again = openid.refreshTokenGrant(config, second.refresh_token ?? '', { resource }, bound)
    await expect(again).rejects.toMatchObject({ error: 'invalid_grant' })
  })
})

describe.each([
  ['without DPoP', false],
  ['with DPoP', true],
])('oauth4webapi %s', (_name, isBound) => {
  it('gets a token by a code, refreshes it, and ends both', async () => {
    const { audience: resource, clientId, redirectUri } = world
    const issuer = new URL(world.issuer)
    const insecure = { [oauth.allowInsecureRequests]: true }
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
    const server = await oauth.processDiscoveryResponse(issuer, found)
    const client = { client_id: clientId }
    const key = await oauth.generateKeyPair('ES256')
    const options = { ...insecure, ...(isBound && { DPoP: oauth.DPoP({}, key) }) }
    const verifier = oauth.generateRandomCodeVerifier()
    const page = new URL(server.authorization_endpoint ?? '')
    const challenge = await oauth.calculatePKCECodeChallenge(verifier)
    const query = { client_id: clientId, redirect_uri: redirectUri, response_type: 'code', scope: 'search', resource }
    const proof = { code_challenge: challenge, code_challenge_method: 'S256', state: 'a state' }
    page.search = new URLSearchParams({ ...query, ...proof }).toString()
    const answer = oauth.validateAuthResponse(server, client, await world.allow(page), 'a state')
    const none = oauth.None()
    const redeemed = await oauth.authorizationCodeGrantRequest(server, client, none, answer, redirectUri, verifier, {
      ...options,
      additionalParameters: { resource },
    })
    const first = await oauth.processAuthorizationCodeResponse(server, client, redeemed)
    expect(first).toMatchObject({ scope: 'search', token_type: isBound ? 'dpop' : 'bearer' })
    const refreshed = await oauth.refreshTokenGrantRequest(server, client, none, first.refresh_token ?? '', options)
    const second = await oauth.processRefreshTokenResponse(server, client, refreshed)
    expect(await world.isValid(second.access_token)).toBe(true)
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, none, second.access_token, insecure),
    )
    expect(await world.isValid(first.access_token)).toBe(false)
    expect(await world.isValid(second.access_token)).toBe(false)
    const again = await oauth.refreshTokenGrantRequest(server, client, none, second.refresh_token ?? '', options)
    await expect(oauth.processRefreshTokenResponse(server, client, again)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })
})

it('openid-client gets and refreshes a token by private_key_jwt, and gets none without its key', async () => {
  const { issuer, audience: resource } = world
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'ES256', use: 'sig' }] }
  const clientId = world.publish('keyed', { token_endpoint_auth_method: 'private_key_jwt', jwks })
  const execute = [openid.allowInsecureRequests]
  const by = (proof: openid.ClientAuth) =>
    openid.discovery(new URL(issuer), clientId, undefined, proof, { algorithm: 'oauth2', execute })
  const config = await by(openid.PrivateKeyJwt({ key: privateKey, kid: 'key-1' }))
  const { answer, checks } = await allowedBy(config)
  const bare = openid.authorizationCodeGrant(await by(openid.None()), answer, checks, { resource })
  await expect(bare).rejects.toMatchObject({ error: 'invalid_client' })
  const first = await openid.authorizationCodeGrant(config, answer, checks, { resource })
  const stolen = openid.refreshTokenGrant(await by(openid.None()), first.refresh_token ?? '', { resource })
  await expect(stolen).rejects.toMatchObject({ error: 'invalid_client' })
  const second = await openid.refreshTokenGrant(config, first.refresh_token ?? '', { resource })
  expect(await world.isValid(second.access_token)).toBe(true)
})

it('openid-client acts for a person as an agent, until its operator suspends the agent', async () => {
  const { issuer, audience: resource, operator, redirectUri } = world
  const keys = await openid.randomDPoPKeyPair('Ed25519', { extractable: true })
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey))
  const { did } = await operator.agents.register({ publicKey })
  await operator.agents.setScopes(did, ['search'])
  const execute = [openid.allowInsecureRequests]
  const config = await openid.discovery(new URL(issuer), did, undefined, openid.PrivateKeyJwt(keys.privateKey), {
    algorithm: 'oauth2',
    execute,
  })
  const bound = { DPoP: openid.getDPoPHandle(config, keys) }
  await operator.clients.allow(did)
  await operator.agents.update(did, { redirectUris: [redirectUri] })
  const { answer, checks } = await allowedBy(config)
  const bearer = openid.authorizationCodeGrant(config, answer, checks, { resource })
  await expect(bearer).rejects.toMatchObject({ error: 'invalid_dpop_proof' })
  const first = await openid.authorizationCodeGrant(config, answer, checks, { resource }, bound)
  expect(first).toMatchObject({ scope: 'search', token_type: 'dpop' })
  const second = await openid.refreshTokenGrant(config, first.refresh_token ?? '', { resource }, bound)
  expect(second.refresh_token).toBe(first.refresh_token)
  expect([await world.isValid(first.access_token), await world.isValid(second.access_token)]).toEqual([true, true])
  await operator.agents.suspend(did, 'stolen')
  expect([await world.isValid(first.access_token), await world.isValid(second.access_token)]).toEqual([false, false])
  const again = openid.refreshTokenGrant(config, first.refresh_token ?? '', { resource }, bound)
  await expect(again).rejects.toMatchObject({ error: 'unauthorized_client' })
})
