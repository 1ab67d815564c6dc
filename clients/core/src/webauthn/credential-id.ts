import { decodeBase64url } from '../encoding/base64.ts'

/** Largest size of a credential id, in bytes (WebAuthn level 3 section 4). */
const MAX_CREDENTIAL_ID_BYTES = 1_023

/**
 * Tells whether a text is a credential id of WebAuthn in canonical base64url: 1 to 1023 bytes.
 *
 * @example
 * ```ts
 * import { isCredentialId } from '@auth4agent/core/webauthn/credential-id'
 *
 * isCredentialId('AQID') // true
 * isCredentialId('') // false
 * ```
 */
export function isCredentialId(text: string): boolean {
  if (text.length > 2 * MAX_CREDENTIAL_ID_BYTES) return false
  const size = decodeBase64url(text)?.length ?? 0
  return size >= 1 && size <= MAX_CREDENTIAL_ID_BYTES
}
