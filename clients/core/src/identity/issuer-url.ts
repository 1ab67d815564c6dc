import { parseNormalUrl } from '../platform/normal-url.ts'
import { isSecureUrl } from '../platform/secure-url.ts'
import { parseAudience } from '../token/audience.ts'

/** A host, then a path whose segments need no encoding. An issuer of another product may end with a slash. */
const ISSUER = /^https?:\/\/[^/?*]+(?:\/[A-Za-z0-9._~-]+)*\/?$/

/**
 * Tells whether a text is an issuer (RFC 8414 section 2) in its only canonical form: https, or http to this machine,
 * with a host in lower-case A-labels, no default port, user information, query or fragment, and at most 255
 * characters. Issuers are compared byte for byte, so `https://auth.example` and `https://auth.example/` are two.
 *
 * @example
 * ```ts
 * import { isIssuerUrl } from '@auth4agent/core/identity/issuer-url'
 *
 * isIssuerUrl('https://auth.example/tenant') // true
 * isIssuerUrl('https://auth.example:443') // false
 * ```
 */
export function isIssuerUrl(text: string): boolean {
  // parseAudience refuses every host that is not written as a parser returns it.
  return (
    ISSUER.test(text) && parseAudience(text) !== undefined && isSecureUrl(text) && parseNormalUrl(text) !== undefined
  )
}

/**
 * Tells whether a text is an issuer of Auth4Agent in its canonical form: as {@link isIssuerUrl}, without a slash at
 * the end.
 *
 * @example
 * ```ts
 * import { isServerIssuer } from '@auth4agent/core/identity/issuer-url'
 *
 * isServerIssuer('https://auth.example') // true
 * isServerIssuer('https://auth.example/') // false
 * ```
 */
export function isServerIssuer(text: string): boolean {
  return isIssuerUrl(text) && !text.endsWith('/')
}
