import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { json, text } from 'node:stream/consumers'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fakeIssuer, newToken } from '../../support/offline-verifier.ts'
import { type Api, LIST, startApi } from './apis.ts'
import { startMounted, startTwiceGuarded } from './mounted-apis.ts'
import { boundClient } from './proofs.ts'

/** The APIs as their clients know them. They listen on loopback. */
const ORIGIN = 'https://api.agents.example.com'
const CREATE = '/auth4agent.v1.AuthnService/CreateChallenge'

/** Creates a verifier for the APIs, a client of its own key, and a token that is bound to this key. */
function setUp(options: object = {}) {
  const issuer = fakeIssuer()
  const client = boundClient(issuer.key)
  const claims = { aud: [ORIGIN], scope: 'orders:read' }
  const tokens = { token: client.newToken(claims), bearer: newToken(issuer.key, claims) }
  return { client, ...tokens, verifier: issuer.newVerifier({ audience: ORIGIN, ...options }) }
}

async function started(starting: Promise<Api>): Promise<string> {
  const api = await starting
  onTestFinished(() => api.close())
  return api.url
}

/** Sends a request with these headers, several of one name on several lines. */
async function send(url: string, headers: OutgoingHttpHeaders, method = 'GET', body = ''): Promise<IncomingMessage> {
  const request = httpRequest(url, { method, headers, agent: false })
  request.end(body)
  const [response] = await once(request, 'response')
  return response
}

async function outcomeOf(url: string, headers: OutgoingHttpHeaders, method?: string): Promise<unknown> {
  const response = await send(url, headers, method)
  if (response.statusCode === 200) return text(response).then(() => 200)
  const { reason }: { reason?: unknown } = Object(await json(response))
  return [response.statusCode, reason]
}

describe.each(['express', 'fastify', 'hono', 'mcp'] as const)('protect of %s', (framework) => {
  it('accepts a bound token with a proof for the public URL, whatever the header Host says', async () => {
    const { client, token, verifier } = setUp()
    const url = await started(startApi[framework](verifier))
    for (const host of [new URL(url).host, 'evil.example', 'api.agents.example.com']) {
      const authorization = `DPoP ${token}`
      const dpop = client.prove({ url: `${ORIGIN}/`, token })
      expect(await outcomeOf(`${url}/?page=2`, { host, authorization, dpop })).toBe(200)
    }
    for (const host of [new URL(url).host, 'evil.example']) {
      const authorization = `DPoP ${token}`
      const dpop = client.prove({ url: `http://${host}/`, token })
      expect(await outcomeOf(url, { host, authorization, dpop })).toEqual([401, 'PROOF_INVALID'])
    }
  })

  it('does not read the headers of proxies', async () => {
    const { client, token, verifier } = setUp()
    const url = await started(startApi[framework](verifier))
    const dpop = client.prove({ url: 'https://evil.example/', token })
    const forwarded = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-original-url': 'https://evil.example/',
      forwarded: 'host=evil.example;proto=https',
    }
    expect(await outcomeOf(url, { ...forwarded, authorization: `DPoP ${token}`, dpop })).toEqual([401, 'PROOF_INVALID'])
  })

  it('refuses wrong combinations of scheme, token and proof', async () => {
    const { client, token, bearer, verifier } = setUp()
    const url = await started(startApi[framework](verifier))
    const prove = (text = token, method = 'GET') => client.prove({ url: `${ORIGIN}/`, method, token: text })
    const used = prove()
    const [underBearer, underDpop] = [{ authorization: `Bearer ${token}` }, { authorization: `DPoP ${token}` }]
    expect(await outcomeOf(url, { ...underDpop, dpop: used })).toBe(200)
    expect(await outcomeOf(url, { ...underDpop, dpop: used })).toEqual([401, 'PROOF_REPLAYED'])
    expect(await outcomeOf(url, underBearer)).toEqual([401, 'PROOF_REQUIRED'])
    expect(await outcomeOf(url, { ...underBearer, dpop: prove() })).toEqual([401, 'PROOF_REQUIRED'])
    expect(await outcomeOf(url, underDpop)).toEqual([401, 'PROOF_REQUIRED'])
    expect(await outcomeOf(url, { ...underDpop, dpop: [prove(), prove()] })).toEqual([401, 'PROOF_INVALID'])
    expect(await outcomeOf(url, { ...underDpop, dpop: [prove(), ''] })).toEqual([401, 'PROOF_INVALID'])
    expect(await outcomeOf(url, { ...underDpop, dpop: prove(bearer) })).toEqual([401, 'PROOF_INVALID'])
    expect(await outcomeOf(url, { ...underDpop, dpop: prove(token, 'POST') })).toEqual([401, 'PROOF_INVALID'])
    const unbound = { authorization: `DPoP ${bearer}`, dpop: prove(bearer) }
    expect(await outcomeOf(url, unbound)).toEqual([401, 'TOKEN_NOT_BOUND'])
    // The types of Node do not allow a header that occurs twice.
    const twice: object = { authorization: [underDpop.authorization, underDpop.authorization] }
    expect(await outcomeOf(url, { ...twice, dpop: prove() })).toEqual([400, 'INVALID_ARGUMENT'])
    expect(verifier.metrics().verifications).toEqual({
      VALID: 1,
      PROOF_REPLAYED: 1,
      PROOF_REQUIRED: 3,
      PROOF_INVALID: 4,
      TOKEN_NOT_BOUND: 1,
    })
  })

  it('names only the scheme DPoP if the verifier requires it', async () => {
    const { bearer, verifier } = setUp({ dpop: 'required' })
    const url = await started(startApi[framework](verifier))
    const { statusCode, headers } = await send(url, {})
    expect([statusCode, headers['www-authenticate']]).toEqual([
      401,
      expect.stringMatching(/^DPoP algs="EdDSA Ed25519 ES256", scope="orders:read"/),
    ])
    expect(await outcomeOf(url, { authorization: `Bearer ${bearer}` })).toEqual([401, 'TOKEN_NOT_BOUND'])
  })
})

it.each(Object.entries(startMounted))('protect of %s compares a proof with the whole path', async (_name, start) => {
  const { client, token, verifier } = setUp()
  const url = await started(start(verifier))
  const ask = (path: string) =>
    outcomeOf(`${url}/v2/orders/1?page=2`, {
      authorization: `DPoP ${token}`,
      dpop: client.prove({ url: ORIGIN + path, token }),
    })
  expect(await ask('/v2/orders/1')).toBe(200)
  for (const path of ['/1', '/orders/1', '/v2', '/internal/1', '/']) {
    expect(await ask(path)).toEqual([401, 'PROOF_INVALID'])
  }
})

it.each(Object.entries(startTwiceGuarded))('two guards of %s use the proof of a request once', async (_name, start) => {
  const { client, token, verifier } = setUp()
  const url = `${await started(start(verifier))}/v2/orders/1`
  const headers = { authorization: `DPoP ${token}`, dpop: client.prove({ url: `${ORIGIN}/v2/orders/1`, token }) }
  expect(await outcomeOf(url, headers)).toBe(200)
  expect(await outcomeOf(url, headers)).toEqual([401, 'PROOF_REPLAYED'])
})

it('protect of express behind a proxy that removes a prefix compares a proof with the prefix of publicUrl', async () => {
  const { client, token, verifier } = setUp({ publicUrl: `${ORIGIN}/shop/` })
  const url = await started(startMounted['Express with a router in a router'](verifier))
  const ask = (path: string) =>
    outcomeOf(`${url}/v2/orders/1`, {
      authorization: `DPoP ${token}`,
      dpop: client.prove({ url: ORIGIN + path, token }),
    })
  expect(await ask('/shop/v2/orders/1')).toBe(200)
  expect(await ask('/v2/orders/1')).toEqual([401, 'PROOF_INVALID'])
})

it('protect of connect compares a proof with POST and the name of the method', async () => {
  const { client, token, verifier } = setUp()
  const url = await started(startApi.connect(verifier))
  const call = async (dpop: string | string[], scheme = 'DPoP') => {
    const headers = { 'content-type': 'application/json', authorization: `${scheme} ${token}`, dpop }
    const response = await send(url + CREATE, headers, 'POST', '{}')
    const { challenge, code }: { challenge?: unknown; code?: unknown } = Object(await json(response))
    return challenge === undefined ? [code, response.headers['www-authenticate']] : 'VALID'
  }
  const prove = (path: string, method = 'POST') => client.prove({ url: ORIGIN + path, method, token })
  const used = prove(CREATE)
  expect(await call(used)).toBe('VALID')
  const refused = ['unauthenticated', expect.stringContaining('DPoP error="invalid_dpop_proof"')]
  const wrong = [used, prove(CREATE, 'GET'), prove('/'), [prove(CREATE), prove(CREATE)]]
  for (const dpop of wrong) expect(await call(dpop)).toEqual(refused)
  const asBearer = ['unauthenticated', expect.stringMatching(/^Bearer error="invalid_token"/)]
  expect(await call(prove(CREATE), 'Bearer')).toEqual(asBearer)
})

it('protect of connect compares a proof with GET if the client called a method without side effects with GET', async () => {
  const { client, token, verifier } = setUp()
  const url = await started(startApi.connect(verifier))
  const path = '/auth4agent.v1.KeysService/ListSigningKeys'
  const call = async (method: string) => {
    const dpop = client.prove({ url: ORIGIN + path, method, token })
    const headers = { authorization: `DPoP ${token}`, dpop }
    return (await send(`${url}${path}?connect=v1&encoding=json&message=%7B%7D`, headers)).statusCode
  }
  expect([await call('GET'), await call('POST')]).toEqual([200, 401])
})

it('protect of grpc compares a proof with POST and the path of the method', async () => {
  const { client, token, verifier } = setUp()
  const caller = new Client(await started(startApi.grpc(verifier)), credentials.createInsecure())
  onTestFinished(() => caller.close())
  const call = (proofs: readonly string[], scheme = 'DPoP') => {
    const metadata = new Metadata()
    metadata.set('authorization', `${scheme} ${token}`)
    for (const proof of proofs) metadata.add('dpop', proof)
    return new Promise<unknown>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = LIST
      const done = (error: { code: status; metadata: Metadata } | null) =>
        resolve(error === null ? 'VALID' : [error.code, error.metadata.get('www-authenticate')[0]])
      caller.makeUnaryRequest(path, requestSerialize, responseDeserialize, Buffer.alloc(0), metadata, done)
    })
  }
  const prove = (path: string, method = 'POST') => client.prove({ url: ORIGIN + path, method, token })
  const used = prove(LIST.path)
  expect(await call([used])).toBe('VALID')
  const refused = [status.UNAUTHENTICATED, expect.stringContaining('DPoP error="invalid_dpop_proof"')]
  const wrong = [[used], [prove(LIST.path, 'GET')], [prove('/')], [prove(LIST.path), prove(LIST.path)], []]
  for (const proofs of wrong) expect(await call(proofs)).toEqual(refused)
  const asBearer = [status.UNAUTHENTICATED, expect.stringMatching(/^Bearer error="invalid_token"/)]
  expect(await call([prove(LIST.path)], 'Bearer')).toEqual(asBearer)
})
