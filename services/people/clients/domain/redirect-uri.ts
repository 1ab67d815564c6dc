import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'

/** Hosts that mean the computer of the user. A program there cannot have a certificate (RFC 8252 section 7.3). */
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])
const LOOPBACK_PORT = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)):\d+/

/**
 * Tells whether a client may register a redirect URI: `https`, or `http` on the computer of the user. It is in the
 * normal form of URLs, because it is compared byte for byte and browsers must read it in the same way. So it has no
 * user, fragment and dot segments.
 */
export function isRedirectUri(text: string): boolean {
  return redirectHostOf(text) !== undefined
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

/**
 * Tells whether a client may be answered at a redirect URI: one of its registered ones, byte for byte. On the computer
 * of the user any port will do, because a program there gets its port when it starts (RFC 8252 section 7.3).
 */
export function matchRedirectUri(registered: readonly string[], given: string): boolean {
  if (!isRedirectUri(given)) return false
  const wanted = withoutLoopbackPort(given)
  return registered.some((uri) => uri === given || withoutLoopbackPort(uri) === wanted)
}

/** Returns a redirect URI without its port, if it is on the computer of the user. */
export function withoutLoopbackPort(uri: string): string {
  return uri.replace(LOOPBACK_PORT, '$1')
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && LOOPBACK.has(hostname)
}

/** Tells whether a redirect URI leads to a program on the computer of the user. */
export function isLoopbackUri(text: string): boolean {
  const url = parseNormalUrl(text)
  return url !== undefined && isLoopback(url)
}
