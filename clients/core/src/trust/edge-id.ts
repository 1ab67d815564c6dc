import { hexToBytes } from '@noble/hashes/utils.js'
import { sha256Text } from '../encoding/sha256.ts'
import { uuidv8FromHash } from '../encoding/uuid.ts'
import type { TrustStatement } from './statement.ts'

/**
 * Computes the id of the edge that a statement makes: the UUIDv8 of SHA-256 over the JSON array
 * `["<home>","<iss>","<jti>"]` without white space. It is the same at every deployment, and no signer can choose the
 * id of another signer's edge. Records of the revocation log name it.
 *
 * @example
 * ```ts
 * import { edgeId } from '@auth4agent/core/trust/edge-id'
 *
 * const id = edgeId(statement)
 * ```
 */
export function edgeId({ home, iss, jti }: Pick<TrustStatement, 'home' | 'iss' | 'jti'>): string {
  return uuidv8FromHash(hexToBytes(sha256Text(JSON.stringify([home, iss, jti]), 'hex')))
}
