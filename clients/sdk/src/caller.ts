import { signAssertion } from '@auth4agent/core/identity/assertion'
import type { Names } from '@auth4agent/core/names/unknown-name'
import type { Signer } from './signer.ts'
import { createTransport, TRANSPORT_NAMES, type TransportOptions } from './transport.ts'

/** Who calls a server, and how it is reached. */
export interface CallerOptions extends TransportOptions {
  /** The root key of the operator, or the administrator's. */
  readonly key: Signer
  /**
   * What the server calls itself, where that is not its address. It is what an assertion is good for, so it is never asked of the
   * server: another could name this one, and would be handed what opens it.
   */
  readonly issuer?: string | undefined
  /** Unix milliseconds. */
  readonly now?: (() => number) | undefined
}

/** The names that options of a caller have. */
export const CALLER_NAMES: Names<CallerOptions> = { ...TRANSPORT_NAMES, key: true, issuer: true, now: true }

/** One call that carries an assertion made for it. */
export interface AssertedCall {
  readonly method: string
  /** Without the query, which no assertion names. */
  readonly path: string
  readonly query?: URLSearchParams | undefined
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

/** An answer, and the token of the page that follows it. */
interface Page {
  readonly json: unknown
  readonly next: string | undefined
}

/** Calls a server in somebody's name. */
export interface Caller {
  readonly issuer: string
  /** What an assertion for such a call names: `METHOD /path` as it is sent. */
  rpcOf(call: Pick<AssertedCall, 'method' | 'path'>): string
  /** Makes an assertion, good for a minute and one change: for the call it names, or for reading alone. */
  assert(party: string, rpc?: string): Promise<string>
  /** Calls without an assertion. */
  open(call: AssertedCall): Promise<unknown>
  /** Calls in the name of `party`. */
  call(party: string, call: AssertedCall): Promise<unknown>
  /** As `call`, where more pages may follow. */
  page(party: string, call: AssertedCall): Promise<Page>
}

/** A caller of one server. Throws TypeError for an address that is neither https nor on loopback. */
export function createCaller({ key, now = Date.now, issuer, ...transport }: CallerOptions): Caller {
  const base = transport.server.replace(/\/+$/, '')
  const send = createTransport(transport)
  const prefix = new URL(base).pathname.replace(/\/+$/, '')
  const audience = issuer ?? base
  const rpcOf: Caller['rpcOf'] = ({ method, path }) => `${method} ${prefix}${path}`
  const assert: Caller['assert'] = (party, rpc) =>
    signAssertion(key, { party, issuer: audience, nowS: now() / 1000, rpc })
  const request = async (party: string, { path, query, ...call }: AssertedCall) => ({
    ...call,
    path: target(path, query),
    authorization: `Bearer ${await assert(party, rpcOf({ method: call.method, path }))}`,
  })
  return {
    issuer: audience,
    rpcOf,
    assert,
    open: ({ query, path, ...call }) => send({ ...call, path: target(path, query) }),
    call: async (party, call) => send(await request(party, call)),
    page: async (party, call) => {
      const seen: { link: string | null } = { link: null }
      const { fetch = globalThis.fetch } = transport
      const listen: typeof fetch = async (input, init) => {
        const response = await fetch(input, init)
        seen.link = response.headers.get('link')
        return response
      }
      const json = await createTransport({ ...transport, fetch: listen })(await request(party, call))
      return { json, next: nextToken(seen.link, base) }
    },
  }
}

function target(path: string, query: URLSearchParams | undefined): string {
  return query === undefined || query.size === 0 ? path : `${path}?${query.toString()}`
}

/** The page token in a Link header (RFC 8288). Only the token is taken: where to ask is not for an answer to say. */
function nextToken(link: string | null, base: string): string | undefined {
  const [, url] = /<([^<>]*)>\s*;\s*rel="?next"?/.exec(link ?? '') ?? []
  if (url === undefined || !URL.canParse(url, base)) return undefined
  return new URL(url, base).searchParams.get('page_token') ?? undefined
}
