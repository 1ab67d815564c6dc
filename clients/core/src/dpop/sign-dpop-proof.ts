import { sha256Text } from '../encoding/sha256.ts'
import type { AssertionSigner } from '../identity/assertion.ts'
import { newJti, signJwt } from '../identity/sign-jwt.ts'
import { signerJwk } from '../jose/signer-jwk.ts'
import { normalizeHtu } from './htu.ts'

/** `typ` of a DPoP proof (RFC 9449 section 4.2). */
export const DPOP_PROOF_TYPE = 'dpop+jwt'

/**
 * The request that a DPoP proof is for.
 *
 * @example
 * ```ts
 * import type { DpopContent } from '@auth4agent/core/dpop/sign-dpop-proof'
 *
 * const content: DpopContent = { method: 'GET', url: 'https://api.example/orders', nowS: Date.now() / 1_000 }
 * ```
 */
export interface DpopContent {
  /** The HTTP method (`htm`), in the letters of the request. */
  readonly method: string
  /** The URL of the request (`htu`). Its query and fragment are left out. */
  readonly url: string
  /** The signer's clock, in Unix seconds. */
  readonly nowS: number
  /** The token that the request carries (`ath`). Leave it out at the token endpoint. */
  readonly accessToken?: string | undefined
  /** The nonce that the server gave in the header `DPoP-Nonce`. */
  readonly nonce?: string | undefined
}

/**
 * Signs a DPoP proof: the JWT that shows that the sender of one request has the key which its token is bound to
 * (RFC 9449 section 4.2). Each proof has a new `jti`, because a server accepts a proof only once. Runs on every
 * platform that has WebCrypto.
 *
 * @throws TypeError if the URL is not an absolute http or https URL.
 * @throws RangeError if the public key does not fit the signer's algorithm, or if the signature does not have 64
 *   bytes.
 * @example
 * ```ts
 * import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
 *
 * const url = 'https://api.example/orders'
 * const dpop = await signDpopProof(signer, { method: 'GET', url, nowS: Date.now() / 1_000, accessToken })
 * await fetch(url, { headers: { authorization: `DPoP ${accessToken}`, dpop } })
 * ```
 */
export async function signDpopProof(signer: AssertionSigner, content: DpopContent): Promise<string> {
  const { method, url, nowS, accessToken, nonce } = content
  const htu = normalizeHtu(url)
  if (htu === undefined) throw new TypeError('url must be an absolute http or https URL without user name and password')
  const ath = accessToken === undefined ? undefined : sha256Text(accessToken, 'base64url')
  const claims = { jti: newJti(), htm: method, htu, iat: Math.floor(nowS), ath, nonce }
  return signJwt(signer, { typ: DPOP_PROOF_TYPE, jwk: signerJwk(signer) }, claims)
}
