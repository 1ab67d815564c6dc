import type { Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Exposition } from '../platform/metrics/exposition.ts'
import { createServer } from '../platform/node-http.ts'

/** What the operations port works with. */
export interface OperationsDeps {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** PEM texts; set, the listener is https. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  readonly requestTimeoutMs: number
  readonly metrics: Exposition
  /** Names what is missing for the process to do its work; nothing when it is ready. */
  readonly ready: () => Promise<readonly string[]>
}

/** The HTTP port of a process without the gateway. */
export interface OperationsServer {
  /** Starts to listen. Rejects when the port cannot be had. */
  listen(): Promise<{ port: number }>
  close(): Promise<void>
}

/** An answer, as JSON unless it says otherwise. */
interface Answer {
  readonly status: number
  readonly contentType?: string
  readonly body: string
}

/** Makes what probes and monitors read, as the gateway has it: /health (the process lives), /ready, /metrics. Nothing else. */
export function createOperations(deps: OperationsDeps): OperationsServer {
  const { host, port, requestTimeoutMs, tls } = deps
  const options = { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, maxHeaderSize: 8 * 1024 }
  const server = tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tls })
  server.on('request', ({ method, url }, response) => {
    void answer(deps, method, url)
      .catch(() => problem(500, 'INTERNAL', 'The server failed'))
      .then((found) => send(response, found, method))
  })
  return {
    async listen() {
      const bound = Promise.withResolvers<void>()
      server.once('error', bound.reject)
      server.listen({ host, port }, bound.resolve)
      await bound.promise
      server.off('error', bound.reject)
      const address = server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : port }
    },
    close: () => close(server),
  }
}

async function answer(deps: OperationsDeps, method: string | undefined, url = '/'): Promise<Answer> {
  const [path] = url.split('?')
  const make = ANSWERS.get(path ?? '')
  if (make === undefined) return problem(404, 'ROUTE_NOT_FOUND', 'There is nothing at this path')
  if (method !== 'GET' && method !== 'HEAD')
    return problem(405, 'METHOD_NOT_ALLOWED', 'The path does not take this method')
  return make(deps)
}

const ANSWERS = new Map<string, (deps: OperationsDeps) => Promise<Answer>>([
  ['/health', async () => json(200, { status: 'ok', timestamp: Math.floor(Date.now() / 1000) })],
  [
    '/ready',
    async ({ ready }) => {
      const missing = await ready()
      if (missing.length === 0) return json(200, { status: 'ready' })
      return problem(503, 'UNAVAILABLE', `The server is not ready: ${missing.join(', ')}`)
    },
  ],
  [
    '/metrics',
    async ({ metrics }) => ({ status: 200, contentType: metrics.contentType, body: await metrics.metrics() }),
  ],
])

function json(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body) }
}

/** A problem document (RFC 9457), with the members that the gateway's have. */
function problem(status: number, reason: string, detail: string): Answer {
  const body = { type: `urn:auth4agent:reason:${reason}`, title: detail, status, detail, reason, error: detail }
  return { ...json(status, body), contentType: 'application/problem+json' }
}

function send(response: ServerResponse, answer: Answer, method: string | undefined): void {
  const { status, contentType = 'application/json', body } = answer
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 503 && { 'retry-after': '1' }),
    ...(status === 405 && { allow: 'GET, HEAD' }),
  })
  response.end(method === 'HEAD' ? undefined : body)
}

async function close(server: Server): Promise<void> {
  const closed = Promise.withResolvers<void>()
  server.close(() => closed.resolve())
  // What is here are probes; none is worth waiting for.
  server.closeAllConnections()
  await closed.promise
}
