const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * Tells whether requests to a URL stay confidential: it is https, or http to this machine.
 *
 * @example
 * ```ts
 * import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
 *
 * isSecureUrl('http://127.0.0.1:8080') // true
 * isSecureUrl('http://auth.example') // false
 * ```
 */
export function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK_HOST.test(hostname))
}
