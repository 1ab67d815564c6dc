import { readProofKey } from '../dpop/proof-key.ts'
import type { Ed25519Jwk } from '../jose/public-jwk.ts'
import { GRANT_ALGORITHM } from './grant-types.ts'
import type { HolderKey } from './verify-grant.ts'

/**
 * Imports the key of a holder with the engine of this process. It remembers the keys that have signed.
 *
 * @returns undefined unless the key is a point of the prime-order subgroup in canonical form.
 * @example
 * ```ts
 * import { importHolderKey } from '@auth4agent/core/delegation/holder-key'
 *
 * const isSigned = importHolderKey(jwk)?.verify(signingInput, signature) ?? false
 * ```
 */
export function importHolderKey(jwk: Ed25519Jwk): HolderKey | undefined {
  return readProofKey(GRANT_ALGORITHM, { ...jwk })
}
