import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { Names } from '@auth4agent/core/names/unknown-name'
import { clientError } from './errors.ts'
import type { Runtime } from './runtime.ts'
import { createTransport, TRANSPORT_NAMES, type Transport, type TransportOptions } from './transport.ts'

/** The address and the issuer of a server. */
export interface ServerOptions extends TransportOptions {
  /**
   * The expected issuer, if it differs from the server's address, for example behind a proxy. The server's issuer must
   * be equal to it, byte for byte.
   */
  readonly issuer?: string | undefined
}

/** The option names of a server. */
export const SERVER_NAMES: Names<ServerOptions> = { ...TRANSPORT_NAMES, issuer: true }

/** A server with one expected issuer. */
export interface Server {
  /** The expected issuer. The client signs nothing for another issuer. */
  readonly issuer: string
  readonly transport: Transport
  /**
   * Returns the server's time in Unix milliseconds, from the Date header of its answers to POST. Returns the time of
   * this machine before the first such answer, and after the machine slept or its clock was set.
   */
  nowMs(): number
  /**
   * Reads the server's discovery document once. Rejects with ISSUER_MISMATCH if the document names another issuer, and
   * with UNEXPECTED_ANSWER if the server is not an Auth4Agent server.
   */
  discover(signal?: AbortSignal): Promise<Discovery>
}

/** The members of the discovery document that the SDK uses. */
interface Discovery {
  readonly issuer: string
  /** The default lifetime of a token in seconds, or undefined if the server does not state it. */
  readonly defaultTtlS: number | undefined
}

/** An answer with a date, and the two clocks of this machine when it came. Times are in milliseconds. */
interface Dated {
  readonly dateMs: number
  readonly wallMs: number
  readonly monotonicMs: number
}

/** The largest difference between two clocks of a machine that is awake and whose clock was not set. */
const DRIFT_MS = 2_000

/** Opens a server, without a request. Throws TypeError for an address that is neither https nor on loopback. */
export function openServer(options: ServerOptions, runtime: Runtime): Server {
  const { fetch = globalThis.fetch, timeoutMs, server, issuer = server.replace(/\/+$/, '') } = options
  let dated: Dated | undefined
  const transport = createTransport({
    server,
    timeoutMs,
    async fetch(input, init) {
      const response = await fetch(input, init)
      const dateMs = Date.parse(response.headers.get('date') ?? '')
      // Uses only answers to POST, because an answer to GET may come from a cache and have an old date.
      if (init?.method === 'POST' && !Number.isNaN(dateMs)) {
        dated = { dateMs, wallMs: runtime.wallMs(), monotonicMs: runtime.monotonicMs() }
      }
      return response
    },
  })
  let discovery: Discovery | undefined
  return {
    issuer,
    transport,
    nowMs: () => nowMs(dated, runtime),
    async discover(signal) {
      discovery ??= readDiscovery(await transport({ method: 'GET', path: '/.well-known/auth4agent', signal }), issuer)
      return discovery
    },
  }
}

function nowMs(dated: Dated | undefined, runtime: Runtime): number {
  const wallMs = runtime.wallMs()
  if (dated === undefined) return wallMs
  const ageMs = runtime.monotonicMs() - dated.monotonicMs
  // The monotonic clock may stop while the machine sleeps. Proofs with such an old time would not be accepted.
  return Math.abs(wallMs - dated.wallMs - ageMs) > DRIFT_MS ? wallMs : dated.dateMs + ageMs
}

function readDiscovery(answer: unknown, issuer: string): Discovery {
  const document = isJsonObject(answer) ? answer : {}
  if (typeof document.issuer !== 'string') {
    throw clientError('UNEXPECTED_ANSWER', 'The answer at /.well-known/auth4agent is not from an Auth4Agent server')
  }
  if (document.issuer !== issuer) {
    const found = JSON.stringify(document.issuer)
    throw clientError(
      'ISSUER_MISMATCH',
      `The issuer of the server is ${found}, not ${issuer}: if you trust it, pass it as \`issuer\``,
    )
  }
  const ttl = isJsonObject(document.token_ttl_seconds) ? document.token_ttl_seconds.default : undefined
  return { issuer, defaultTtlS: typeof ttl === 'number' && Number.isSafeInteger(ttl) && ttl > 0 ? ttl : undefined }
}
