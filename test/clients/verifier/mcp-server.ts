import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Verifier } from '@auth4agent/verifier'
import { protect } from '@auth4agent/verifier/mcp'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { type Api, listening } from './apis.ts'

/** Starts an MCP server with one tool behind `protect`. The tool returns the DID of the caller. */
export async function startMcpServer(verifier: Verifier): Promise<Api> {
  const app = express()
  const resource = 'https://api.agents.example.com/mcp'
  app.use(
    protect(verifier, { resource, audience: verifier.settings.audience, scope: 'orders:read', resourceName: 'Orders' }),
  )
  app.post('/mcp', (request, response) => answer(request, response))
  return listening(createServer(app))
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const server = new McpServer({ name: 'orders', version: '1.0.0' })
  server.registerTool('whoami', {}, ({ authInfo }) => ({
    content: [{ type: 'text', text: authInfo?.clientId ?? 'nobody' }],
  }))
  const transport = new StreamableHTTPServerTransport()
  await server.connect(transport)
  await transport.handleRequest(request, response)
}

/** Calls the tool with a client of the MCP SDK. Rejects if the call is refused. */
export async function callTool(url: string, token: string): Promise<unknown> {
  const client = new Client({ name: 'agent', version: '1.0.0' })
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit }))
  const { content } = await client.callTool({ name: 'whoami' })
  await client.close()
  const [first]: unknown[] = Array.isArray(content) ? content : []
  return typeof first === 'object' && first !== null && 'text' in first ? first.text : undefined
}
