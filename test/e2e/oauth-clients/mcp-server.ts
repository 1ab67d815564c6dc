import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createVerifier } from '@auth4agent/verifier'
import { protect } from '@auth4agent/verifier/mcp'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { freePort } from '../../support/free-port.ts'

/** A running MCP server. */
export interface RunningMcpServer {
  /** The address of the MCP endpoint, which is also the audience of its tokens. */
  readonly url: string
  stop(): void
}

/**
 * Starts an MCP server of the MCP SDK, protected by the verifier. Its tools answer with the DID of the caller. Every
 * request needs the scope orders:read; a call of the tool `order` needs orders:write too.
 */
export async function startMcpServer(issuer: string, operator: string, dpop?: 'required'): Promise<RunningMcpServer> {
  const port = await freePort()
  const url = `http://localhost:${port}/mcp`
  const verifier = createVerifier({ issuer, audience: url, operators: [operator], revocations: 'none', dpop })
  await verifier.ready()
  const app = express()
  const reading = protect(verifier, {
    resource: url,
    scope: 'orders:read',
    scopesSupported: 'orders:read orders:write',
  })
  const writing = protect(verifier, { resource: url, scope: 'orders:read orders:write' })
  app.use(reading, express.json(), (request, response, next) =>
    request.body?.params?.name === 'order' ? writing(request, response, next) : next(),
  )
  app.post('/mcp', (request, response) => answer(request, response, request.body))
  const server = createServer(app)
  server.listen(port)
  return {
    url,
    stop() {
      verifier.close()
      server.close().closeAllConnections()
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
  const server = new McpServer({ name: 'orders', version: '1.0.0' })
  for (const tool of ['whoami', 'order']) {
    server.registerTool(tool, {}, ({ authInfo }) => ({
      content: [{ type: 'text', text: authInfo?.clientId ?? 'nobody' }],
    }))
  }
  const transport = new StreamableHTTPServerTransport()
  await server.connect(transport)
  await transport.handleRequest(request, response, body)
}
