import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { uuidv8FromHash } from '@auth4agent/core/encoding/uuid'
import type { TrustStatement } from '@auth4agent/core/trust/statement'

/**
 * Computes the id of the edge that a statement makes: the UUIDv8 of SHA-256 over the JSON array
 * `["<home>","<iss>","<jti>"]` without white space. It is the same at every deployment, and no signer can choose the
 * id of another signer's edge. Records of the revocation log name it.
 */
export function edgeId({ home, iss, jti }: Pick<TrustStatement, 'home' | 'iss' | 'jti'>): string {
  return uuidv8FromHash(Buffer.from(sha256Text(JSON.stringify([home, iss, jti]), 'hex'), 'hex'))
}
