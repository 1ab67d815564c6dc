import { signAssertion } from '@auth4agent/core/identity/assertion'
import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import { APPROVAL_HEADER } from '@auth4agent/core/identity/operator-approval'
import type { Names } from '@auth4agent/core/names/unknown-name'
import type { OperatorSigner, Signer } from './signer.ts'
import { createTransport, TRANSPORT_NAMES, type TransportOptions } from './transport.ts'

/** Options of a client that signs assertions. */
export interface CallerOptions extends TransportOptions {
  /** The administrator key. */
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
  /** The body as JSON text, sent as it is. Instead of `body`. */
  readonly json?: string | undefined
  /** Approvals of the call by further root keys. */
  readonly approvals?: readonly string[] | undefined
  /** Whether a successful answer has no body. */
  readonly isEmpty?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** One page of a list, and the token of the next page. */
interface Page {
  readonly json: unknown
  readonly next: string | undefined
}

/** The call that an assertion allows. */
interface AssertedRequest {
  /** `METHOD /path`, or `package.Service/Method`. */
  readonly rpc?: string | undefined
  /** The exact body: the bytes of the HTTP request with REST and Connect, the bytes of the message with gRPC. */
  readonly body?: Uint8Array | string | undefined
}

/** Calls a server in the name of an operator or the administrator. */
export interface Caller {
  readonly issuer: string
  /** Returns the name of this call for an assertion: `METHOD /path`, with the path as it is sent. */
  rpcOf(call: Pick<AssertedCall, 'method' | 'path'>): string
  /**
   * Makes an assertion that is valid for a minute. With `rpc`, it allows that one call once; with `body`, only with
   * this body. Without `rpc`, it allows only calls that read.
   */
  assert(party: string, request?: AssertedRequest): Promise<string>
  /** Calls without an assertion. */
  open(call: AssertedCall): Promise<unknown>
  /** Calls with an assertion in the name of `party`. */
  call(party: string, call: AssertedCall): Promise<unknown>
  /** Does the same as `call` for a list that may have more pages. */
  page(party: string, call: AssertedCall): Promise<Page>
}

/** Options of {@link createCaller}: an operator may sign with a P-256 key. */
interface AnyCallerOptions extends Omit<CallerOptions, 'key'> {
  readonly key: OperatorSigner
}

/** Creates a caller of one server. Throws TypeError for an address that is neither https nor on loopback. */
export function createCaller({ key, now = Date.now, issuer, ...transport }: AnyCallerOptions): Caller {
  const base = transport.server.replace(/\/+$/, '')
  const send = createTransport(transport)
  const prefix = new URL(base).pathname.replace(/\/+$/, '')
  const audience = issuer ?? base
  const rpcOf: Caller['rpcOf'] = ({ method, path }) => `${method} ${prefix}${path}`
  const assert: Caller['assert'] = (party, { rpc, body } = {}) => {
    const digest = body === undefined ? undefined : bodyDigest(body)
    return signAssertion(key, { party, issuer: audience, nowS: now() / 1000, rpc, body: digest })
  }
  const request = async (party: string, given: AssertedCall) => {
    const { method, path, query, signal, isEmpty, approvals = [] } = given
    const json = textOf(given)
    // The assertion names the exact bytes, so the text that is signed is the text that is sent.
    const assertion = await assert(party, { rpc: rpcOf({ method, path }), body: json ?? '' })
    const headers = approvals.length === 0 ? undefined : { [APPROVAL_HEADER]: approvals.join(',') }
    return { method, path: target(path, query), json, headers, signal, isEmpty, authorization: `Bearer ${assertion}` }
  }
  return {
    issuer: audience,
    rpcOf,
    assert,
    open: ({ method, path, query, body, signal }) => send({ method, path: target(path, query), body, signal }),
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

function textOf({ body, json }: AssertedCall): string | undefined {
  return json ?? (body === undefined ? undefined : JSON.stringify(body))
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
