import { signAssertion } from '@auth4agent/core/identity/assertion'
import type { Names } from '@auth4agent/core/names/unknown-name'
import type { Signer } from './signer.ts'
import { createTransport, TRANSPORT_NAMES, type TransportOptions } from './transport.ts'

/** Options of a client that signs assertions. */
export interface CallerOptions extends TransportOptions {
  /** The operator's root key, or the administrator key. */
  readonly key: Signer
  /**
   * The issuer, if it differs from the server's address. An assertion is only valid at this issuer. The client never
   * asks the server for its issuer: a rogue server could name another server, and would get an assertion that the
   * other server accepts.
   */
  readonly issuer?: string | undefined
  /** The current time in Unix milliseconds; by default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** The option names of a caller. */
export const CALLER_NAMES: Names<CallerOptions> = { ...TRANSPORT_NAMES, key: true, issuer: true, now: true }

/** One call, with or without an assertion. */
export interface AssertedCall {
  readonly method: string
  /** The path without the query, because an assertion does not contain the query. */
  readonly path: string
  readonly query?: URLSearchParams | undefined
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

/** One page of a list, and the token of the next page. */
interface Page {
  readonly json: unknown
  readonly next: string | undefined
}

/** Calls a server in the name of an operator or the administrator. */
export interface Caller {
  readonly issuer: string
  /** Returns the name of this call for an assertion: `METHOD /path`, with the path as it is sent. */
  rpcOf(call: Pick<AssertedCall, 'method' | 'path'>): string
  /**
   * Makes an assertion that is valid for a minute. With `rpc`, it allows that one call once. Without `rpc`, it allows
   * only calls that read.
   */
  assert(party: string, rpc?: string): Promise<string>
  /** Calls without an assertion. */
  open(call: AssertedCall): Promise<unknown>
  /** Calls with an assertion in the name of `party`. */
  call(party: string, call: AssertedCall): Promise<unknown>
  /** Does the same as `call` for a list that may have more pages. */
  page(party: string, call: AssertedCall): Promise<Page>
}

/** Creates a caller of one server. Throws TypeError for an address that is neither https nor on loopback. */
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
      let link: string | null = null
      const onHeaders = (headers: Headers) => {
        link = headers.get('link')
      }
      const json = await send({ ...(await request(party, call)), onHeaders })
      return { json, next: nextToken(link, base) }
    },
  }
}

function target(path: string, query: URLSearchParams | undefined): string {
  return query === undefined || query.size === 0 ? path : `${path}?${query.toString()}`
}

/**
 * Returns the page token in a Link header (RFC 8288). Ignores the rest of the link, because an answer must not choose
 * the address of the next request.
 */
function nextToken(link: string | null, base: string): string | undefined {
  const [, url] = /<([^<>]*)>\s*;\s*rel="?next"?/.exec(link ?? '') ?? []
  if (url === undefined || !URL.canParse(url, base)) return undefined
  return new URL(url, base).searchParams.get('page_token') ?? undefined
}
