import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { freePort } from '../../support/free-port.ts'

/** A request that reached the API. Names of headers are in lower case, and each value is listed. */
interface Reached {
  readonly method: string
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, readonly string[]>>
}

/** The API behind a proxy. It answers every request with 200, and keeps what reached it. */
export interface Upstream {
  /** `127.0.0.1:port`. */
  readonly address: string
  readonly seen: Reached[]
  stop(): void
}

/** Starts the API. */
export async function startUpstream(): Promise<Upstream> {
  const port = await freePort()
  const seen: Reached[] = []
  const answer = async (received: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '', rawHeaders } = received
    seen.push({ method, path: url, headers: valuesOf(rawHeaders), body: await text(received) })
    response.end('orders')
  }
  const server = createServer((received, response) => void answer(received, response)).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { address: `127.0.0.1:${port}`, seen, stop: () => server.close().closeAllConnections() }
}

function valuesOf(raw: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (let index = 0; index < raw.length; index += 2) {
    const values = (headers[raw[index]?.toLowerCase() ?? ''] ??= [])
    values.push(raw[index + 1] ?? '')
  }
  return headers
}

/** Names of headers with which a client may try to say who calls. Many programs read an underscore as a hyphen. */
export const CLIENT_HEADERS = [
  'X-Auth4agent-Subject',
  'x-aUTH4AGENT-scope',
  'x-auth4agent-actor',
  'X_Auth4agent_Subject',
  'x-auth4agent_operator',
  'X_AUTH4AGENT-EXPIRES',
  'X.Auth4agent.Subject',
] as const

/** Values of `Connection` that tell a proxy to remove headers that it has set (RFC 9110 section 7.6.1). */
export const NAMING = [
  'X-Auth4agent-Subject',
  'close, x-auth4agent-SUBJECT',
  ['keep-alive', ' X-AUTH4AGENT-Subject ,X-Auth4agent-Operator'],
] as const

/** Returns the header that sends a bearer token. */
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** What a client sends through a proxy. A list as a header is sent as several headers. */
export interface Ask {
  readonly method?: string
  readonly path?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

/** What a client got, and what reached the API meanwhile. */
export interface Asked {
  readonly status: number
  /** The header `WWW-Authenticate`. */
  readonly challenge: string
  /** The header `X-Auth4agent-Reason`. */
  readonly reason: string
  readonly reached: readonly Reached[]
}

/** Calls the API through a proxy on this port. Sends the path and the names of headers as they are. */
export async function askThrough(port: number, { seen }: Upstream, ask: Ask = {}): Promise<Asked> {
  const { method = 'GET', path = '/orders?page=1', headers = {}, body = '' } = ask
  seen.length = 0
  const sent = request({ host: '127.0.0.1', port, method, path, agent: false, headers: mutable(headers) })
  sent.setHeader('host', 'api.example.com')
  sent.end(body)
  const [answer] = await once(sent, 'response')
  answer.resume()
  await once(answer, 'end')
  const of = (name: string) => [answer.headers[name] ?? ''].flat().join(', ')
  const [challenge, reason] = [of('www-authenticate'), of('x-auth4agent-reason')]
  return { status: answer.statusCode, challenge, reason, reached: [...seen] }
}

function mutable(headers: NonNullable<Ask['headers']>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
}
