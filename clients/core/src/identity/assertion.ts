import { type JwsSigner, signerKid } from '../jose/signer-jwk.ts'
import { newJti, signJwt } from './sign-jwt.ts'

/** `typ` of an operator's assertion. */
export const OPERATOR_ASSERTION_TYPE = 'auth4agent-operator+jwt'
/** `typ` of an administrator's assertion. */
export const ADMIN_ASSERTION_TYPE = 'auth4agent-admin+jwt'
/** `iss` and `sub` of the administrator's assertions. */
export const ADMIN_ISSUER = 'admin'
/** Longest lifetime of an assertion, from `iat` to `exp`, in seconds. */
export const MAX_ASSERTION_LIFETIME_S = 300

/**
 * Signs assertions with the key of an operator or administrator. The key may be elsewhere, such as in a key store.
 *
 * @example
 * ```ts
 * import type { AssertionSigner } from '@auth4agent/core/identity/assertion'
 *
 * const signer: AssertionSigner = { publicKey, sign: (message) => keyStore.sign('root-key', message) }
 * ```
 */
export type AssertionSigner = JwsSigner

/**
 * Content of an assertion.
 *
 * @example
 * ```ts
 * import { ADMIN_ISSUER, type AssertionContent } from '@auth4agent/core/identity/assertion'
 *
 * const content: AssertionContent = {
 *   party: ADMIN_ISSUER,
 *   issuer: 'https://auth.example',
 *   nowS: Date.now() / 1_000,
 *   rpc: 'GET /v1/keys',
 * }
 * ```
 */
export interface AssertionContent {
  /** The caller: an operator's id, or {@link ADMIN_ISSUER}. */
  readonly party: string
  /** The server's issuer, byte for byte. */
  readonly issuer: string
  /** The caller's clock, in Unix seconds. */
  readonly nowS: number
  /**
   * The one call that the assertion authenticates: `METHOD /path` without the query, or `package.Service/Method`.
   * The server requires it for every call that changes something.
   */
  readonly rpc?: string | undefined
  /** The digest of the request's body, as `bodyDigest` returns it. The assertion then allows no other body. */
  readonly body?: string | undefined
  /** Seconds from `nowS` to the expiry; 60 by default. */
  readonly lifetimeS?: number | undefined
}

/**
 * Seconds by which `iat` lies in the past. The caller's clock may be ahead by this much, plus the clock skew that the
 * server allows.
 */
const CLOCK_ALLOWANCE_S = 30
const LIFETIME_S = 60

/**
 * Signs an assertion: the JWT that authenticates one call. Each assertion has a new `jti`, because the server accepts
 * an assertion for a change only once. Runs on every platform that has WebCrypto.
 *
 * @throws RangeError if the lifetime is not 1 to 270 whole seconds, if the public key does not fit the signer's
 *   algorithm, or if the signature does not have 64 bytes.
 * @example
 * ```ts
 * import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
 * import { signAssertion } from '@auth4agent/core/identity/assertion'
 * import { bodyDigest } from '@auth4agent/core/identity/body-digest'
 *
 * const { publicKey, privateKey } = generateKeyPair()
 * const signer = { publicKey, sign: async (message: Uint8Array) => privateKey.sign(message) }
 * const assertion = await signAssertion(signer, {
 *   party: operatorId,
 *   issuer: 'https://auth.example',
 *   nowS: Date.now() / 1_000,
 *   rpc: `POST /v1/operators/${operatorId}/agents`,
 *   body: bodyDigest(json),
 * })
 * ```
 */
export async function signAssertion(signer: AssertionSigner, content: AssertionContent): Promise<string> {
  const { party, issuer, nowS, rpc, body, lifetimeS } = content
  const typ = party === ADMIN_ISSUER ? ADMIN_ASSERTION_TYPE : OPERATOR_ASSERTION_TYPE
  const claims = { iss: party, sub: party, aud: issuer, ...assertionTimes(nowS, lifetimeS), jti: newJti(), rpc, body }
  return signJwt(signer, { typ, kid: signerKid(signer) }, claims)
}

/**
 * Returns the times of an assertion, in Unix seconds. `iat` lies 30 seconds in the past, because the clock of the
 * signer may be ahead.
 *
 * @throws RangeError if the lifetime is not 1 to 270 whole seconds.
 * @example
 * ```ts
 * import { assertionTimes } from '@auth4agent/core/identity/assertion'
 *
 * assertionTimes(1_800_000_000) // { iat: 1_799_999_970, exp: 1_800_000_060 }
 * ```
 */
export function assertionTimes(nowS: number, lifetimeS = LIFETIME_S): { readonly iat: number; readonly exp: number } {
  if (!Number.isInteger(lifetimeS) || lifetimeS < 1 || lifetimeS > MAX_ASSERTION_LIFETIME_S - CLOCK_ALLOWANCE_S) {
    throw new RangeError(`lifetimeS must be 1 to ${MAX_ASSERTION_LIFETIME_S - CLOCK_ALLOWANCE_S} whole seconds`)
  }
  return { iat: Math.floor(nowS) - CLOCK_ALLOWANCE_S, exp: Math.floor(nowS) + lifetimeS }
}
