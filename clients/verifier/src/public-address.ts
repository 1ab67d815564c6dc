import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
import { parseAudience } from '@auth4agent/core/token/audience'
import { pathOf } from './presented.ts'

/** The path of a resource's metadata, before the resource's own path (RFC 9728 section 3). */
export const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** The address of an API, as its clients know it. */
export interface AddressOptions {
  readonly resource?: string | undefined
  readonly publicUrl?: string | undefined
}

/** The checked address of an API, and the audiences that its tokens may be for. */
export interface Address {
  /** The audiences, and the resource. */
  readonly audience: readonly string[]
  readonly resource: string | undefined
  /** Without a slash at its end. */
  readonly publicUrl: string | undefined
}

/**
 * Reads the address of an API. The public URL is by default the origin of the resource, or of the audiences. Throws
 * TypeError for an invalid address.
 */
export function readAddress({ resource, publicUrl }: AddressOptions, audience: readonly string[]): Address {
  const own = resource === undefined ? [] : [readResource(resource)]
  return {
    audience: [...new Set([...audience, ...own])],
    resource: own[0],
    publicUrl: publicUrl === undefined ? commonOrigin(own.length === 0 ? audience : own) : readPublicUrl(publicUrl),
  }
}

/** Returns a public URL without a slash at its end. Throws TypeError for other values. */
function readPublicUrl(value: unknown): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || `${url.username}${url.password}` !== '') {
    throw new TypeError('publicUrl must be an http or https URL without user name and password')
  }
  if (/[?#]/.test(String(value))) throw new TypeError('publicUrl must be a URL without query and fragment')
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

/**
 * Returns a resource identifier (RFC 9728 section 1.2) as it is. Throws TypeError for a URL that is not in normal
 * form, because clients compare it with the URL that they use.
 */
function readResource(value: unknown): string {
  const { text } = (typeof value === 'string' && parseAudience(value)) || { text: '' }
  if (isSecureUrl(text) && parseNormalUrl(text) !== undefined) return text
  const normal = URL.canParse(text) ? new URL(text).href : ''
  const right = normal === '' ? '' : `, such as ${normal}`
  throw new TypeError(`resource must be an https URL (http on loopback) in normal form, without fragment${right}`)
}

/** Returns the origin that all audiences with a URL have, or undefined if there is not exactly one. */
function commonOrigin(audience: readonly string[]): string | undefined {
  const origins = new Set(audience.filter((text) => /^https?:/.test(text)).map((text) => new URL(text).origin))
  return origins.size === 1 ? [...origins][0] : undefined
}

/** A dot segment, also percent-encoded. Proofs are compared without it, but routers read it differently. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:[/?#]|$)/i

/**
 * Returns the URL of a request as its client knows it. Returns an empty text, for which no proof is valid, if the
 * target of the request has no path or has dot segments.
 */
export function toPublicUrl(publicUrl: string, target: string): string {
  const path = pathOf(target)
  return path === undefined || DOT_SEGMENT.test(path) ? '' : publicUrl + path
}

/** Returns the address of a resource's metadata: the well-known path, inserted before the resource's own path. */
export function toMetadataUrl(resource: string): string {
  const { origin, pathname, search } = new URL(resource)
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`
}
