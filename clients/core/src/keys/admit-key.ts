import { Point } from '@noble/ed25519'

/** A raw 32-byte public key in the one canonical encoding of a point of the prime-order subgroup. */
type AdmittedKey = { ok: true; raw: Uint8Array }
/** Why a public key is not admitted. */
type KeyRefusal = {
  ok: false
  /**
   * `length`: not 32 bytes. `not-on-curve`: no point has this y. `non-canonical`: a second encoding of some point
   * (y >= p, or the sign of x = 0 set). `small-order`: signatures can be made that hold for any message.
   * `mixed-order`: a torsion component, on which verifiers disagree about what is a valid signature.
   */
  why: 'length' | 'not-on-curve' | 'non-canonical' | 'small-order' | 'mixed-order'
}

const KEY_BYTES = 32

/**
 * Decides whether bytes may be registered as an Ed25519 public key. node:crypto checks none of this when it imports a key.
 * Costs about a millisecond: done once, when a key enters the system.
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
