import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'

/** Hosts that mean the computer of the user. A program there cannot have a certificate (RFC 8252 section 7.3). */
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])
const VISIBLE = /^[!-~]+$/

/**
 * Tells whether a client may register a redirect URI: `https`, or `http` on the computer of the user. It is in the
 * normal form of URLs, because it is compared byte for byte and browsers must read it in the same way. So it has no
 * user, fragment and dot segments.
 */
export function isRedirectUri(text: string): boolean {
  return VISIBLE.test(text) && redirectHostOf(text) !== undefined
}

/**
 * Returns what a user would see as the place of a redirect URI: its origin, or without the port for the computer of
 * the user. Undefined for a text that can be no redirect URI.
 */
export function redirectHostOf(text: string): string | undefined {
  const url = parseNormalUrl(text)
  if (url?.protocol === 'https:') return url.origin
  return url !== undefined && isLoopback(url) ? `http://${url.hostname}` : undefined
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && LOOPBACK.has(hostname)
}
