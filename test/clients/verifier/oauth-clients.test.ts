import { createServer } from 'node:http'
import type { Verifier } from '@auth4agent/verifier'
import { protect as protectExpress, serveMetadata as serveExpress } from '@auth4agent/verifier/express'
import { protect as protectFastify, serveMetadata as serveFastify } from '@auth4agent/verifier/fastify'
import { protect as protectHono, serveMetadata as serveHonoMetadata } from '@auth4agent/verifier/hono'
import { protect as protectMcp } from '@auth4agent/verifier/mcp'
import {
  discoverOAuthProtectedResourceMetadata,
  extractWWWAuthenticateParams,
} from '@modelcontextprotocol/sdk/client/auth.js'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import {
  customFetch,
  DPoP,
  generateKeyPair,
  processResourceDiscoveryResponse,
  protectedResourceRequest,
  resourceDiscoveryRequest,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ISSUER } from '../../support/assertions.ts'
import { fakeIssuer, newToken } from '../../support/offline-verifier.ts'
import { type Api, listening, serveHono } from './apis.ts'

/** The API as its clients know it. It listens on loopback. */
const RESOURCE = 'https://api.example.com/v2'
const ORIGIN = 'https://api.example.com'
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** Functions that each start an API that serves its metadata, and answers `/v2/orders` with the caller. */
const startApi: Readonly<Record<string, (verifier: Verifier) => Promise<Api>>> = {
  async express(verifier) {
    const app = express().use(serveExpress(verifier, { scopesSupported: 'orders:read' }))
    app.use(protectExpress(verifier, { scope: 'orders:read' }))
    app.get('/v2/orders', (_request, response) => void response.end('orders'))
    return listening(createServer(app))
  },
  async fastify(verifier) {
    const app = fastify()
    app.addHook('onRequest', serveFastify(verifier, { scopesSupported: 'orders:read' }))
    app.addHook('onRequest', protectFastify(verifier, { scope: 'orders:read' }))
    app.get('/v2/orders', async () => 'orders')
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
  async hono(verifier) {
    const app = new Hono().use(serveHonoMetadata(verifier, { scopesSupported: 'orders:read' }))
    app.use(protectHono(verifier, { scope: 'orders:read' })).get('/v2/orders', (context) => context.text('orders'))
    return serveHono(app)
  },
  async mcp(verifier) {
    const app = express().use(protectMcp(verifier, { resource: RESOURCE, scope: 'orders:read' }))
    app.get('/v2/orders', (_request, response) => void response.end('orders'))
    return listening(createServer(app))
  },
}

/** Starts an API. `fetch` reaches it by its public URL. */
async function setUp(framework: string, options: object = {}) {
  const issuer = fakeIssuer()
  const verifier = issuer.newVerifier({ audience: RESOURCE, resource: RESOURCE, ...options })
  const api = await startApi[framework]?.(verifier)
  if (api === undefined) throw new Error('There is no such API')
  onTestFinished(() => api.close())
  const sent: object[] = []
  const fetch = (url: string, init: object = {}) => {
    sent.push(init)
    return globalThis.fetch(url.replace(ORIGIN, api.url), { ...init })
  }
  return { issuer, fetch, sent }
}

const claims = { aud: [RESOURCE], scope: 'orders:read' }
/** The parameters of an error in a challenge. */
const because = (error: string) => ({ error, error_description: expect.any(String) })
const orders = new URL(`${RESOURCE}/orders?page=2`)

describe.each(Object.keys(startApi))('an API on %s', (framework) => {
  it.each(['ES256', 'Ed25519'])('accepts %s proofs of oauth4webapi, each once', async (alg) => {
    const { issuer, fetch, sent } = await setUp(framework)
    const keys = await generateKeyPair(alg, { extractable: true })
    const handle = DPoP({}, keys)
    const token = newToken(issuer.key, { ...claims, cnf: { jkt: await handle.calculateThumbprint() } })
    const options = { DPoP: handle, [customFetch]: fetch }
    for (let time = 0; time < 2; time += 1) {
      const response = await protectedResourceRequest(token, 'GET', orders, undefined, null, options)
      expect(await response.text()).toBe('orders')
    }
    const again = await fetch(orders.href, sent[0])
    expect([again.status, await again.json()]).toMatchObject([401, { reason: 'PROOF_REPLAYED' }])
  })

  it('refuses with challenges that oauth4webapi can read', async () => {
    const { issuer, fetch } = await setUp(framework)
    const keys = await generateKeyPair('ES256', { extractable: true })
    const request = (token: string, handle?: ReturnType<typeof DPoP>) => {
      const options = { [customFetch]: fetch, ...(handle && { DPoP: handle }) }
      return protectedResourceRequest(token, 'GET', orders, undefined, null, options)
    }
    const stranger = DPoP({}, keys)
    const common = { scope: 'orders:read', resource_metadata: `${ORIGIN}${WELL_KNOWN}/v2` }
    const algs = 'EdDSA Ed25519 ES256'
    const refusal = (bearer: object, dpop: object) =>
      expect.objectContaining({
        constructor: WWWAuthenticateChallengeError,
        cause: [
          { scheme: 'bearer', parameters: { ...common, ...bearer } },
          { scheme: 'dpop', parameters: { ...common, algs, ...dpop } },
        ],
      })
    const bound = newToken(issuer.key, { ...claims, cnf: { jkt: 'A'.repeat(43) } })
    const unbound = newToken(issuer.key, claims)
    await expect(request(bound, stranger)).rejects.toEqual(refusal({}, because('invalid_dpop_proof')))
    await expect(request(unbound, stranger)).rejects.toEqual(refusal({}, because('invalid_token')))
    await expect(request(bound)).rejects.toEqual(refusal(because('invalid_token'), {}))
    const lacking = newToken(issuer.key, { aud: [RESOURCE], scope: 'other' })
    await expect(request(lacking)).rejects.toEqual(refusal(because('insufficient_scope'), {}))
  })

  it('serves metadata that oauth4webapi and the MCP SDK accept', async () => {
    const { fetch } = await setUp(framework)
    const discovered = await resourceDiscoveryRequest(new URL(RESOURCE), { [customFetch]: fetch })
    expect(discovered.headers.get('access-control-allow-origin')).toBe('*')
    expect(await processResourceDiscoveryResponse(new URL(RESOURCE), discovered)).toEqual({
      resource: RESOURCE,
      authorization_servers: [ISSUER],
      scopes_supported: ['orders:read'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ['EdDSA', 'Ed25519', 'ES256'],
    })
    const refused = await fetch(orders.href)
    const told = extractWWWAuthenticateParams(refused)
    expect(told).toEqual({ resourceMetadataUrl: new URL(`${ORIGIN}${WELL_KNOWN}/v2`), scope: 'orders:read' })
    const read = await discoverOAuthProtectedResourceMetadata(RESOURCE, told, (url, init) => fetch(String(url), init))
    expect(read).toMatchObject({ resource: RESOURCE, authorization_servers: [ISSUER] })
  })

  it('refuses a token that lacks a scope with a header that lets the MCP SDK ask for the scope', async () => {
    const { issuer, fetch } = await setUp(framework)
    const token = newToken(issuer.key, { aud: [RESOURCE], scope: 'other' })
    const refused = await fetch(orders.href, { headers: { authorization: `Bearer ${token}` } })
    expect(refused.status).toBe(403)
    expect(extractWWWAuthenticateParams(refused)).toMatchObject({ error: 'insufficient_scope', scope: 'orders:read' })
  })

  it('answers the preflight of a browser, and HEAD, at the path of the metadata, and nothing else there', async () => {
    const { fetch } = await setUp(framework)
    const ask = (method: string, path = `${WELL_KNOWN}/v2`) => fetch(ORIGIN + path, { method })
    const preflight = await ask('OPTIONS')
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([204, '*'])
    expect((await ask('HEAD')).status).toBe(200)
    expect((await ask('POST')).status).toBe(401)
    expect((await ask('GET', `${WELL_KNOWN}/v2/`)).status).toBe(401)
    expect((await ask('GET', WELL_KNOWN)).status).toBe(framework === 'mcp' ? 200 : 401)
  })

  it('says in its metadata and challenges that tokens must be bound if the verifier requires it', async () => {
    const { fetch } = await setUp(framework, { dpop: 'required' })
    const document: unknown = await (await fetch(`${ORIGIN}${WELL_KNOWN}/v2`)).json()
    expect(document).toMatchObject({ dpop_bound_access_tokens_required: true })
    expect((await fetch(orders.href)).headers.get('www-authenticate')).toMatch(/^DPoP /)
  })
})
