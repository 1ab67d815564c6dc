import { createPrivateKey } from 'node:crypto'
import { createAgent } from '@auth4agent/sdk'
import { parsePrivateKey } from '@auth4agent/sdk/node'
import { PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import {
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import * as oauth from 'openid-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { AgentParty } from '../../support/parties.ts'
import { type RunningMcpServer, startMcpServer } from './mcp-server.ts'
import { type OAuthWorld, openidClient, privateJwk, startOAuthWorld } from './oauth-world.ts'

let world: OAuthWorld
let agent: AgentParty
let mcp: RunningMcpServer
/** It accepts only bound tokens. */
let strict: RunningMcpServer

beforeAll(async () => {
  world = await startOAuthWorld()
  agent = await world.agent()
  mcp = await startMcpServer(world.issuer, world.operator.domain)
  strict = await startMcpServer(world.issuer, world.operator.domain, 'required')
})
afterAll(async () => {
  mcp?.stop()
  strict?.stop()
  await world?.stop()
})

async function connect(url: string, options: StreamableHTTPClientTransportOptions): Promise<Client> {
  const client = new Client({ name: 'agent', version: '1.0.0' })
  onTestFinished(() => client.close())
  await client.connect(new StreamableHTTPClientTransport(new URL(url), options))
  return client
}

function providerFor(scope: string, expectedIssuer = world.issuer): PrivateKeyJwtProvider {
  const privateKey = { ...privateJwk(agent) }
  return new PrivateKeyJwtProvider({ clientId: agent.did, privateKey, algorithm: 'EdDSA', scope, expectedIssuer })
}

const said = (text: string) => ({ content: [{ type: 'text', text }] })

describe('a client of the MCP SDK', () => {
  it('finds the issuer by the 401, gets a token for the MCP server, and calls a tool', async () => {
    const authProvider = providerFor('orders:read')
    const client = await connect(mcp.url, { authProvider })
    expect(await client.callTool({ name: 'whoami' })).toEqual(said(agent.did))
    const payload = authProvider.tokens()?.access_token.split('.')[1] ?? ''
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    expect(claims).toMatchObject({ aud: [mcp.url], scope: 'orders:read', client_id: agent.did })
  })

  it('sends nothing to an issuer that it does not expect', async () => {
    const authProvider = providerFor('orders:read', 'https://other.example')
    await expect(connect(mcp.url, { authProvider })).rejects.toThrow('https://other.example')
    expect(authProvider.tokens()).toBeUndefined()
  })

  it('is refused with 403 by a tool that needs more scope, and calls it with a provider that has this scope', async () => {
    const client = await connect(mcp.url, { authProvider: providerFor('orders:read') })
    await expect(client.callTool({ name: 'order' })).rejects.toMatchObject({
      code: 403,
      message: expect.stringContaining('Server returned 403 after trying upscoping'),
    })
    expect(await client.callTool({ name: 'whoami' })).toEqual(said(agent.did))
    const wider = await connect(mcp.url, { authProvider: providerFor('orders:read orders:write') })
    expect(await wider.callTool({ name: 'order' })).toEqual(said(agent.did))
  })
})

describe('a client of the MCP SDK at a server that accepts only bound tokens', () => {
  it('is refused with a bearer token, because the MCP SDK sends no DPoP proofs', async () => {
    await expect(connect(strict.url, { authProvider: providerFor('orders:read') })).rejects.toThrow(
      'Server returned 401 after successful authentication',
    )
  })

  it('calls a tool with the fetch of an agent of our SDK', async () => {
    const pem = createPrivateKey({ key: privateJwk(agent), format: 'jwk' }).export({ format: 'pem', type: 'pkcs8' })
    const key = parsePrivateKey(String(pem))
    if (!key.ok) throw new Error(key.why)
    const bound = createAgent({ server: world.issuer, did: agent.did, key: key.signer, dpop: true })
    const terms = { scopes: ['orders:read'], audience: strict.url }
    const client = await connect(strict.url, { fetch: (url, init) => bound.fetch(url, init, terms) })
    expect(await client.callTool({ name: 'whoami' })).toEqual(said(agent.did))
  })

  it('calls a tool with the DPoP proofs of openid-client', async () => {
    const config = await openidClient(world, agent)
    const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('Ed25519'))
    const parameters = { scope: 'orders:read', resource: strict.url }
    const { access_token: token } = await oauth.clientCredentialsGrant(config, parameters, { DPoP })
    const client = await connect(strict.url, {
      fetch(url, { method = 'GET', body, headers } = {}) {
        const sent = typeof body === 'string' ? body : undefined
        return oauth.fetchProtectedResource(config, token, new URL(url), method, sent, new Headers(headers), { DPoP })
      },
    })
    expect(await client.callTool({ name: 'whoami' })).toEqual(said(agent.did))
  })
})
