import { createPrivateKey, sign } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { type Agent, Auth4AgentError, createAgent } from '@auth4agent/sdk'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { admit } from '../../support/federation/admissions.ts'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { type Member, member, state, takeBack } from '../../support/federation/statements.ts'
import { type AgentParty, keysOf, newAgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { privateJwk } from '../oauth-clients/oauth-world.ts'

const API = 'https://api.cargo.example.com'
const AUDIENCE = `${API}/v1`
const ORDERS = `${AUDIENCE}/orders`
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'

let federation: Federation
let alpha: FederatedDeployment
let beta: FederatedDeployment
let acme: Member
let cargo: Member
let party: AgentParty
let chainsTo: string
/** Every request, with what it carried. */
let sent: { readonly url: string; readonly authorization: string | null; readonly body: string }[]

beforeAll(async () => {
  federation = await createFederation()
  alpha = await federation.start('auth.alpha.example.net')
  beta = await federation.start('auth.beta.example.net')
  acme = await member(alpha, 'acme.example.com')
  cargo = await member(beta, 'cargo.example.com')
  party = await activeAgent(alpha.client, acme, ['read'])
  await admit(beta, await member(alpha, 'auth.beta.example.net'))
  sent = []
})
afterAll(() => federation?.stop())

/** Leads requests to the servers under test, and to the API of cargo. */
const route: typeof fetch = async (input, init) => {
  const request = new Request(input, init)
  const { origin, pathname, search } = new URL(request.url)
  const { headers } = request
  sent.push({ url: request.url, authorization: headers.get('authorization'), body: await request.clone().text() })
  if (origin === API) return answerAsCargo(request)
  const server = [alpha, beta].find(({ issuer }) => issuer === origin)?.server
  if (server === undefined) throw new TypeError(`Nothing answers at ${origin}`)
  const body = request.method === 'GET' ? undefined : await request.text()
  return fetch(server.baseUrl + pathname + search, {
    method: request.method,
    headers,
    ...(body !== undefined && { body }),
  })
}

/** The API of cargo, which asks B about each token. */
async function answerAsCargo(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const metadata = `${API}/.well-known/oauth-protected-resource/v1`
  if (request.url === metadata) return Response.json({ resource: AUDIENCE, authorization_servers: [beta.issuer] })
  if (!pathname.startsWith('/v1/')) return new Response(null, { status: 404 })
  const [scheme, token = ''] = (request.headers.get('authorization') ?? '').split(' ')
  const wanted = { audience: [AUDIENCE], scope: 'orders:read' }
  const proof = { dpop_proof: request.headers.get('dpop') ?? '', http_method: request.method, http_url: request.url }
  const answer = scheme === 'DPoP' && (await beta.client.post('/v1/verify', { token, ...wanted, ...proof }))
  if (answer && expectStatus(200, answer)['valid'] === true) return Response.json({ orders: 1 })
  const challenge = `DPoP error="invalid_token", resource_metadata="${metadata}"`
  return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } })
}

const newAgent = (otherDeployments: true | string[] | undefined): Agent => {
  const { rawPublicKey: publicKey, privateKey } = party
  const key = { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
  const own = { server: alpha.issuer, did: party.did, key, scopes: ['read'], fetch: route }
  return createAgent({ ...own, otherDeployments })
}

/** Signs a proof for the API by the key of the agent. */
function proofFor(accessToken: string): Promise<string> {
  const { rawPublicKey: publicKey, privateKey } = party
  const signer = { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
  return signDpopProof(signer, { url: ORDERS, nowS: Date.now() / 1_000, method: 'GET', accessToken })
}

const switchCargo = async (how: 'suspend' | 'reinstate') => {
  const path = `/v1/operators/${cargo.id}/${how}`
  expectStatus(
    200,
    await beta.client.signed('POST', path, how === 'suspend' ? { reason: 'maintenance' } : {}, beta.admin),
  )
}

/** The bytes before the seed of a private key in PKCS #8 (RFC 8410 section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Reads the key file of the command line tool: base64 of a seed and a public key. */
async function keysIn(file: string) {
  const seed = Buffer.from(await readFile(file, 'utf8'), 'base64').subarray(0, 32)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  return keysOf(key.export({ format: 'pem', type: 'pkcs8' }).toString())
}

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof Auth4AgentError ? { reason: error.reason, message: error.message } : error),
  )

describe('agent.fetch to an API of another deployment', () => {
  it('1. asks its own server first, and nothing of the other one without its consent', async () => {
    const refusal = await refusalOf(newAgent(true).fetch(ORDERS))
    expect(refusal).toMatchObject({
      reason: 'AUDIENCE_NOT_ALLOWED',
      message: `The agent's operator must sign a chains-to statement for ${beta.issuer}`,
    })
    expect(sent.filter(({ url }) => url.startsWith(beta.issuer))).toEqual([])
    const there = { id: '', domain: '', home: beta }
    const grants = [{ audience: '', scopes: { read: ['read'] } }]
    chainsTo = await state(acme, there, { kind: 'chains-to', aud: [alpha.issuer], grants })
  })

  it('2. says which deployment refused, and what is missing there', async () => {
    expect(await refusalOf(newAgent(true).fetch(ORDERS))).toMatchObject({
      reason: 'GRANT_NOT_ACCEPTED',
      message: expect.stringMatching(new RegExp(`^At ${beta.issuer}: .* no statement here names the operator`)),
    })
    const grants = [{ audience: AUDIENCE, scopes: { read: ['orders:read'] } }]
    await state(cargo, acme, { kind: 'lets-call', aud: [beta.issuer], grants })
    await until(
      () => refusalOf(newAgent(true).issuedFor(AUDIENCE)),
      (refusal) => refusal === undefined,
    )
  })

  it('3. gets a token of the other deployment, and keeps it', async () => {
    sent = []
    const agent = newAgent(true)
    for (let time = 0; time < 3; time += 1) expect(await (await agent.fetch(ORDERS)).json()).toEqual({ orders: 1 })
    const redeemed = sent.filter(({ body }) => body.includes(encodeURIComponent(JWT_BEARER)))
    expect(redeemed).toHaveLength(1)
    const own = new URLSearchParams(sent.find(({ body }) => body.includes('subject_token='))?.body).get('subject_token')
    // No token of A leaves A.
    const leaked = sent.filter(({ url, body, authorization }) => {
      return !url.startsWith(alpha.issuer) && `${body} ${authorization}`.includes(own ?? '')
    })
    expect(leaked).toEqual([])
    agent.close()
  })

  it('4. gets a new token when the API refuses the kept one', async () => {
    const agent = newAgent([beta.issuer])
    const { token, scope, audience } = await agent.issuedFor(AUDIENCE)
    expect([scope, audience]).toEqual(['orders:read', [AUDIENCE]])
    expectStatus(200, await beta.client.revokeToken(token))
    expect((await agent.fetch(ORDERS, { method: 'POST', body: '{}' })).status).toBe(200)
    expect((await agent.issuedFor(AUDIENCE)).token).not.toBe(token)
    agent.close()
  })

  it('5. refuses a deployment that is not in its list, and without the option sends what it always sent', async () => {
    const agent = newAgent(['https://other.example'])
    sent = []
    expect(await refusalOf(agent.fetch(ORDERS))).toMatchObject({ reason: 'DEPLOYMENT_NOT_ALLOWED' })
    expect(sent.map(({ url }) => new URL(url).origin)).not.toContain(beta.issuer)
    expect((await newAgent(undefined).fetch(ORDERS)).status).toBe(401)
  })
})

describe('a library for OAuth', () => {
  const own = async () => String((await issueToken(alpha.client, party))['token'])
  const exchange = async () => ({
    subject_token: await own(),
    subject_token_type: ACCESS_TOKEN,
    requested_token_type: ID_JAG,
    audience: beta.issuer,
    resource: AUDIENCE,
    scope: 'read',
  })
  const keyPair = async () => {
    const secret = privateJwk(party)
    const { d: _private, ...jwk } = secret
    const [privateKey, publicKey] = await Promise.all([
      crypto.subtle.importKey('jwk', secret, 'Ed25519', false, ['sign']),
      crypto.subtle.importKey('jwk', jwk, 'Ed25519', true, ['verify']),
    ])
    return { privateKey, publicKey }
  }
  it('6. oauth4webapi gets the grant and the token, and calls the API', async () => {
    const client: oauth.Client = { client_id: party.did }
    const pair = await keyPair()
    const options = { [oauth.customFetch]: (url: string, init: object) => route(url, init) }
    const serverAt = async (issuer: string) => {
      const url = new URL(issuer)
      const found = await oauth.discoveryRequest(url, { ...options, algorithm: 'oauth2' })
      return oauth.processDiscoveryResponse(url, found)
    }
    const ask = async (issuer: string, auth: oauth.ClientAuth, type: string, form: Record<string, string>) => {
      const server = await serverAt(issuer)
      const DPoP = oauth.DPoP(client, pair)
      const response = await oauth.genericTokenEndpointRequest(server, client, auth, type, form, { ...options, DPoP })
      return response
    }
    const asked = await ask(alpha.issuer, oauth.PrivateKeyJwt(pair.privateKey), EXCHANGE, await exchange())
    const home = await serverAt(alpha.issuer)
    const recognizedTokenTypes = { n_a: () => undefined }
    const grant = await oauth.processGenericTokenEndpointResponse(home, client, asked, { recognizedTokenTypes })
    expect(grant).toMatchObject({ token_type: 'n_a', issued_token_type: ID_JAG })
    const form = { assertion: grant.access_token }
    const redeemed = await ask(beta.issuer, oauth.None(), JWT_BEARER, form)
    const answer = await oauth.processGenericTokenEndpointResponse(await serverAt(beta.issuer), client, redeemed)
    expect(answer).toMatchObject({ token_type: 'dpop', scope: 'orders:read' })
    const DPoP = oauth.DPoP(client, pair)
    const api = await oauth.protectedResourceRequest(
      answer.access_token,
      'GET',
      new URL(ORDERS),
      undefined,
      undefined,
      {
        ...options,
        DPoP,
      },
    )
    expect(api.status).toBe(200)
  })

  it('7. openid-client redeems a grant that it got', async () => {
    const pair = await keyPair()
    const configure = async (issuer: string, authentication: openid.ClientAuth) => {
      const options = {
        algorithm: 'oauth2',
        [openid.customFetch]: (url: string, init: object) => route(url, init),
      } as const
      return openid.discovery(new URL(issuer), party.did, undefined, authentication, options)
    }
    const home = await configure(alpha.issuer, openid.PrivateKeyJwt(pair.privateKey))
    const response = await openid.genericGrantRequest(home, EXCHANGE, await exchange()).catch((error: unknown) => error)
    expect(response).toMatchObject({ issued_token_type: ID_JAG })
    const there = await configure(beta.issuer, openid.None())
    const DPoP = openid.getDPoPHandle(there, pair)
    const assertion = String(Reflect.get(Object(response), 'access_token'))
    const answer = await openid.genericGrantRequest(there, JWT_BEARER, { assertion }, { DPoP })
    expect(answer).toMatchObject({ token_type: 'dpop', scope: 'orders:read' })
    expect(
      (
        await openid.fetchProtectedResource(there, answer.access_token, new URL(ORDERS), 'GET', null, undefined, {
          DPoP,
        })
      ).status,
    ).toBe(200)
  })
})

describe('auth4agent issue --for', () => {
  it('8. gets a token of the deployment to which the API belongs', async () => {
    const home = await mkdtemp(join(tmpdir(), 'a4a-abroad-'))
    onTestFinished(() => rm(home, { recursive: true }))
    const tool = (...args: readonly string[]) => runCli(args, { home, fetch: route })
    const { stdout: did } = await tool('init', '--domain', acme.domain, '--server', alpha.issuer, '--quiet')
    const other = newAgentParty(acme.domain, await keysIn(join(home, '.auth4agents/keys/agent.key')))
    expect(other.did).toBe(did.trim())
    expectStatus(201, await alpha.client.registerAgent(acme.id, other))
    expectStatus(200, await alpha.client.setScopes(acme.id, other.did, ['read'], acme))
    const issued = await tool('issue', '--for', ORDERS, '--scope', 'read', '--json')
    expect(JSON.parse(issued.stdout)).toMatchObject({ token_type: 'DPoP' })
    expect(await tool('issue', '--for', ORDERS, '--aud', API, '--scope', 'read')).toMatchObject({ code: 2 })
    expect(await tool('issue', '--scope', 'read')).toMatchObject({ code: 2, stderr: expect.stringContaining('--for') })
    const refused = await tool('issue', '--for', ORDERS, '--scope', 'other')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('SCOPE_NOT_ALLOWED') })
  })
})

it('9. the token ends when the operator of the agent takes its statement back, or the owner is suspended', async () => {
  const agent = newAgent(true)
  const { token } = await agent.issuedFor(AUDIENCE)
  const verdict = async (text: string) => {
    const dpop_proof = await proofFor(text)
    const wanted = { audience: [AUDIENCE], dpop_proof, http_method: 'GET', http_url: ORDERS }
    const { valid, reason } = expectStatus(200, await beta.client.post('/v1/verify', { token: text, ...wanted }))
    return valid === true ? 'VALID' : String(reason)
  }
  expect(await verdict(token)).toBe('VALID')
  await switchCargo('suspend')
  expect(await verdict(token)).toBe('TRUST_ENDED')
  await switchCargo('reinstate')
  const { token: later } = await agent.issuedFor(AUDIENCE)
  await takeBack(acme, chainsTo)
  await until(
    () => verdict(later),
    (found) => found === 'TRUST_ENDED',
  )
  expect(await refusalOf(newAgent(true).issuedFor(AUDIENCE))).toMatchObject({ reason: 'AUDIENCE_NOT_ALLOWED' })
  agent.close()
})
