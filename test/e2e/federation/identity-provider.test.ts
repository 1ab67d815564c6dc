import { sign } from 'node:crypto'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { Auth4AgentError, createAgent } from '@auth4agent/sdk'
import { createVerifier, type Verifier } from '@auth4agent/verifier'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { addIssuer, switchIssuer, untilIssuer } from '../../support/federation/admissions.ts'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { type Member, member } from '../../support/federation/statements.ts'
import { type AgentParty, adminAsserter, newKeys } from '../../support/parties.ts'
import { watcherOf } from '../../support/sdk/watch-key.ts'
import { activeAgent, expectStatus } from '../../support/story.ts'
import { privateJwk } from '../oauth-clients/oauth-world.ts'
import { type IdentityProvider, startIdentityProvider } from './id-jag-server.ts'

const API = 'https://api.acme.example.com'
const CUSTOMERS = `${API}/customers`
const SUB = 'U019488227'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

const adminKeys = newKeys()
let federation: Federation
let beta: FederatedDeployment
let acme: Member
let agent: AgentParty
let provider: IdentityProvider
let stranger: IdentityProvider
let providerId: string
let verifier: Verifier
let rule: string

beforeAll(async () => {
  federation = await createFederation()
  const env = { AUTH4AGENT_ADMIN_KEY: adminKeys.publicKey.toString('base64') }
  const started = await federation.start('auth.beta.example.net', { instances: 2, env })
  beta = { ...started, admin: adminAsserter(adminKeys, started.issuer) }
  acme = await member(beta, 'acme.example.com')
  agent = await activeAgent(beta.client, acme, ['read', 'write', 'other'])
  provider = await startIdentityProvider(federation, 'login.example.org')
  stranger = await startIdentityProvider(federation, 'login.example.net')
  providerId = await admit(provider, 'corp.example.com')
  await admit(stranger, 'else.example.com')
  const { publicKey, privateKey } = acme.keys
  const key = { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
  const revocations = await watcherOf({ server: beta.server.baseUrl, issuer: beta.issuer, operatorId: acme.id, key })
  verifier = createVerifier({ issuer: beta.issuer, audience: API, operators: [acme.id], revocations, fetch: route() })
  await verifier.ready({ timeout: 30 })
})
afterAll(async () => {
  verifier?.close()
  for (const server of [provider, stranger]) await server?.close()
  await federation?.stop()
})

async function admit({ issuer, jwksUri }: IdentityProvider, domain: string): Promise<string> {
  const fields = { issuer, kind: 'oauth', algorithms: ['ES256'], jwks_uri: jwksUri, domain, revocation_mode: 'none' }
  const { id } = await addIssuer(beta, fields)
  await untilIssuer(beta, id, ({ keys }) => keys.length > 0)
  return id
}

/** Leads requests to an instance of B, and to the API, which asks the verifier about each token. */
function route(instance = 0): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const { origin, pathname, search } = new URL(request.url)
    if (origin === API) return answer(request)
    const { headers, method } = request
    const body = method === 'GET' ? undefined : await request.text()
    const base = beta.servers[instance]?.baseUrl ?? ''
    return fetch(base + pathname + search, { method, headers, ...(body !== undefined && { body }), ...signalOf(init) })
  }
}

const signalOf = (init: RequestInit | undefined) => (init?.signal ? { signal: init.signal } : {})

async function answer({ headers, method, url }: Request): Promise<Response> {
  const [, token = ''] = (headers.get('authorization') ?? '').split(' ')
  const dpop = { proof: headers.get('dpop') ?? '', method, url }
  const { principal, actor, identityProvider } = await verifier.verifyDelegated(token, { scope: 'read', dpop })
  return Response.json({ principal, actor, identityProvider })
}

const idJag = (claims: object = {}, by = provider) =>
  by.idJag({ sub: SUB, aud: beta.issuer, client_id: agent.did, resource: API, scope: 'read write', ...claims })

async function keyPair() {
  const { d: _private, ...jwk } = privateJwk(agent)
  return {
    privateKey: await crypto.subtle.importKey('jwk', privateJwk(agent), 'Ed25519', false, ['sign']),
    publicKey: await crypto.subtle.importKey('jwk', jwk, 'Ed25519', true, ['verify']),
  }
}

/** Redeems an ID-JAG by oauth4webapi at an instance of B. Returns the answer, or the reason of the refusal. */
async function redeem(assertion: string, form: Record<string, string> = {}, instance = 0) {
  const client: oauth.Client = { client_id: agent.did }
  const options = { [oauth.customFetch]: (url: string, init: object) => route(instance)(url, init) }
  const issuer = new URL(beta.issuer)
  const found = await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' })
  const server = await oauth.processDiscoveryResponse(issuer, found)
  const { privateKey, publicKey } = await keyPair()
  const DPoP = oauth.DPoP(client, { privateKey, publicKey })
  const authentication = oauth.PrivateKeyJwt(privateKey)
  const parameters = { assertion, ...form }
  const sent = { ...options, DPoP }
  const response = await oauth.genericTokenEndpointRequest(server, client, authentication, JWT_BEARER, parameters, sent)
  return oauth.processGenericTokenEndpointResponse(server, client, response).catch((error: unknown) => {
    if (error instanceof oauth.ResponseBodyError)
      return `${error.error} ${JSON.stringify(error.cause['reason'])}`.replaceAll('"', '')
    throw error
  })
}

async function newToken(by = provider): Promise<string> {
  const answered = await redeem(await idJag({}, by))
  if (typeof answered === 'string') throw new Error(`B has refused a good ID-JAG: ${answered}`)
  return answered.access_token
}

/** What each instance of B answers about a token: `valid`, or the verdict. */
async function verdicts(token: string, delegation: string | undefined = 'accept'): Promise<readonly string[]> {
  const { rawPublicKey: publicKey, privateKey } = agent
  const signer = { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
  const about = { url: CUSTOMERS, nowS: Date.now() / 1_000, method: 'GET', accessToken: token }
  const asked = beta.clients.map(async (client) => {
    const dpop_proof = await signDpopProof(signer, about)
    const proof = { dpop_proof, http_method: 'GET', http_url: CUSTOMERS }
    const wanted = { token, audience: [API], scope: 'read', ...(delegation && { delegation }), ...proof }
    const { valid, reason } = expectStatus(200, await client.post('/v1/verify', wanted))
    return valid === true ? 'valid' : String(reason)
  })
  return Promise.all(asked)
}

/** Runs the command line tool as the administrator. */
async function administer(...args: readonly string[]) {
  const key = adminKeys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const where = ['--server', beta.server.baseUrl, '--issuer', beta.issuer, '--key', '-', '--json']
  const ran = await runCli([...args, ...where], { fetch, readStdin: async () => key })
  expect(ran).toMatchObject({ code: 0 })
  return JSON.parse(ran.stdout)
}

const RULE = () => ['--user', 'user:alice', '--operator', acme.id, '--aud', API, '--scope', 'read,write'] as const
const addRule = (...more: readonly string[]) =>
  administer('issuer', 'add-subject', provider.issuer, SUB, ...RULE(), ...more)

it('1. an admitted identity provider lets nobody act before the administrator maps its users', async () => {
  expect(await redeem(await idJag())).toBe('invalid_grant GRANT_NOT_ACCEPTED')
  rule = (await addRule()).rule
  const { subjects } = await administer('issuer', 'list-subjects', provider.issuer)
  expect(subjects).toMatchObject([{ rule, sub: SUB, user: 'user:alice', scope: ['read', 'write'] }])
})

it('2. oauth4webapi gets a token, which only a service that accepts delegation takes', async () => {
  const answered = await redeem(await idJag(), { scope: 'read' })
  expect(answered).toMatchObject({ token_type: 'dpop', scope: 'read' })
  expect(answered).not.toHaveProperty('refresh_token')
  const token = await newToken()
  expect(await verdicts(token)).toEqual(['valid', 'valid'])
  expect(await verdicts(token, '')).toEqual(['DELEGATION_NOT_ACCEPTED', 'DELEGATION_NOT_ACCEPTED'])
})

it('3. the SDK redeems an ID-JAG, and the verifier names the user, the agent and the identity provider', async () => {
  const { rawPublicKey: publicKey, privateKey } = agent
  const key = { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
  const client = createAgent({ server: beta.issuer, did: agent.did, key, fetch: route(1) })
  const text = await idJag()
  const alice = await client.actForUser(text, { scopes: ['read'] })
  expect(alice).toMatchObject({ user: 'user:alice', scope: 'read', audience: [API], tokenType: 'DPoP' })
  const told = { principal: 'user:alice', actor: agent.did, identityProvider: provider.issuer }
  expect(await (await alice.fetch(CUSTOMERS)).json()).toEqual(told)
  const again: unknown = await client.actForUser(text).catch((error: unknown) => error)
  expect(again instanceof Auth4AgentError && again.reason).toBe('GRANT_USED')
  client.close()
})

const past = () => Math.floor(Date.now() / 1_000) - 400

describe('4. refuses', () => {
  const grant = 'invalid_grant GRANT_NOT_ACCEPTED'
  const [scope, target] = ['invalid_scope SCOPE_NOT_ALLOWED', 'invalid_target AUDIENCE_NOT_ALLOWED']
  it.each<[name: string, refusal: string, claims: () => object, form: Record<string, string>]>([
    ['an ID-JAG for another server', grant, () => ({ aud: 'https://auth.gamma.example.net' }), {}],
    ['a list in aud', grant, () => ({ aud: [beta.issuer] }), {}],
    ['the ID-JAG of another client', grant, () => ({ client_id: acme.id }), {}],
    ['an expired ID-JAG', grant, () => ({ iat: past(), exp: past() + 300 }), {}],
    ['an e-mail address without a subject', grant, () => ({ sub: undefined, email: 'alice@corp.example.com' }), {}],
    ['an e-mail address as the subject', grant, () => ({ sub: 'alice@corp.example.com' }), {}],
    ['another tenant', grant, () => ({ tenant: 'T2' }), {}],
    ['a scope beyond the ID-JAG', scope, () => ({ scope: 'read' }), { scope: 'read write' }],
    ['a scope beyond the rule', scope, () => ({ scope: 'read other' }), {}],
    ['an audience beyond the ID-JAG', target, () => ({}), { resource: `${API}/other` }],
    ['an audience beyond the rule', target, () => ({ resource: `${API}/other` }), {}],
  ])('%s', async (_, refusal, claims, form) => {
    expect(await redeem(await idJag(claims()), form)).toBe(refusal)
  })

  it('a scope beyond the grant of the agent', async () => {
    await administer('issuer', 'add-subject', provider.issuer, 'U2', ...RULE(), '--scope', 'admin')
    expect(await redeem(await idJag({ sub: 'U2', scope: 'admin' }))).toBe(scope)
  })

  it('an ID-JAG under the key of another identity provider', async () => {
    expect(await redeem(await idJag({ iss: provider.issuer }, stranger))).toBe(grant)
    expect(await redeem(await idJag({}, stranger))).toBe(grant)
  })

  it('all but one of ten uses of an ID-JAG at two instances at once', async () => {
    const text = await idJag()
    const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => redeem(text, {}, at % 2)))
    expect(answers.filter((each) => typeof each !== 'string')).toHaveLength(1)
    expect(answers.filter((each) => each === 'invalid_grant GRANT_USED')).toHaveLength(9)
  })
})

it('5. when the removal of a rule returns, no verifier accepts its tokens', async () => {
  const token = await newToken()
  expect(await verdicts(token)).toEqual(['valid', 'valid'])
  await administer('issuer', 'remove-subject', provider.issuer, rule)
  expect(await verdicts(token)).toEqual(['TRUST_ENDED', 'TRUST_ENDED'])
  expect(await redeem(await idJag())).toBe('invalid_grant GRANT_NOT_ACCEPTED')
  await addRule()
  expect(await verdicts(token)).toEqual(['TRUST_ENDED', 'TRUST_ENDED'])
})

it('6. when disableIssuer returns, no verifier accepts tokens of its users', async () => {
  const [token, late] = [await newToken(), await idJag()]
  await switchIssuer(beta, providerId, 'disable')
  expect(await verdicts(token)).toEqual(['ISSUER_DISABLED', 'ISSUER_DISABLED'])
  expect(await redeem(late)).toBe('invalid_grant GRANT_NOT_ACCEPTED')
  await switchIssuer(beta, providerId, 'enable')
  expect(await redeem(late)).toBe('invalid_grant GRANT_NOT_ACCEPTED')
})

it('7. when the suspension of the agent returns, no verifier accepts its tokens, and it gets no other', async () => {
  // The first identity provider was enabled in step 6, and only its later ID-JAGs count.
  await administer('issuer', 'add-subject', stranger.issuer, SUB, ...RULE())
  const token = await newToken(stranger)
  expect(await verdicts(token)).toEqual(['valid', 'valid'])
  expectStatus(200, await beta.client.suspendAgent(acme.id, agent.did, acme))
  expect(await verdicts(token)).toEqual(['AGENT_TOKENS_ENDED', 'AGENT_TOKENS_ENDED'])
  expect(await redeem(await idJag({}, stranger))).toBe('unauthorized_client AGENT_NOT_ACTIVE')
})
