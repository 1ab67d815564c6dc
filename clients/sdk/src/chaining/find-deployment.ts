import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { isServerIssuer } from '@auth4agent/core/identity/issuer-url'
import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { Auth4AgentError, clientError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { createTransport } from '../transport.ts'
import { resourceMetadataOf } from '../www-authenticate.ts'

/** An API of another deployment. */
export interface ForeignApi {
  /** The API, as its metadata names it (RFC 9728). */
  readonly resource: string
  /** The issuers whose tokens it accepts, and to which the agent may go. At least one. */
  readonly issuers: readonly string[]
}

/** Options of {@link createApiFinder}. */
export interface ApiFinderOptions {
  readonly fetch: typeof globalThis.fetch | undefined
  readonly runtime: Runtime
  /** The issuer of the agent's own deployment. */
  readonly home: string
  /** The other deployments to which the agent may go: true if its own deployment alone decides. */
  readonly allowed: true | readonly string[]
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
/** How long metadata is used, and how long the fact that there is none at an address. */
const KEPT_MS = { api: 300_000, none: 60_000 }
const TIMEOUT_MS = 3_000
/** The most paths at which the metadata of one address is looked for. */
const MAX_PATHS = 4
const MAX_APIS = 100
const MAX_ABSENT = 1_000
const MAX_ISSUERS = 4

/** An API by its metadata. One of the agent's own deployment has nothing in `found`. */
interface Api {
  readonly resource: string
  readonly found: ForeignApi | undefined
}

/**
 * Makes the function that finds out to which deployment the API at an address belongs. It looks for metadata at the
 * well-known path of the address and of each path above, and then asks the API without a token, which names its
 * metadata in the challenge (RFC 9728 section 5). It resolves with undefined if the API has no metadata, or accepts
 * tokens of the agent's own deployment.
 *
 * A server that fails does not count as one without metadata, because its API may be of another deployment. The
 * function then rejects with the error of this request.
 *
 * It rejects with DEPLOYMENT_NOT_ALLOWED if the API accepts only tokens of deployments to which the agent may not go,
 * and with UNEXPECTED_ANSWER if the metadata is about an API of another origin, or if the API names metadata that is
 * not about it.
 */
export function createApiFinder({ fetch = globalThis.fetch, runtime, home, allowed }: ApiFinderOptions) {
  const apis = new Map<string, Api & { readonly untilMs: number }>()
  /** Until when an address is known to have no metadata, or to name none. */
  const absent = new Map<string, number>()
  const keep = (api: Api) => {
    keepNewest(apis, api.resource, { ...api, untilMs: runtime.monotonicMs() + KEPT_MS.api }, MAX_APIS)
    return api.found
  }
  const isAbsent = (at: string) => runtime.monotonicMs() < (absent.get(at) ?? Number.NEGATIVE_INFINITY)
  const noteAbsent = (at: string) => keepNewest(absent, at, runtime.monotonicMs() + KEPT_MS.none, MAX_ABSENT)
  const lookUp = (url: string): Api | undefined => {
    const live = [...apis.values()].filter(({ untilMs }) => runtime.monotonicMs() < untilMs)
    const above = live.filter(({ resource }) => isAt(url, resource))
    return above.toSorted((one, other) => other.resource.length - one.resource.length)[0]
  }
  const readAt = async (origin: string, path: string, signal: AbortSignal | undefined): Promise<unknown> => {
    const call = createTransport({ server: origin, fetch: withoutRedirects(fetch), timeoutMs: TIMEOUT_MS })
    try {
      return await call({ method: 'GET', path, signal })
    } catch (error) {
      if (error instanceof Auth4AgentError && saysAbsent(error.status)) return undefined
      throw error
    }
  }
  const search = async (url: string, signal: AbortSignal | undefined) => {
    const { origin, pathname } = new URL(url)
    for (const path of pathsOf(url)) {
      const at = `${WELL_KNOWN}${path}`
      if (isAbsent(origin + at)) continue
      const api = judge(await readAt(origin, at, signal), { url, expected: origin + path, home, allowed })
      if (api !== undefined) return keep(api)
      noteAbsent(origin + at)
    }
    // Another address of this origin may belong to an API that names its metadata.
    if (isAbsent(origin + pathname)) return undefined
    const named = await challengeOf(fetch, url, signal)
    if (named === undefined) {
      noteAbsent(origin + pathname)
      return undefined
    }
    const at = parseNormalUrl(named)
    const metadata = at?.origin === origin ? await readAt(origin, at.pathname + at.search, signal) : undefined
    const api = judge(metadata, { url, home, allowed })
    if (api === undefined) throw unexpected(`The API at ${origin}${pathname} names metadata that is not about it`)
    return keep(api)
  }
  return async (url: string, signal: AbortSignal | undefined): Promise<ForeignApi | undefined> => {
    const known = lookUp(url)
    const api = known === undefined ? await search(url, signal) : known.found
    if (api === undefined || api.issuers.length > 0) return api
    throw clientError(
      'DEPLOYMENT_NOT_ALLOWED',
      `The API ${api.resource} accepts no token of a deployment in the option \`otherDeployments\``,
    )
  }
}

function unexpected(message: string) {
  return clientError('UNEXPECTED_ANSWER', message)
}

interface Judged extends Pick<ApiFinderOptions, 'home' | 'allowed'> {
  readonly url: string
  /** The API that the metadata must be about. If it is left out, the address must belong to the API. */
  readonly expected?: string
}

/** Reads the metadata of an API. Returns undefined if it is not about the API at the address. */
function judge(metadata: unknown, { url, expected, home, allowed }: Judged): Api | undefined {
  const { resource, authorization_servers: servers } = isJsonObject(metadata) ? metadata : {}
  const about = parseNormalUrl(resource)
  if (typeof resource !== 'string' || about === undefined) return undefined
  const { origin } = new URL(url)
  // The server of an API that lies about itself gets no token at all.
  if (about.origin !== origin) throw unexpected(`The metadata at ${origin} is about ${resource}`)
  // RFC 9728 section 3.3: metadata at a well-known path is about exactly the resource of this path.
  const isAbout = expected === undefined ? isAt(url, resource) : about.href === new URL(expected).href
  if (!isAbout) return undefined
  const issuers = Array.isArray(servers) ? servers.filter((each) => typeof each === 'string') : []
  const isOwn = servers === undefined || issuers.includes(home)
  return { resource, found: isOwn ? undefined : toApi(resource, issuers, allowed) }
}

function toApi(resource: string, issuers: readonly string[], allowed: true | readonly string[]): ForeignApi {
  const usable = issuers.filter((issuer) => isServerIssuer(issuer) && (allowed === true || allowed.includes(issuer)))
  return { resource, issuers: usable.slice(0, MAX_ISSUERS) }
}

/** Returns whether an address belongs to a resource: it has the same origin, and a path below that of the resource. */
function isAt(url: string, resource: string): boolean {
  if (!URL.canParse(resource)) return false
  const [at, of] = [new URL(url), new URL(resource)]
  return at.origin === of.origin && `${at.pathname}/`.startsWith(of.pathname.replace(/\/*$/, '/'))
}

/** Returns the path of an address and each path above it, the longest first. */
function pathsOf(url: string): readonly string[] {
  const segments = new URL(url).pathname.split('/').filter((segment) => segment !== '')
  const paths = segments.map((_, at) => `/${segments.slice(0, segments.length - at).join('/')}`)
  // The paths next to the origin are the likeliest resources.
  return [...paths, ''].slice(-MAX_PATHS)
}

/** Asks an API without a token. Returns the address of its metadata, if the challenge names one. */
async function challengeOf(fetch: typeof globalThis.fetch, url: string, signal: AbortSignal | undefined) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(url, {
    method: 'GET',
    redirect: 'manual',
    credentials: 'omit',
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  })
  await response.body?.cancel()
  if (response.status === 401) return resourceMetadataOf(response.headers)
  if (isRedirect(response) || saysAbsent(response.status)) return undefined
  throw unexpected(`The API at ${url} answered with the status ${response.status} when it was asked for its metadata`)
}

/**
 * Tells whether a status says that there is no metadata. A server that fails, or has no time, says nothing: the API
 * may be of another deployment, and must not get a token of this one.
 */
function saysAbsent(status: number): boolean {
  return status >= 200 && status < 500 && status !== 408 && status !== 425 && status !== 429
}

function isRedirect({ type, status }: Response): boolean {
  return type === 'opaqueredirect' || (status >= 300 && status < 400)
}

/** Returns a fetch that answers 404 in place of a redirect. */
function withoutRedirects(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, redirect: 'manual' })
    return isRedirect(response) ? new Response(null, { status: 404 }) : response
  }
}
