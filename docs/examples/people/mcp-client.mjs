/**
 * Connects the client of the MCP SDK to an MCP server, as a program on the computer of a person does. It knows only
 * the address of the server. It calls the tool `whoami` until it may not any more.
 *
 * Usage: node mcp-client.mjs URL
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { certificate, tell } from './this-machine.mjs'

const [url] = process.argv.slice(2)
const PAUSE_MS = 200

// The maker of the program publishes this document once, for all installations.
const web = createTlsServer(certificate).listen(0, '127.0.0.1')
await once(web, 'listening')
const clientId = `https://desktop.demo.test:${web.address().port}/oauth/client.json`
const redirect_uris = ['http://127.0.0.1/callback']
const document = { client_id: clientId, client_name: 'Demo Desktop', redirect_uris }
web.on('request', (_request, response) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document)),
)

// The browser brings the code here.
const callback = createServer().listen(0, '127.0.0.1')
await once(callback, 'listening')
const redirectUrl = `http://127.0.0.1:${callback.address().port}/callback`
const answered = Promise.withResolvers()
callback.on('request', (request, response) => {
  const { pathname, searchParams } = new URL(request.url, redirectUrl)
  const isAnswer = pathname === '/callback'
  const text = isAnswer ? 'Done. The program has its answer: go back to the terminal.' : ''
  response.writeHead(isAnswer ? 200 : 404, { 'content-type': 'text/html' }).end(`<title>Demo Desktop</title>${text}`)
  if (isAnswer) answered.resolve(searchParams)
})

// A real program keeps these in its keychain.
const kept = {}
const authProvider = {
  redirectUrl,
  clientMetadataUrl: clientId,
  clientMetadata: { redirect_uris: [redirectUrl] },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => Object.assign(kept, { client }),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => Object.assign(kept, { tokens }),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => Object.assign(kept, { verifier }),
  invalidateCredentials: () => void delete kept.tokens,
  redirectToAuthorization: (page) => tell({ page: page.href }),
}

const newTransport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider })
const client = new Client({ name: 'demo-desktop', version: '1.0.0' })
const first = newTransport()
try {
  await client.connect(first)
} catch (error) {
  if (!(error instanceof UnauthorizedError)) throw error
}
const code = (await answered.promise).get('code')
if (code === null) {
  tell({ refused: 'The person has refused' })
  process.exit()
}
await first.finishAuth(code)
await client.connect(newTransport())

let isTold = false
for (;;) {
  try {
    const { content } = await client.callTool({ name: 'whoami' })
    if (!isTold) tell({ answer: content[0].text })
    isTold = true
  } catch (error) {
    tell({ refused: error.message })
    process.exit()
  }
  await delay(PAUSE_MS)
}
