import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { Auth4AgentError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { type Shared, shareWork } from '../share-work.ts'
import { createTransport } from '../transport.ts'

/** What the metadata of an API says about chains (RFC 9728): that it accepts them, or that it only accepts tokens. */
export type Accepted = 'chain' | 'token' | undefined

interface MetadataOptions {
  readonly fetch: typeof globalThis.fetch | undefined
  readonly runtime: Runtime
  readonly closing: AbortSignal
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
/** How long an answer is used, and how long a failure to get one. */
const KEPT_MS = { answer: 300_000, failure: 60_000 }
/** An API whose metadata takes longer is treated as one that has none. */
const TIMEOUT_MS = 3_000
/** The most APIs whose metadata is kept. */
const MAX_APIS = 100

/**
 * Makes a function that reads the metadata of a resource, a URL in normal form. It resolves with undefined if there is
 * no metadata for exactly this resource (RFC 9728 section 3.3).
 */
export function createMetadataReader({ fetch, runtime, closing }: MetadataOptions) {
  const kept = new Map<string, { readonly accepted: Accepted; readonly untilMs: number }>()
  const reading = new Map<string, Shared<Accepted>>()
  const keep = (resource: string, accepted: Accepted, ms: number) => {
    keepNewest(kept, resource, { accepted, untilMs: runtime.monotonicMs() + ms }, MAX_APIS)
    return accepted
  }
  const read = async (resource: string, signal: AbortSignal): Promise<Accepted> => {
    const { origin, pathname, search } = new URL(resource)
    const path = `${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`
    try {
      const call = createTransport({ server: origin, fetch, timeoutMs: TIMEOUT_MS })
      return keep(resource, acceptedBy(await call({ method: 'GET', path, signal }), resource), KEPT_MS.answer)
    } catch (error) {
      signal.throwIfAborted()
      const isAnswered = error instanceof Auth4AgentError && error.status >= 200 && error.status < 500
      return keep(resource, undefined, isAnswered ? KEPT_MS.answer : KEPT_MS.failure)
    }
  }
  return async (resource: string, signal: AbortSignal | undefined): Promise<Accepted> => {
    closing.throwIfAborted()
    const known = kept.get(resource)
    if (known !== undefined && runtime.monotonicMs() < known.untilMs) return known.accepted
    const shared =
      reading.get(resource) ??
      shareWork(
        (stop) => read(resource, stop),
        closing,
        () => reading.delete(resource),
      )
    reading.set(resource, shared)
    return shared.join(signal)
  }
}

function acceptedBy(metadata: unknown, resource: string): Accepted {
  const { resource: named, auth4agent_grant_chains_supported: chains } = isJsonObject(metadata) ? metadata : {}
  if (parseNormalUrl(named)?.href !== new URL(resource).href) return undefined
  return chains === true ? 'chain' : 'token'
}
