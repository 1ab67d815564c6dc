import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Delegation, Verifier } from '@auth4agent/verifier'
import { type McpOptions, protect } from '@auth4agent/verifier/mcp'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import express from 'express'

/** A running MCP server with sessions. */
export interface PayServer {
  /** What its tools did, for whom and by whom. */
  readonly done: string[]
  stop(): void
}

type Sessions = Map<string, StreamableHTTPServerTransport>

/** Starts an MCP server with the tools `pay` and `refund` at an address, as a developer would with the MCP SDK. */
export function startPayServer(verifier: Verifier, url: string, options: Partial<McpOptions> = {}): PayServer {
  const done: string[] = []
  const sessions: Sessions = new Map()
  const app = express()
  app.use(express.json(), protect(verifier, { resource: url, scope: 'orders:read', delegation: 'accept', ...options }))
  app.all('/mcp', (request, response) => answer({ done, sessions, request, response, body: request.body }))
  const server = createServer(app).listen(Number(new URL(url).port))
  return {
    done,
    stop() {
      server.close().closeAllConnections()
    },
  }
}

interface Exchange {
  readonly done: string[]
  readonly sessions: Sessions
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: unknown
}

async function answer({ done, sessions, request, response, body }: Exchange): Promise<void> {
  const known = sessions.get(String(request.headers['mcp-session-id']))
  if (known !== undefined) return known.handleRequest(request, response, body)
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  })
  await payServer(done).connect(transport)
  return transport.handleRequest(request, response, body)
}

function payServer(done: string[]): McpServer {
  const mcp = new McpServer({ name: 'pay', version: '1.0.0' }, { capabilities: { tools: {} } })
  mcp.server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: ['pay', 'refund'].map((name) => ({ name, inputSchema: { type: 'object' } })),
  }))
  mcp.server.setRequestHandler(CallToolRequestSchema, ({ params: { name, arguments: args } }, { authInfo }) => {
    const { delegation } = authInfo?.extra ?? {}
    const text = `${name} ${JSON.stringify(args)} ${describe(delegation)}`
    done.push(text)
    return { content: [{ type: 'text', text }] }
  })
  return mcp
}

function describe(delegation: unknown): string {
  const { principal, actor }: Partial<Delegation> = Object(delegation)
  return `for ${principal} by ${actor}`
}
