import { thumbprint } from '../jose/thumbprint.ts'
import { type AssertionSigner, assertionTimes } from './assertion.ts'
import { newJti, signJwt } from './sign-jwt.ts'

/** `typ` of a root key's approval of a request. */
export const OPERATOR_APPROVAL_TYPE = 'auth4agent-operator-approval+jwt'
/** Name of the HTTP header or gRPC metadata entry with the approvals of a request, separated by commas. */
export const APPROVAL_HEADER = 'auth4agent-approval'
/** Longest lifetime of an approval, from `iat` to `exp`, in seconds: 7 days. */
export const MAX_APPROVAL_LIFETIME_S = 7 * 86_400
/** Largest number of approvals of one request. */
export const MAX_APPROVALS = 8
/** Largest size of an approval, in bytes. */
export const MAX_APPROVAL_BYTES = 4_096

const LIFETIME_S = 86_400

/**
 * Content of an approval.
 *
 * @example
 * ```ts
 * import type { ApprovalContent } from '@auth4agent/core/identity/operator-approval'
 *
 * const content: ApprovalContent = {
 *   operatorId,
 *   issuer: 'https://auth.example',
 *   nowS: Date.now() / 1_000,
 *   rpc: `PUT /v1/operators/${operatorId}/keys`,
 *   bodyDigest,
 * }
 * ```
 */
export interface ApprovalContent {
  readonly operatorId: string
  /** The server's issuer, byte for byte. */
  readonly issuer: string
  /** The signer's clock, in Unix seconds. */
  readonly nowS: number
  /** The one call that is approved: `METHOD /path` without the query, or `package.Service/Method`. */
  readonly rpc: string
  /** SHA-256 of the request body (REST, Connect) or of the message bytes (gRPC), in base64url. */
  readonly bodyDigest: string
  /** Seconds from `nowS` to the expiry; one day by default. */
  readonly lifetimeS?: number | undefined
}

/**
 * Signs the approval of one request by a root key. The caller sends the same request with an assertion of another root
 * key, and the approval in the header {@link APPROVAL_HEADER}. The server accepts an approval for one change only.
 * Runs on every platform that has WebCrypto.
 *
 * @throws RangeError if the lifetime is not 1 second to 7 days less half a minute, if the public key does not have 32
 *   bytes, or if the signature does not have 64 bytes.
 * @example
 * ```ts
 * import { APPROVAL_HEADER, signOperatorApproval } from '@auth4agent/core/identity/operator-approval'
 * import { sha256Text } from '@auth4agent/core/encoding/sha256'
 *
 * const body = JSON.stringify({ manifest })
 * const approval = await signOperatorApproval(secondRootSigner, {
 *   operatorId,
 *   issuer: 'https://auth.example',
 *   nowS: Date.now() / 1_000,
 *   rpc: `PUT /v1/operators/${operatorId}/keys`,
 *   bodyDigest: sha256Text(body, 'base64url'),
 * })
 * await fetch(url, { method: 'PUT', body, headers: { authorization, [APPROVAL_HEADER]: approval } })
 * ```
 */
export async function signOperatorApproval(signer: AssertionSigner, content: ApprovalContent): Promise<string> {
  const { operatorId, issuer, nowS, rpc, bodyDigest, lifetimeS = LIFETIME_S } = content
  const { iat } = assertionTimes(nowS)
  const exp = Math.floor(nowS) + lifetimeS
  if (!Number.isInteger(lifetimeS) || lifetimeS < 1 || exp - iat > MAX_APPROVAL_LIFETIME_S) {
    const most = MAX_APPROVAL_LIFETIME_S - (Math.floor(nowS) - iat)
    throw new RangeError(`lifetimeS must be 1 to ${most} whole seconds`)
  }
  const claims = { iss: operatorId, sub: operatorId, aud: issuer, iat, exp, jti: newJti(), rpc, body: bodyDigest }
  return signJwt(signer, { typ: OPERATOR_APPROVAL_TYPE, kid: thumbprint(signer.publicKey) }, claims)
}
