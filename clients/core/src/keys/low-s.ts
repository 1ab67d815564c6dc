const FIELD_BYTES = 32
/** Half the order of P-256 (SEC 2 section 2.4.2), rounded down. */
const HIGHEST_LOW_S = Uint8Array.from(
  '7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8'.match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
)

/**
 * Tells whether S of an ECDSA signature R || S over P-256 is the lower of the two valid values. Verifiers refuse the
 * higher S: anyone could compute it from the lower S, and one token would have two texts.
 *
 * @example
 * ```ts
 * import { isLowS } from '@auth4agent/core/keys/low-s'
 *
 * isLowS(signature) // false for the higher of the two values of S
 * ```
 */
export function isLowS(signature: Uint8Array): boolean {
  for (const [index, highest] of HIGHEST_LOW_S.entries()) {
    const byte = signature[FIELD_BYTES + index] ?? 0
    if (byte !== highest) return byte < highest
  }
  return true
}
