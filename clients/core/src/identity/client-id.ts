/** Longest `client_id` of a client that is no agent. */
const MAX_CLIENT_ID = 512
const REGISTERED = /^reg_[A-Za-z0-9_-]{16,508}$/
/** A URL is compared byte for byte, so it may contain nothing that a parser would change. */
const URL_FORM = /^https:\/\/[a-z0-9.-]+(?::[0-9]{1,5})?\/[!-~]*$/

/**
 * Tells whether a text can be the `client_id` of a URL client: the URL of its client ID metadata document. Such a URL
 * is `https`, with a path, and without user, fragment and dot segments (draft-ietf-oauth-client-id-metadata-document
 * section 3). It must be in the form in which the URL standard writes it, because it is compared byte for byte.
 *
 * @example
 * ```ts
 * import { isUrlClient } from '@auth4agent/core/identity/client-id'
 *
 * isUrlClient('https://client.example/oauth/client.json') // true
 * isUrlClient('https://client.example/') // false
 * ```
 */
export function isUrlClient(text: string): boolean {
  if (text.length > MAX_CLIENT_ID || !URL_FORM.test(text) || text.includes('#') || !URL.canParse(text)) return false
  const url = new URL(text)
  return url.href === text && url.pathname !== '/' && url.username === '' && url.password === ''
}

/**
 * Tells whether a text can be the `client_id` of a client that has registered itself at this deployment (RFC 7591).
 *
 * @example
 * ```ts
 * import { isRegisteredClient } from '@auth4agent/core/identity/client-id'
 *
 * isRegisteredClient('https://client.example/oauth/client.json') // false
 * ```
 */
export function isRegisteredClient(text: string): boolean {
  return REGISTERED.test(text)
}
