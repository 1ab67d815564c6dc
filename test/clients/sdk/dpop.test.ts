import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Agent, type AgentOptions, createAgent, createOperator, generateKey, openCalls } from '@auth4agent/sdk'
import { authorizedCredentials } from '@auth4agent/sdk/grpc'
import { createVerifier } from '@auth4agent/verifier'
import { claimsOf, protect } from '@auth4agent/verifier/express'
import { Client, credentials } from '@grpc/grpc-js'
import express from 'express'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { certificate } from '../../support/certificate.ts'
import { askGrpc, startGrpcApi, verifierAt } from './apis.ts'
import { startWorld, type World } from './world.ts'

let world: World
let identity: Awaited<ReturnType<World['newAgent']>>
beforeAll(async () => {
  world = await startWorld()
  identity = await world.newAgent(['a', 'b'])
})
afterAll(() => world?.[Symbol.asyncDispose]())

function agentOf(options: Partial<AgentOptions> = {}): Agent {
  const agent = createAgent({ server: world.url, ...identity, scopes: ['a'], dpop: true, ...options })
  onTestFinished(() => agent.close())
  return agent
}

/** Starts an HTTP server on loopback, and stops it at the end of the test. Resolves with its address. */
async function listen(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handler)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a bound token', () => {
  it('is valid at the server only with a proof of its key for the request, and each proof once', async () => {
    const agent = agentOf()
    const server = openCalls({ server: world.url })
    const request = { httpMethod: 'GET', httpUrl: 'https://api.example/orders' }
    const { dpop: dpopProof } = await agent.authorization('GET', `${request.httpUrl}?page=1`)
    const token = await agent.token()
    expect(await server.verifyToken(token)).toMatchObject({ valid: false, reason: 'PROOF_REQUIRED' })
    const elsewhere = { dpopProof, ...request, httpUrl: 'https://other.example/orders' }
    expect(await server.verifyToken(token, elsewhere)).toMatchObject({ valid: false, reason: 'PROOF_INVALID' })
    expect(await server.verifyToken(token, { dpopProof, ...request })).toMatchObject({ valid: true })
    expect(await server.verifyToken(token, { dpopProof, ...request })).toMatchObject({ reason: 'PROOF_REPLAYED' })
    const { token: bearer } = await agentOf({ dpop: false }).issued()
    expect(await server.verifyToken(bearer, { dpopProof, ...request })).toMatchObject({ valid: false })
  })

  it('is accepted by @auth4agent/verifier from agent.fetch, also after a redirect, and not as a bearer token', async () => {
    const app = express()
    const api = await listen(app)
    const verifier = createVerifier({
      issuer: world.url,
      audience: api,
      operators: 'any',
      revocations: 'none',
      dpop: 'required',
    })
    onTestFinished(() => verifier.close())
    await verifier.ready()
    app.use(protect(verifier, { scope: 'a' }))
    app.get('/old', (_request, response) => response.redirect(307, '/orders?page=2'))
    app.get('/orders', (_request, response) => response.json(claimsOf(response)))
    const agent = agentOf({ audience: api })
    for (const path of ['/orders', '/orders', '/old']) {
      expect(await (await agent.fetch(api + path)).json()).toMatchObject({
        sub: identity.did,
        cnf: { jkt: expect.any(String) },
      })
    }
    const many = await Promise.all(Array.from({ length: 20 }, () => agent.fetch(`${api}/orders`)))
    expect(many.map(({ status }) => status)).toEqual(many.map(() => 200))
    const stolen = await fetch(`${api}/orders`, { headers: { authorization: `Bearer ${await agent.token()}` } })
    expect(stolen.status).toBe(401)
    expect((await agentOf({ audience: api, dpop: false }).fetch(`${api}/orders`)).status).toBe(401)
  })

  it('is accepted with its proof by another implementation, oauth4webapi', async () => {
    const seen: IncomingHttpHeaders[] = []
    const api = await listen(({ headers }, response) => {
      seen.push(headers)
      response.end()
    })
    await agentOf({ audience: api }).fetch(`${api}/orders?page=1`)
    const [{ authorization = '', dpop = '' } = {}] = seen
    const server = { issuer: world.url, jwks_uri: `${world.url}/.well-known/jwks.json` }
    const request = new Request(`${api}/orders`, { headers: { authorization, dpop: String(dpop) } })
    const options = { [oauth.allowInsecureRequests]: true, requireDPoP: true }
    await expect(oauth.validateJwtAccessToken(server, request, api, options)).resolves.toMatchObject({
      sub: identity.did,
    })
  })

  it('is accepted over gRPC with its proof in the metadata', async () => {
    const verify = verifierAt(world.url)
    const [secure, local] = [await startGrpcApi(verify, true), await startGrpcApi(verify, false)]
    onTestFinished(() => [secure, local].forEach(({ stop }) => stop()))
    const agent = agentOf()
    const tls = credentials.createSsl(Buffer.from(certificate.cert))
    const channel = authorizedCredentials(agent, tls, { publicUrl: `https://${secure.address}` })
    expect(await askGrpc(new Client(secure.address, channel), undefined)).toMatchObject({ sub: identity.did })
    const insecure = new Client(local.address, credentials.createInsecure())
    expect(await askGrpc(insecure, agent)).toMatchObject({ sub: identity.did, cnf: { jkt: expect.any(String) } })
  })
})

describe('an audience whose policy demands bound tokens', () => {
  it.each(['required', 'required-with-nonce'])('gives them to an agent with the option dpop: %s', async (dpop) => {
    const audience = `https://${dpop}.${world.domain}`
    const set = await world.operator.policy.set({ audiences: [{ audience, callers: [], dpop }] })
    expect(set.audiences).toMatchObject([{ audience, dpop }])
    expect(await world.operator.policy.get()).toEqual(set)
    await expect(agentOf({ audience, dpop: false }).token()).rejects.toMatchObject({
      reason: 'DPOP_PROOF_REQUIRED',
      status: 400,
      message: expect.stringContaining('set the option `dpop`'),
    })
    const agent = agentOf({ audience })
    expect(await agent.issued()).toMatchObject({ tokenType: 'DPoP', audience: [audience] })
    expect(await agent.issued({ scopes: ['b'] })).toMatchObject({ tokenType: 'DPoP' })
  })
})

describe('the OAuth calls of an agent', () => {
  it('introspect a token of the own operator, and only of it', async () => {
    const agent = agentOf()
    const token = await agent.token()
    const expected = { active: true, sub: identity.did, client_id: identity.did, token_type: 'DPoP', scope: 'a' }
    const answer = await agent.introspect(token)
    expect(answer).toMatchObject({ ...expected, iss: world.url, aud: [world.url], cnf: { jkt: expect.any(String) } })
    expect(await agent.introspect(`${token}x`)).toEqual({ active: false })
    const stranger = await startStranger()
    expect(await stranger.introspect(token)).toEqual({ active: false })
    await expect(agent.introspect('')).rejects.toMatchObject({ reason: 'INVALID_ARGUMENT', status: 400 })
  })

  it('revoke a token of the agent, and do nothing for other texts', async () => {
    const agent = agentOf()
    const token = await agent.token()
    const stranger = await startStranger()
    await stranger.revoke(token)
    expect(await agent.introspect(token)).toMatchObject({ active: true })
    await agent.revoke('no token')
    await agent.revoke(token)
    expect(await agent.introspect(token)).toEqual({ active: false })
    expect(await agent.token()).not.toBe(token)
  })

  it('reject with the reason of the server for an agent that is suspended', async () => {
    const { did, key } = await world.newAgent(['a'])
    await world.operator.agents.suspend(did)
    await expect(agentOf({ did, key }).introspect('a.b.c')).rejects.toMatchObject({
      reason: 'AGENT_NOT_ACTIVE',
      status: expect.any(Number),
      message: expect.stringMatching(/not active/),
    })
  })
})

/** Registers another operator with an agent. */
async function startStranger(): Promise<Agent> {
  const domain = `stranger-${crypto.randomUUID()}.test`
  const operator = createOperator({ server: world.url, domain, key: await generateKey() })
  await operator.register()
  await operator.verification.confirm()
  const key = await generateKey()
  const { did } = await operator.agents.register({ publicKey: key.publicKey })
  return agentOf({ did, key })
}
