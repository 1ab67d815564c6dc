import { DPOP_ALGORITHMS } from '@auth4agent/core/dpop/dpop-proof'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { parseScopeString } from '@auth4agent/core/token/scope'
import type { Verifier } from './create-verifier.ts'
import { readRequired, type Settings } from './options.ts'
import { pathOf } from './presented.ts'
import { readAddress, toMetadataUrl } from './public-address.ts'

/** Options of `serveMetadata`: what clients learn about the API (RFC 9728 section 2). */
export interface MetadataOptions {
  /** Used instead of the verifier's own `resource`: the address of the API, as its clients know it. */
  readonly resource?: string
  /** The scopes that clients may ask for, separated by spaces. */
  readonly scopesSupported?: string
  /** The name of the API, for people. */
  readonly resourceName?: string
  /** The address of a page for developers of clients. */
  readonly resourceDocumentation?: string
  /** Says that the API accepts only tokens that are bound to a key. The default is the verifier's own `dpop`. */
  readonly dpop?: 'required'
  /** 'accept' says that routes of the API accept chains of grants, as the option of `protect`. */
  readonly delegation?: 'refuse' | 'accept'
}

/** The option names of metadata. */
export const METADATA_NAMES: Names<MetadataOptions> = {
  resource: true,
  scopesSupported: true,
  resourceName: true,
  resourceDocumentation: true,
  dpop: true,
  delegation: true,
}

/** The answer to a request for the metadata. */
export interface MetadataAnswer {
  readonly status: 200 | 204
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Answers a request for the metadata. Returns undefined for every other request. `target` is the target of the
 * request, or its URL.
 */
export type AnswerMetadata = (method: string, target: string) => MetadataAnswer | undefined

/** Scripts of any origin may read the metadata, because clients also run in browsers. */
const ANY_ORIGIN = { 'access-control-allow-origin': '*' }
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'public, max-age=300', ...ANY_ORIGIN }
/** Clients add headers of their own, such as MCP-Protocol-Version. */
const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET',
  'access-control-allow-headers': '*',
  'access-control-max-age': '86400',
  ...ANY_ORIGIN,
}

/**
 * Makes the function that serves the metadata of an API at the well-known path before the resource's own path. Throws
 * TypeError for invalid and for unknown options.
 */
export function createMetadata({ settings }: Verifier, options: MetadataOptions = {}): AnswerMetadata {
  refuseUnknownNames('option', options, METADATA_NAMES)
  return answerAt([], settings, options)
}

/** Makes the function that serves the metadata also at other paths. Ignores unknown options. */
export function answerAt(otherPaths: readonly string[], settings: Settings, options: MetadataOptions): AnswerMetadata {
  const resource = readAddress(options, []).resource ?? settings.resource
  if (resource === undefined) throw new TypeError('resource must be an option of the verifier, or of this function')
  const isRequired = ('dpop' in options ? readRequired(options.dpop) : settings.dpop) === 'required'
  const body = JSON.stringify({
    resource,
    authorization_servers: settings.issuers.map(({ issuer }) => issuer),
    ...scopesOf(options.scopesSupported ?? ''),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    ...(isRequired && { dpop_bound_access_tokens_required: true }),
    ...(acceptsChains(options) && { auth4agent_grant_chains_supported: true }),
    resource_name: options.resourceName,
    resource_documentation: options.resourceDocumentation,
  })
  const paths = new Set([new URL(toMetadataUrl(resource)).pathname, ...otherPaths])
  return (method, target) => {
    if (!paths.has(pathOf(target) ?? '')) return undefined
    if (method === 'GET' || method === 'HEAD') return { status: 200, headers: HEADERS, body }
    return method === 'OPTIONS' ? { status: 204, headers: PREFLIGHT_HEADERS, body: '' } : undefined
  }
}

function acceptsChains({ delegation = 'refuse' }: MetadataOptions): boolean {
  if (delegation === 'accept' || delegation === 'refuse') return delegation === 'accept'
  throw new TypeError("delegation must be 'accept' or 'refuse'")
}

/** An empty list must be left out (RFC 9728 section 3.2). */
function scopesOf(text: string): { readonly scopes_supported?: readonly string[] } {
  const scopes = parseScopeString(text)
  if (scopes !== undefined) return scopes.length === 0 ? {} : { scopes_supported: scopes }
  throw new TypeError(`scopesSupported must be scope-tokens with spaces between, not ${JSON.stringify(text)}`)
}
