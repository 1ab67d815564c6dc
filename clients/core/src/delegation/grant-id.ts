import { sha256Text } from '../encoding/sha256.ts'

/**
 * Returns the id of a grant: the SHA-256 of its signing input, base64url. The child of a grant names the id in
 * `par_hash`. The signer cannot choose it, and it does not depend on the form of the signature.
 *
 * @example
 * ```ts
 * import { grantId } from '@auth4agent/core/delegation/grant-id'
 *
 * const parHash = grantId(parent.signingInput)
 * ```
 */
export function grantId(signingInput: Uint8Array): string {
  return sha256Text(signingInput, 'base64url')
}
