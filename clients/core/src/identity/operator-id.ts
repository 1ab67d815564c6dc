import { hexToBytes } from '@noble/hashes/utils.js'
import { sha256Text } from '../encoding/sha256.ts'
import { uuidv8FromHash } from '../encoding/uuid.ts'

/** Parts of an operator's id: the server's issuer, the operator's A-label domain, and the root key's thumbprint. */
export type OperatorIdentity = { issuer: string; domain: string; thumbprint: string }

/**
 * Computes an operator's id: the UUIDv8 of SHA-256 over the JSON array `["<issuer>","<domain>","<thumbprint>"]`
 * without white space. JSON delimits the parts, so moving a character to another part changes the id.
 *
 * @example
 * ```ts
 * import { operatorId } from '@auth4agent/core/identity/operator-id'
 * import { thumbprint } from '@auth4agent/core/jose/thumbprint'
 *
 * operatorId({ issuer: 'https://auth.example', domain: 'acme.example', thumbprint: thumbprint(publicKey) })
 * ```
 */
export function operatorId({ issuer, domain, thumbprint }: OperatorIdentity): string {
  const name = JSON.stringify([issuer, domain, thumbprint])
  return uuidv8FromHash(hexToBytes(sha256Text(name, 'hex')))
}
