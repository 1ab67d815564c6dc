/**
 * Starts an MCP server whose tool `whoami` only programs may call that act for a user.
 *
 * Usage: node mcp-server.mjs ISSUER HOST OPERATOR_ID KEY_FILE
 *
 * HOST is the proven domain of the operator, or a name under it. KEY_FILE has a key of the operator with the role
 * watch, with which the verifier follows revocations.
 */
import { once } from 'node:events'
import { createServer } from 'node:https'
import { readKeyFile } from '@auth4agent/sdk/node'
import { createVerifier } from '@auth4agent/verifier'
import { protect } from '@auth4agent/verifier/mcp'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { certificate, tell } from './this-machine.mjs'

const [issuer, host, operatorId, keyFile] = process.argv.slice(2)
const app = express()
const server = createServer(certificate, app).listen(0, '127.0.0.1')
await once(server, 'listening')
const resource = `https://${host}:${server.address().port}/mcp`

const revocations = { operatorId, key: await readKeyFile(keyFile) }
const verifier = createVerifier({ issuer, audience: resource, operators: [operatorId], revocations })
app.use(express.json(), protect(verifier, { resource, scope: 'whoami', delegation: 'accept' }))
app.post('/mcp', async (request, response) => {
  const mcp = new McpServer({ name: 'demo', version: '1.0.0' })
  mcp.registerTool('whoami', { description: 'Says for whom the program acts' }, ({ authInfo }) => {
    const { principal, actor } = authInfo.extra.delegation
    return { content: [{ type: 'text', text: `${actor} acts for ${principal}` }] }
  })
  const transport = new StreamableHTTPServerTransport()
  await mcp.connect(transport)
  await transport.handleRequest(request, response, request.body)
})
// Without sessions, there is no stream to open and no session to end.
app.all('/mcp', (_request, response) => response.set('allow', 'POST').sendStatus(405))
await verifier.ready()
tell({ resource })
