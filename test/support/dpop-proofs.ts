import type { DpopRules } from '@auth4agent/core/dpop/dpop-proof'
import { NOW_S } from './assertions.ts'
import type { TestTokenKey } from './token-keys.ts'

/** The request that a good proof is for. */
export const DPOP_RULES: DpopRules = {
  method: 'GET',
  url: 'https://api.example/orders?page=1',
  nowS: NOW_S,
  skewS: 10,
}

/** Members that replace those of a good proof. A member that is undefined is left out. */
export interface ProofEdits {
  readonly header?: object
  readonly claims?: object
}

/** Creates a DPoP proof for {@link DPOP_RULES} with a key for EdDSA, Ed25519 or ES256, changed by `edits`. */
export function dpopProof(key: TestTokenKey, { header, claims }: ProofEdits = {}): string {
  const good = { jti: 'proof-1', htm: 'GET', htu: 'https://api.example/orders', iat: NOW_S }
  return key.sign({ typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk, ...header }, { ...good, ...claims })
}
