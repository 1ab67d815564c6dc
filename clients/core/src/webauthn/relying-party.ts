/** What passkeys of a server are bound to. */
export interface RelyingParty {
  /** The RP ID of WebAuthn: the host of the issuer. */
  readonly id: string
  /** The only origin whose pages may use the passkeys. */
  readonly origin: string
}

/**
 * Returns what passkeys of a server are bound to, by its issuer. Returns undefined for a text that is no URL.
 *
 * @example
 * ```ts
 * import { relyingParty } from '@auth4agent/core/webauthn/relying-party'
 *
 * relyingParty('https://auth.example/a') // { id: 'auth.example', origin: 'https://auth.example' }
 * ```
 */
export function relyingParty(issuer: string): RelyingParty | undefined {
  if (!URL.canParse(issuer)) return undefined
  const { hostname, origin } = new URL(issuer)
  return { id: hostname, origin }
}
