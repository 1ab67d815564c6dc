import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { createVerifier } from '@auth4agent/verifier'
import { protect } from '@auth4agent/verifier/mcp'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import type { Certified } from '../../support/certificate-authority.ts'
import { freePort } from '../../support/free-port.ts'

/** A running MCP server. */
export interface RunningMcpServer {
  /** The address of the MCP endpoint, which is also the audience of its tokens. */
  readonly url: string
  stop(): void
}

/**
 * Starts an MCP server of the MCP SDK under the domain of an operator, protected by the verifier. Its tools answer who
 * the person is, and by which program.
 */
export async function startMcpServer(
  issuer: string,
  operator: { readonly id: string; readonly domain: string },
  certify: (host: string) => Certified,
): Promise<RunningMcpServer> {
  const port = await freePort()
  const host = `mcp.${operator.domain}`
  const url = `https://${host}:${port}/mcp`
  const verifier = createVerifier({ issuer, audience: url, operators: [operator.id], revocations: 'none' })
  await verifier.ready()
  const app = express()
  const scopesSupported = 'whoami order'
  app.use(express.json(), protect(verifier, { resource: url, scope: 'whoami', scopesSupported, delegation: 'accept' }))
  app.post('/mcp', (request, response) => answer(request, response, request.body))
  const server = createServer(certify(host), app)
  server.listen(port, '127.0.0.1')
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
    server.registerTool(tool, {}, ({ authInfo }) => {
      const { principal, actor } = Object(authInfo?.extra?.['delegation'])
      return { content: [{ type: 'text', text: `${principal} by ${actor}` }] }
    })
  }
  const transport = new StreamableHTTPServerTransport()
  await server.connect(transport)
  await transport.handleRequest(request, response, body)
}
