import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { isServerIssuer } from '@auth4agent/core/identity/issuer-url'
import { clientError } from '../errors.ts'
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
/** How long metadata is used, and how long the fact that an origin has none. */
const KEPT_MS = { api: 300_000, none: 60_000 }
const TIMEOUT_MS = 3_000
/** The most paths at which the metadata of one address is looked for. */
const MAX_PATHS = 4
const MAX_APIS = 100
const MAX_ISSUERS = 4

/** What is known of an origin: its APIs by their resource, or that it has no metadata. */
interface Known {
  readonly resource: string | undefined
  readonly found: ForeignApi | undefined
  readonly untilMs: number
}

/**
 * Makes the function that finds out to which deployment the API at an address belongs. It looks for metadata at the
 * well-known path of the address and of each path above, and then asks the API without a token, which names its
 * metadata in the challenge (RFC 9728 section 5). It resolves with undefined if the API has no metadata, or accepts
 * tokens of the agent's own deployment.
 *
 * It rejects with DEPLOYMENT_NOT_ALLOWED if the API accepts only tokens of deployments to which the agent may not go.
 */
export function createApiFinder({ fetch = globalThis.fetch, runtime, home, allowed }: ApiFinderOptions) {
  const known = new Map<string, Known>()
  const keep = (resource: string | undefined, origin: string, found: ForeignApi | undefined) => {
    const key = resource ?? origin
    known.delete(key)
    known.set(key, {
      resource,
      found,
      untilMs: runtime.monotonicMs() + (resource === undefined ? KEPT_MS.none : KEPT_MS.api),
    })
    if (known.size > MAX_APIS) known.delete(known.keys().next().value ?? key)
    return found
  }
  const lookUp = (url: string): Known | undefined => {
    const live = [...known.values()].filter(({ untilMs }) => runtime.monotonicMs() < untilMs)
    const apis = live.filter(({ resource }) => resource !== undefined && isAt(url, resource))
    const byLength = apis.toSorted((one, other) => (other.resource?.length ?? 0) - (one.resource?.length ?? 0))
    const none = known.get(new URL(url).origin)
    return byLength[0] ?? (none !== undefined && runtime.monotonicMs() < none.untilMs ? none : undefined)
  }
  const readAt = async (origin: string, path: string, signal: AbortSignal | undefined): Promise<unknown> => {
    const call = createTransport({ server: origin, fetch, timeoutMs: TIMEOUT_MS })
    try {
      return await call({ method: 'GET', path, signal })
    } catch {
      signal?.throwIfAborted()
      return undefined
    }
  }
  const judge = (metadata: unknown, url: string, expected: string | undefined) => {
    const { resource, authorization_servers: servers } = isJsonObject(metadata) ? metadata : {}
    if (typeof resource !== 'string' || !isAt(url, resource) || !Array.isArray(servers)) return undefined
    // RFC 9728 section 3.3: metadata at a well-known path is about exactly the resource of this path.
    if (expected !== undefined && new URL(resource).href !== new URL(expected).href) return undefined
    const issuers = servers.filter((each) => typeof each === 'string')
    return { resource, found: issuers.includes(home) ? undefined : toApi(resource, issuers, allowed) }
  }
  const search = async (url: string, signal: AbortSignal | undefined) => {
    const { origin } = new URL(url)
    for (const path of pathsOf(url)) {
      const judged = judge(await readAt(origin, `${WELL_KNOWN}${path}`, signal), url, origin + path)
      if (judged !== undefined) return keep(judged.resource, origin, judged.found)
    }
    const named = await challengeOf(fetch, url, signal)
    const judged = named === undefined ? undefined : judge(await readAt(origin, named, signal), url, undefined)
    return judged === undefined ? keep(undefined, origin, undefined) : keep(judged.resource, origin, judged.found)
  }
  return async (url: string, signal: AbortSignal | undefined): Promise<ForeignApi | undefined> => {
    const before = lookUp(url)
    const api = before === undefined ? await search(url, signal) : before.found
    if (api === undefined || api.issuers.length > 0) return api
    throw clientError(
      'DEPLOYMENT_NOT_ALLOWED',
      `The API ${api.resource} accepts no token of a deployment in the option \`otherDeployments\``,
    )
  }
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

/** Asks an API without a token. Returns the path of its metadata on the same origin, if the challenge names one. */
async function challengeOf(fetch: typeof globalThis.fetch, url: string, signal: AbortSignal | undefined) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(url, {
      method: 'GET',
      redirect: 'manual',
      credentials: 'omit',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    await response.body?.cancel()
    const named = response.status === 401 ? resourceMetadataOf(response.headers) : undefined
    if (named === undefined || !URL.canParse(named)) return undefined
    const { origin, pathname, search } = new URL(named)
    return origin === new URL(url).origin ? pathname + search : undefined
  } catch {
    signal?.throwIfAborted()
    return undefined
  }
}
