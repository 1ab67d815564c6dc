import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { type AgentOptions, createAgent, type GrantCapabilities } from '@auth4agent/sdk'
import { createVerifier } from '@auth4agent/verifier'
import { protect, serveMetadata } from '@auth4agent/verifier/express'
import express from 'express'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clientReason } from '../../support/sdk/client-reason.ts'
import { startWorld, type World } from './world.ts'

let world: World
/** An API of others, which knows only access tokens, and one that accepts chains. */
let plain: Api
let accepting: Api

interface Api {
  readonly url: string
  readonly server: Server
  /** What each request had in its header `Authorization`. */
  readonly seen: string[]
}

beforeAll(async () => {
  world = await startWorld()
  plain = await start((url) => (request, response) => {
    void answer(url, request).then(({ status, body }) => response.writeHead(status).end(JSON.stringify(body)))
  })
  accepting = await start((resource) => {
    const { url: issuer, domain } = world
    const verifier = createVerifier({ issuer, audience: resource, resource, operators: [domain], revocations: 'none' })
    const app = express().use(serveMetadata(verifier, { delegation: 'accept' }))
    app.get('/orders', protect(verifier, { scope: 'read', delegation: 'accept' }), (_, response) => response.json({}))
    return app
  })
})
afterAll(async () => {
  plain?.server.close()
  accepting?.server.close()
  await world?.[Symbol.asyncDispose]()
})

async function start(handlerAt: (url: string) => RequestListener): Promise<Api> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const seen: string[] = []
  server.on('request', ({ headers }) => headers.authorization && seen.push(headers.authorization))
  server.on('request', handlerAt(url))
  return { url, server, seen }
}

/** Verifies an access token with the JWKS alone, as RFC 9068 and RFC 9449 say. */
async function answer(resource: string, { url = '', headers, method = '' }: IncomingMessage) {
  if (url === '/.well-known/oauth-protected-resource') return { status: 200, body: { resource } }
  const [, token = ''] = /^DPoP (.+)$/.exec(headers.authorization ?? '') ?? []
  try {
    const jwks = createRemoteJWKSet(new URL(`${world.url}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(token, jwks, { issuer: world.url, audience: resource, typ: 'at+jwt' })
    const how = { method, url: resource + url, nowS: Date.now() / 1000, skewS: 10, accessToken: token }
    const proof = checkDpopProof(String(headers.dpop), how)
    const isBound = proof.ok && proof.jkt === Object(payload.cnf).jkt
    return { status: isBound ? 200 : 401, body: payload }
  } catch {
    return { status: 401, body: {} }
  }
}

/** Creates an agent with a chain from another agent. */
async function chainOf(capabilities: GrantCapabilities, more: Partial<AgentOptions> = {}) {
  const { url: server } = world
  const [a, b] = [await world.newAgent(['read', 'pay']), await world.newAgent([])]
  await world.operator.agents.update(a.did, { maxDelegationDepth: 1 })
  const chain = await createAgent({ server, ...a }).delegate({ to: b.did, capabilities, expires: '10m' })
  return { a, b, chain, agent: createAgent({ server, ...b, grant: chain, ...more }) }
}

it('fetch exchanges the chain for an API whose metadata names no chains, and keeps the token', async () => {
  const amount = { constraint_type: 'range', max: 100 } as const
  const { a, b, agent } = await chainOf({ [`${plain.url}#read`]: {}, [`${plain.url}#pay`]: { amount } })
  const response = await agent.fetch(`${plain.url}/orders`)
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({
    sub: a.did,
    client_id: b.did,
    act: { sub: b.did },
    aud: [plain.url],
    scope: 'read',
    authorization_details: [{ tools: { [`${plain.url}#pay`]: { amount } } }],
  })
  await agent.fetch(`${plain.url}/more`)
  expect(new Set(plain.seen).size).toBe(1)
})

it('fetch sends the chain to an API whose metadata says that it accepts chains', async () => {
  const { chain, agent } = await chainOf({ [`${accepting.url}#read`]: {} })
  const response = await agent.fetch(`${accepting.url}/orders`)
  expect(response.status).toBe(200)
  expect(accepting.seen).toEqual([`DPoP ${chain}`])
})

it('an API that accepts chains also accepts the token for a chain, if the agent chooses it', async () => {
  const { agent } = await chainOf({ [`${accepting.url}#read`]: {} }, { delegation: 'exchange' })
  const response = await agent.fetch(`${accepting.url}/orders`)
  expect(response.status).toBe(200)
  expect(accepting.seen.at(-1)).toMatch(/^DPoP [^~]+$/)
})

it('exchange works for agents that must sign their terms, and rejects after the chain was revoked', async () => {
  const { a, b, chain, agent } = await chainOf({ [`${plain.url}#read`]: {} })
  await world.operator.agents.update(b.did, { requireBoundChallenges: true })
  const terms = { audience: plain.url, scopes: ['read'] }
  expect(await agent.exchange(terms)).toMatchObject({ scope: 'read', tokenType: 'DPoP' })
  await createAgent({ server: world.url, ...a }).revoke(chain)
  const again = createAgent({ server: world.url, ...b, grant: chain })
  expect(await clientReason(again.exchange(terms))).toBe('TOKEN_REVOKED')
})

it('exchange rejects with the reason for a scope that the grant only allows with constraints', async () => {
  const { agent } = await chainOf({ [`${plain.url}#pay`]: { amount: { constraint_type: 'range', max: 100 } } })
  expect(await clientReason(agent.exchange({ audience: plain.url, scopes: ['pay'] }))).toBe('SCOPE_NOT_ALLOWED')
})
