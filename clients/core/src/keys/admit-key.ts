import { Point } from '@noble/ed25519'

/** A raw 32-byte public key: the canonical encoding of a point in the prime-order subgroup. */
type AdmittedKey = { ok: true; raw: Uint8Array }
/** Why a public key is not admitted. */
type KeyRefusal = {
  ok: false
  /**
   * - `length`: the key does not have 32 bytes.
   * - `not-on-curve`: no point of the curve has this y.
   * - `non-canonical`: a second encoding of a point (y >= p, or the sign of x = 0 is set).
   * - `small-order`: an attacker can make signatures that are valid for every message.
   * - `mixed-order`: the point has a torsion component, so verifiers disagree which signatures are valid.
   */
  why: 'length' | 'not-on-curve' | 'non-canonical' | 'small-order' | 'mixed-order'
}

const KEY_BYTES = 32

/**
 * Decides whether bytes may be registered as an Ed25519 public key. node:crypto checks none of this on import.
 * It takes about a millisecond, so call it once, when a key is registered.
 *
 * @example
 * ```ts
 * import { admitPublicKey } from '@auth4agent/core/keys/admit-key'
 *
 * const admission = admitPublicKey(bytes)
 * if (!admission.ok) throw new TypeError(`The public key is refused: ${admission.why}`)
 * ```
 */
export function admitPublicKey(bytes: Uint8Array): AdmittedKey | KeyRefusal {
  if (bytes.length !== KEY_BYTES) return { ok: false, why: 'length' }
  const point = decodePoint(bytes, 'canonical')
  if (point === undefined) {
    return { ok: false, why: decodePoint(bytes, 'any') === undefined ? 'not-on-curve' : 'non-canonical' }
  }
  if (point.isSmallOrder()) return { ok: false, why: 'small-order' }
  if (!point.isTorsionFree()) return { ok: false, why: 'mixed-order' }
  return { ok: true, raw: Uint8Array.from(bytes) }
}

function decodePoint(bytes: Uint8Array, encodings: 'canonical' | 'any'): Point | undefined {
  try {
    return Point.fromBytes(bytes, encodings === 'any')
  } catch {
    return undefined
  }
}
