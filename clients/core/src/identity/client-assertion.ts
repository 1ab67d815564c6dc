import { sha256Text } from '../encoding/sha256.ts'
import { signerKid } from '../jose/signer-jwk.ts'
import { type AssertionSigner, assertionTimes } from './assertion.ts'
import { newJti, signJwt } from './sign-jwt.ts'

/** `typ` of a client assertion. The successor of RFC 7523 requires it, so that no other JWT can be one. */
export const CLIENT_ASSERTION_TYPE = 'client-authentication+jwt'

/**
 * Content of a client assertion.
 *
 * @example
 * ```ts
 * import type { ClientAssertionContent } from '@auth4agent/core/identity/client-assertion'
 *
 * const content: ClientAssertionContent = { did, issuer: 'https://auth.example', nowS: Date.now() / 1_000 }
 * ```
 */
export interface ClientAssertionContent {
  /** The agent, which is the client. */
  readonly did: string
  /** The server's issuer, byte for byte. */
  readonly issuer: string
  /** The agent's clock, in Unix seconds. */
  readonly nowS: number
  /** Seconds from `nowS` to the expiry; 60 by default. */
  readonly lifetimeS?: number | undefined
  /** Scopes of the token, separated by spaces. The signature covers them, so no other program can ask for more. */
  readonly scope?: string | undefined
  /** Audiences of the token (RFC 8707). The signature covers them. */
  readonly resource?: readonly string[] | undefined
  /** Parameter `authorization_details` of an exchange. The assertion has its digest. */
  readonly authorizationDetails?: string | undefined
  /** Parameter `subject_token` of an exchange. The assertion has its digest. */
  readonly subjectToken?: string | undefined
}

/**
 * Signs a client assertion, which authenticates an agent at the OAuth endpoints (`private_key_jwt`, RFC 7523
 * section 3). Each has a new `jti`, because the server accepts it only once. Runs on every platform that has
 * WebCrypto.
 *
 * @throws RangeError if the lifetime is not 1 to 270 whole seconds, if the public key does not fit the signer's
 *   algorithm, or if the signature does not have 64 bytes.
 * @example
 * ```ts
 * import { signClientAssertion } from '@auth4agent/core/identity/client-assertion'
 *
 * const assertion = await signClientAssertion(signer, {
 *   did,
 *   issuer: 'https://auth.example',
 *   nowS: Date.now() / 1_000,
 *   scope: 'orders:read',
 * })
 * ```
 */
export async function signClientAssertion(signer: AssertionSigner, content: ClientAssertionContent): Promise<string> {
  const { did, issuer, nowS, lifetimeS, scope, resource, authorizationDetails, subjectToken } = content
  const terms = { scope, resource, details: digestOf(authorizationDetails), subject_token: digestOf(subjectToken) }
  const claims = { iss: did, sub: did, aud: issuer, ...assertionTimes(nowS, lifetimeS), jti: newJti(), ...terms }
  return signJwt(signer, { typ: CLIENT_ASSERTION_TYPE, kid: signerKid(signer) }, claims)
}

function digestOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : sha256Text(text, 'base64url')
}
