import { randomUUID } from 'node:crypto'
import { dpopProof, type ProofEdits } from '../../support/dpop-proofs.ts'
import { type TestTokenKey, testTokenKey } from '../../support/token-keys.ts'
import type { ProofTarget, Transport } from '../support/refusal.ts'

/** All transports of the server. */
export const EVERYWHERE: readonly Transport[] = ['rest', 'grpc', 'connect', 'grpc-web']

/** Keys of the algorithms that may sign proofs. */
export const PROOF_KEYS = {
  EdDSA: testTokenKey('EdDSA'),
  Ed25519: testTokenKey('Ed25519'),
  ES256: testTokenKey('ES256'),
} as const
/** Creates a proof for a request at this moment, changed by `edits`. */
export function proofFor(
  { method, url }: ProofTarget,
  edits: ProofEdits = {},
  key: TestTokenKey = PROOF_KEYS.ES256,
): string {
  const claims = { jti: randomUUID(), htm: method, htu: url, iat: Math.floor(Date.now() / 1000), ...edits.claims }
  return dpopProof(key, { ...edits, claims })
}
