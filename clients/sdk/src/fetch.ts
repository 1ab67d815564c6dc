import { clientError } from './errors.ts'
import { expectSecureUrl } from './secure-address.ts'
import type { TokenTerms } from './terms.ts'
import { namesInvalidToken } from './www-authenticate.ts'

type Fetch = typeof globalThis.fetch
type Input = string | URL | Request

/** The source of the tokens. */
interface Tokens {
  readonly token: (options: TokenTerms & { signal?: AbortSignal | undefined }) => Promise<string>
  readonly forget: (token: string) => void
  /** Used instead of the platform's fetch. */
  readonly fetch: Fetch | undefined
}

/** The most redirects that are followed, as in the Fetch standard. */
const MAX_REDIRECTS = 20
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Headers of a body, removed when a redirect drops the body (Fetch standard, HTTP-redirect fetch). */
const BODY_HEADERS = ['content-encoding', 'content-language', 'content-location', 'content-type']
/** Headers that must not reach another origin. */
const SECRET_HEADERS = ['authorization', 'cookie', 'proxy-authorization']

/** Makes a fetch that adds the agent's token. See Agent.fetch. */
export function authorizedFetch({ token, forget, fetch = globalThis.fetch }: Tokens) {
  return async (input: Input, init?: RequestInit, options: TokenTerms = {}): Promise<Response> => {
    const canRepeat = isRepeatable(input, init)
    const again = canRepeat ? () => new Request(input, init) : undefined
    const attempt = async () => {
      const request = new Request(input, init)
      const { signal, redirect } = request
      expectSecureUrl(request.url)
      const text = await token({ ...options, signal })
      return { token: text, ...(await send(fetch, withToken(request, text), redirect, again)) }
    }
    const first = await attempt()
    if (!refusesToken(first)) return first.response
    // After this, other calls that would use the same token also get a new one.
    forget(first.token)
    if (!canRepeat) return first.response
    await first.response.body?.cancel()
    return (await attempt()).response
  }
}

/** A response and the request that it answers. After redirects, this is the last request. */
interface Exchange {
  readonly request: Request
  readonly response: Response
}

/**
 * Returns whether the server that received the token refused it. A 401 from a server that did not receive the token
 * does not count.
 */
function refusesToken({ request, response }: Exchange): boolean {
  const { status, headers } = response
  return (
    request.headers.has('authorization') && status === 401 && namesInvalidToken(headers.get('www-authenticate') ?? '')
  )
}

/** Returns whether the request can be sent again. A body that is a stream can only be sent once. */
function isRepeatable(input: Input, init: RequestInit | undefined): boolean {
  const body = init?.body ?? (input instanceof Request ? input.body : undefined)
  if (body === undefined || body === null || typeof body === 'string') return true
  return [ArrayBuffer, Blob, FormData, URLSearchParams].some((kind) => body instanceof kind) || ArrayBuffer.isView(body)
}

function withToken(request: Request, token: string): Request {
  request.headers.set('authorization', `Bearer ${token}`)
  // This code follows redirects itself, because some platforms would send the token to another origin.
  return new Request(request, { redirect: 'manual' })
}

/** Sends a request and follows redirects if `redirect` allows it. `again` creates the request again, if possible. */
async function send(
  fetch: Fetch,
  first: Request,
  redirect: Request['redirect'],
  again: (() => Request) | undefined,
): Promise<Exchange> {
  let request = first
  for (let count = 0; count <= MAX_REDIRECTS; count += 1) {
    const response = await fetch(request)
    // A browser does not show the target of a redirect, so this code cannot follow it.
    if (response.type === 'opaqueredirect' && redirect !== 'manual') throw refused(request.url)
    const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null
    if (redirect === 'manual' || location === null) return { request, response }
    await response.body?.cancel()
    if (redirect === 'error' || !URL.canParse(location, request.url)) throw refused(request.url)
    request = await follow(request, new URL(location, request.url), response.status, again)
  }
  throw refused(first.url)
}

/**
 * Returns the next request after a redirect (RFC 9110 section 15.4). The request keeps the token only if the origin is
 * the same.
 */
async function follow(
  request: Request,
  url: URL,
  status: number,
  again: (() => Request) | undefined,
): Promise<Request> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(request.url)
  const { method, signal } = request
  const becomesGet = status === 303 ? method !== 'HEAD' : status < 303 && method === 'POST'
  const headers = new Headers(request.headers)
  if (new URL(request.url).origin !== url.origin) for (const name of SECRET_HEADERS) headers.delete(name)
  const next: RequestInit = { method: becomesGet ? 'GET' : method, headers, signal, redirect: 'manual' }
  if (request.body === null) return new Request(url, next)
  for (const name of BODY_HEADERS) headers.delete(name)
  if (becomesGet) return new Request(url, next)
  if (again === undefined) throw refused(request.url)
  const same = again()
  for (const name of BODY_HEADERS) {
    const value = same.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return new Request(url, { ...next, body: await same.arrayBuffer() })
}

function refused(url: string) {
  return clientError('REDIRECT_REFUSED', `A redirect from ${new URL(url).origin} was not followed`)
}
