import { sha256Text } from '../encoding/sha256.ts'
import { encodeUtf8 } from '../encoding/utf8.ts'

/**
 * Returns the bytes that an agent signs with its identity key for each evidence.
 *
 * @param evidence the evidence, as it is sent
 * @param nonce the nonce, as the server returned it
 * @example
 * ```ts
 * import { attestationMessage } from '@auth4agent/core/identity/attestation'
 *
 * const signature = privateKey.sign(attestationMessage(evidence, nonce))
 * ```
 */
export function attestationMessage(evidence: Uint8Array, nonce: string): Uint8Array {
  return encodeUtf8(`auth4agents-attestation:${sha256Text(evidence, 'base64url')}:${nonce}`)
}
