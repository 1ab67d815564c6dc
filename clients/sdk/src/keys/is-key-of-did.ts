import { parseDid } from '@auth4agent/core/identity/did'

const FINGERPRINT_LENGTH = 32

/**
 * Tells whether a public key is the first key of an agent, which its DID names. Uses WebCrypto, so that a page needs
 * no code for SHA-256.
 */
export async function isKeyOfDid(publicKey: Uint8Array, did: string): Promise<boolean> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(publicKey)))
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return parseDid(did)?.fingerprint === hex.slice(0, FINGERPRINT_LENGTH)
}
