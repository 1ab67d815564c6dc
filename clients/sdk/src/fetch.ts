import { authorizationHeaders, type Dpop, NONCE_HEADER } from './dpop.ts'
import { clientError } from './errors.ts'
import { expectSecureUrl } from './secure-address.ts'
import type { TokenTerms } from './terms.ts'
import { curableError } from './www-authenticate.ts'

type Fetch = typeof globalThis.fetch
type Input = string | URL | Request

/** The source of the tokens. */
interface Tokens {
  readonly token: (options: TokenTerms & { signal?: AbortSignal | undefined }) => Promise<string>
  readonly forget: (token: string) => void
  /** The key that the tokens are bound to. */
  readonly dpop: Dpop | undefined
  /** Used instead of the platform's fetch. */
  readonly fetch: Fetch | undefined
  /** Changes the body of a request for a token, such as by a proof that the body contains. */
  readonly prepare?: (init: RequestInit | undefined, url: string, token: string) => Promise<RequestInit | undefined>
}

/** The most redirects that are followed, as in the Fetch standard. */
const MAX_REDIRECTS = 20
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Headers of a body, removed when a redirect drops the body (Fetch standard, HTTP-redirect fetch). */
const BODY_HEADERS = ['content-encoding', 'content-language', 'content-location', 'content-type']
/** Headers that must not reach another origin. */
const SECRET_HEADERS = ['authorization', 'cookie', 'dpop', 'proxy-authorization']

/** Makes a fetch that adds the agent's token. See Agent.fetch. */
export function authorizedFetch({
  token,
  forget,
  dpop,
  fetch = globalThis.fetch,
  prepare = async (init) => init,
}: Tokens) {
  return async (input: Input, init?: RequestInit, options: TokenTerms = {}): Promise<Response> => {
    const canRepeat = isRepeatable(input, init)
    const attempt = async () => {
      const request = new Request(input, init)
      expectSecureUrl(request.url)
      const text = await token({ ...options, signal: request.signal })
      const sent = await prepare(init, request.url, text)
      const again = canRepeat ? () => new Request(input, sent) : undefined
      return { token: text, ...(await send(request, { fetch, token: text, dpop, again })) }
    }
    const first = await attempt()
    if (curable(first, dpop) !== 'invalid_token') return first.response
    // After this, other calls that would use the same token also get a new one.
    forget(first.token)
    if (!canRepeat) return first.response
    await first.response.body?.cancel()
    return (await attempt()).response
  }
}

/** How one call is sent. */
interface Sending {
  readonly fetch: Fetch
  readonly token: string
  readonly dpop: Dpop | undefined
  /** Creates the first request again, if it can be sent again. */
  readonly again: (() => Request) | undefined
}

/** One request of a call: the first, or the next one after a redirect. */
interface Hop {
  /** Creates the request. It can be called more than once if the call can be repeated. */
  readonly make: () => Request
  /** Whether this request, and each one before it, is to the origin of the call. Only then it carries the token. */
  readonly isOwn: boolean
}

/** A response and the request that it answers. After redirects, this is the last request. */
interface Exchange {
  readonly request: Request
  readonly response: Response
  readonly isOwn: boolean
}

/**
 * Returns the error of a 401 that a repetition can cure. A 401 from a server that did not receive the token does not
 * count.
 */
function curable({ response, isOwn }: Exchange, dpop: Dpop | undefined) {
  return isOwn && response.status === 401 ? curableError(response.headers, dpop !== undefined) : undefined
}

/** Returns whether the request can be sent again. A body that is a stream can only be sent once. */
function isRepeatable(input: Input, init: RequestInit | undefined): boolean {
  const body = init?.body ?? (input instanceof Request ? input.body : undefined)
  if (body === undefined || body === null || typeof body === 'string') return true
  return [ArrayBuffer, Blob, FormData, URLSearchParams].some((kind) => body instanceof kind) || ArrayBuffer.isView(body)
}

/** Sends a request and follows redirects if the request allows it. */
async function send(first: Request, sending: Sending): Promise<Exchange> {
  const { redirect } = first
  const { again = () => first } = sending
  let hop: Hop = { make: again, isOwn: true }
  for (let count = 0; count <= MAX_REDIRECTS; count += 1) {
    const exchange = await sendHop(hop, sending)
    const { request, response } = exchange
    // A browser does not show the target of a redirect, so this code cannot follow it.
    if (response.type === 'opaqueredirect' && redirect !== 'manual') throw refused(request.url)
    const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null
    if (redirect === 'manual' || location === null) return exchange
    await response.body?.cancel()
    if (redirect === 'error' || !URL.canParse(location, request.url)) throw refused(request.url)
    hop = await follow(exchange, new URL(location, request.url), sending.again)
  }
  throw refused(first.url)
}

/** Sends one request. If the server demands a nonce, it sends the request once more with a new proof. */
async function sendHop(hop: Hop, sending: Sending): Promise<Exchange> {
  const first = await sendOnce(hop, sending)
  const nonce = demandedNonce(first, sending)
  if (nonce === undefined) return first
  await first.response.body?.cancel()
  return sendOnce(hop, sending, nonce)
}

/**
 * Sends one request. It carries the token, with a new proof if the token is bound, unless the call left its origin.
 */
async function sendOnce({ make, isOwn }: Hop, { fetch, token, dpop }: Sending, nonce?: string): Promise<Exchange> {
  // This code follows redirects itself, because some platforms would send the token to another origin.
  const request = new Request(make(), { redirect: 'manual' })
  const { method, url, headers } = request
  if (isOwn) {
    // A proof of the caller would belong to another token.
    headers.delete('dpop')
    const own = await authorizationHeaders(token, dpop, { method, url, nonce })
    for (const [name, value] of Object.entries(own)) headers.set(name, value)
  }
  const response = await fetch(request)
  if (isOwn) dpop?.nonces.learn(new URL(url).origin, response.headers.get(NONCE_HEADER))
  return { request, response, isOwn }
}

/** Returns the nonce that the proof must contain (RFC 9449 section 9), if the server demands one. */
function demandedNonce(exchange: Exchange, { dpop, again }: Sending): string | undefined {
  if (again === undefined || curable(exchange, dpop) !== 'use_dpop_nonce') return undefined
  const { request, response } = exchange
  return dpop?.nonces.learn(new URL(request.url).origin, response.headers.get(NONCE_HEADER))
}

/**
 * Returns the next request after a redirect (RFC 9110 section 15.4). The request keeps the token only if the origin is
 * the same.
 */
async function follow({ request, response, isOwn }: Exchange, url: URL, again: Sending['again']): Promise<Hop> {
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') throw refused(request.url)
  const { method, signal } = request
  const { status } = response
  const becomesGet = status === 303 ? method !== 'HEAD' : status < 303 && method === 'POST'
  const headers = new Headers(request.headers)
  const staysThere = new URL(request.url).origin === url.origin
  if (!staysThere) for (const name of SECRET_HEADERS) headers.delete(name)
  const next: RequestInit = { method: becomesGet ? 'GET' : method, headers, signal, redirect: 'manual' }
  const hop = (init: RequestInit): Hop => ({ make: () => new Request(url, init), isOwn: isOwn && staysThere })
  if (request.body === null) return hop(next)
  for (const name of BODY_HEADERS) headers.delete(name)
  if (becomesGet) return hop(next)
  if (again === undefined) throw refused(request.url)
  const same = again()
  for (const name of BODY_HEADERS) {
    const value = same.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return hop({ ...next, body: await same.arrayBuffer() })
}

function refused(url: string) {
  return clientError('REDIRECT_REFUSED', `A redirect from ${new URL(url).origin} was not followed`)
}
