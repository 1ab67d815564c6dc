/**
 * Starts an MCP server that the verifier protects, and calls its tool with a client of the MCP SDK.
 *
 * Usage: node call-mcp.mjs ISSUER FOLDER
 *
 * FOLDER has the agent's agent.json, and its key in agent.jwk (`auth4agent agent-key export`).
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createVerifier } from '@auth4agent/verifier'
import { protect } from '@auth4agent/verifier/mcp'
import { PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'

const [issuer, folder = '.'] = process.argv.slice(2)
const readJson = async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))
const { did } = await readJson('agent.json')
const app = express()
const server = createServer(app).listen(0)
await once(server, 'listening')
const url = `http://localhost:${server.address().port}/mcp`

// The MCP server trusts the agents of one domain.
const [, , domain] = did.split(':')
const verifier = createVerifier({ issuer, audience: url, operators: [domain], revocations: 'none' })
app.use(protect(verifier, { resource: url, scope: 'orders:read' }))
app.post('/mcp', async (request, response) => {
  const mcp = new McpServer({ name: 'orders', version: '1.0.0' })
  mcp.registerTool('whoami', {}, ({ authInfo }) => ({ content: [{ type: 'text', text: authInfo.clientId }] }))
  const transport = new StreamableHTTPServerTransport()
  await mcp.connect(transport)
  await transport.handleRequest(request, response)
})
// Without sessions, there is no stream to open and no session to end.
app.all('/mcp', (_request, response) => response.set('allow', 'POST').sendStatus(405))
await verifier.ready()

// The client knows only its own key and its issuer. It learns from the MCP server which token it needs.
const privateKey = await readJson('agent.jwk')
const authProvider = new PrivateKeyJwtProvider({
  clientId: did,
  privateKey,
  algorithm: 'EdDSA',
  scope: 'orders:read',
  expectedIssuer: issuer,
})
const client = new Client({ name: 'an-agent', version: '1.0.0' })
await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider }))
const { content } = await client.callTool({ name: 'whoami' })
console.log('the tool says:', content[0].text)

await client.close()
verifier.close()
server.close()
server.closeAllConnections()
