import { hexToBytes } from '@noble/hashes/utils.js'
import { sha256Text } from '../encoding/sha256.ts'
import { uuidv8FromHash } from '../encoding/uuid.ts'

/** What an operator id is made of: the server's issuer, the operator's A-label domain, its root key's RFC 7638 thumbprint. */
export type OperatorIdentity = { issuer: string; domain: string; thumbprint: string }

/**
 * The id of an operator: UUIDv8 of SHA-256 over the UTF-8 JSON array `["<issuer>","<domain>","<thumbprint>"]` without
 * whitespace. JSON keeps the three apart, so no two operators share an id by moving characters from one into another.
 */
export function operatorId({ issuer, domain, thumbprint }: OperatorIdentity): string {
  const name = JSON.stringify([issuer, domain, thumbprint])
  return uuidv8FromHash(hexToBytes(sha256Text(name, 'hex')))
}
