const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const

/** The header has no includeSubDomains, because the deployment must not decide about other hosts of its domain. */
const STRICT_TRANSPORT = { 'strict-transport-security': 'max-age=31536000' } as const

/** Returns the headers of every answer. Adds Strict-Transport-Security (RFC 6797) only if the issuer is https. */
export function securityHeaders(issuer: string): Readonly<Record<string, string>> {
  return issuer.startsWith('https:') ? { ...SECURITY_HEADERS, ...STRICT_TRANSPORT } : SECURITY_HEADERS
}

/** Headers of an answer that scripts of any origin may read (Fetch standard, CORS protocol). */
export const CROSS_ORIGIN_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'ETag, X-Request-Id',
} as const

/** Headers of the answer to a preflight. */
export const PREFLIGHT_HEADERS = {
  ...CROSS_ORIGIN_HEADERS,
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': 'Accept, If-None-Match, MCP-Protocol-Version, X-Request-Id',
  'access-control-max-age': '86400',
} as const
