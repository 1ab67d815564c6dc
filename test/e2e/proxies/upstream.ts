import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { freePort } from '../../support/free-port.ts'

/** A request that reached the API. Names of headers are in lower case, and each value is listed. */
interface Reached {
  readonly method: string
  readonly path: string
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
  const server = createServer(({ method = '', url = '', rawHeaders }, response) => {
    seen.push({ method, path: url, headers: valuesOf(rawHeaders) })
    response.end('orders')
  }).listen(port, '127.0.0.1')
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

/** What a client sends through a proxy. A list as a header is sent as several headers. */
export interface Ask {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

/** What a client got, and what reached the API meanwhile. */
export interface Asked {
  readonly status: number
  readonly challenge: string
  readonly reached: readonly Reached[]
}

/** Calls the API through a proxy on this port. Sends the path and the names of headers as they are. */
export async function askThrough(port: number, { seen }: Upstream, ask: Ask = {}): Promise<Asked> {
  const { method = 'GET', path = '/orders?page=1', headers = {} } = ask
  seen.length = 0
  const sent = request({ host: '127.0.0.1', port, method, path, agent: false, headers: mutable(headers) })
  sent.setHeader('host', 'api.example.com')
  sent.end()
  const [answer] = await once(sent, 'response')
  answer.resume()
  await once(answer, 'end')
  const challenge = [answer.headers['www-authenticate'] ?? ''].flat().join(', ')
  return { status: answer.statusCode, challenge, reached: [...seen] }
}

function mutable(headers: NonNullable<Ask['headers']>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
}
