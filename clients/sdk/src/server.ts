import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { Names } from '@auth4agent/core/names/unknown-name'
import { clientError } from './errors.ts'
import type { Runtime } from './runtime.ts'
import { createTransport, TRANSPORT_NAMES, type Transport, type TransportOptions } from './transport.ts'

/** How a server is reached, and who it has to be. */
export interface ServerOptions extends TransportOptions {
  /** Its issuer, where that is not the address: behind a proxy, or on loopback. Compared byte for byte. */
  readonly issuer?: string | undefined
}

/** The names that options of a server have. */
export const SERVER_NAMES: Names<ServerOptions> = { ...TRANSPORT_NAMES, issuer: true }

/** A server that is called under one name. */
export interface Server {
  /** Who it has to be: nothing is signed for another. */
  readonly issuer: string
  readonly transport: Transport
  /** The server's clock in Unix milliseconds, as its answers tell it; this machine's before the first one. */
  nowMs(): number
  /**
   * What the server tells of itself, asked once. Rejects with ISSUER_MISMATCH when it is another than it has to be, with
   * UNEXPECTED_ANSWER when it is none.
   */
  discover(signal?: AbortSignal): Promise<Discovery>
}

/** What of the discovery document matters here. */
interface Discovery {
  readonly issuer: string
  /** Lifetime of a token that asks for none, in seconds; undefined when the server does not say. */
  readonly defaultTtlS: number | undefined
}

/** Opens a server. Throws TypeError for an address that is neither https nor on loopback. */
export function openServer(options: ServerOptions, runtime: Runtime): Server {
  const { fetch = globalThis.fetch, timeoutMs, server, issuer = server.replace(/\/+$/, '') } = options
  let offsetMs: number | undefined
  const transport = createTransport({
    server,
    timeoutMs,
    async fetch(input, init) {
      const response = await fetch(input, init)
      const date = Date.parse(response.headers.get('date') ?? '')
      // What is read may have been kept on the way, with the time of then.
      if (init?.method === 'POST' && !Number.isNaN(date)) offsetMs = date - runtime.monotonicMs()
      return response
    },
  })
  let discovery: Discovery | undefined
  return {
    issuer,
    transport,
    nowMs: () => (offsetMs === undefined ? runtime.wallMs() : runtime.monotonicMs() + offsetMs),
    async discover(signal) {
      discovery ??= readDiscovery(await transport({ method: 'GET', path: '/.well-known/auth4agent', signal }), issuer)
      return discovery
    },
  }
}

function readDiscovery(answer: unknown, issuer: string): Discovery {
  const document = isJsonObject(answer) ? answer : {}
  if (typeof document.issuer !== 'string') {
    throw clientError('UNEXPECTED_ANSWER', 'what answers at /.well-known/auth4agent is no Auth4Agent server')
  }
  if (document.issuer !== issuer) {
    const found = JSON.stringify(document.issuer)
    throw clientError(
      'ISSUER_MISMATCH',
      `the server says that it is ${found} and not ${issuer}: if that is the one you mean, pass its name as \`issuer\``,
    )
  }
  const ttl = isJsonObject(document.token_ttl_seconds) ? document.token_ttl_seconds.default : undefined
  return { issuer, defaultTtlS: typeof ttl === 'number' && Number.isSafeInteger(ttl) && ttl > 0 ? ttl : undefined }
}
