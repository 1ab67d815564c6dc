import {
  createPrivateKey,
  createPublicKey,
  sign as cryptoSign,
  verify as cryptoVerify,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { Point } from '@noble/ed25519'
import { decodeBase64url, encodeBase64url } from './base64.ts'

/** A loaded public key. Opaque: only this module looks inside, so that another engine can take its place. */
export type VerifyingKey = KeyObject
/** A loaded private key. Opaque, see {@link VerifyingKey}; printing it shows no secret. */
export type SigningKey = KeyObject

/** A key pair with the raw halves that are stored: 32-byte public key and 32-byte secret seed (RFC 8032 section 5.1.5). */
export type KeyPair = { publicKey: Uint8Array; privateKey: SigningKey; seed: Uint8Array }

/** A raw 32-byte public key in the one canonical encoding of a point of the prime-order subgroup. */
export type AdmittedKey = { ok: true; raw: Uint8Array }
/** Why a public key is not admitted. */
export type KeyRefusal = {
  ok: false
  /**
   * `length`: not 32 bytes. `not-on-curve`: no point has this y. `non-canonical`: a second encoding of some point
   * (y >= p, or the sign of x = 0 set). `small-order`: signatures can be made that hold for any message.
   * `mixed-order`: a torsion component, on which verifiers disagree about what is a valid signature.
   */
  why: 'length' | 'not-on-curve' | 'non-canonical' | 'small-order' | 'mixed-order'
}

const KEY_BYTES = 32
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const CACHED_KEYS = 10_000

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

/**
 * Makes an importer with its own cache of at most `capacity` keys, the least recently used one leaving first.
 * Importing costs as much as signing, a hit of the cache almost nothing.
 */
export function createPublicKeyImporter(capacity: number): (rawKey: Uint8Array) => VerifyingKey | undefined {
  const cache = new Map<string, VerifyingKey>()
  return (rawKey) => {
    if (rawKey.length !== KEY_BYTES) return undefined
    const x = encodeBase64url(rawKey)
    const cached = cache.get(x)
    const key = cached ?? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    // A Map iterates in order of insertion: putting the entry back last makes the first one the oldest.
    if (cached !== undefined) cache.delete(x)
    cache.set(x, key)
    if (cache.size > capacity) cache.delete(cache.keys().next().value ?? x)
    return key
  }
}

/** Loads a raw public key that was admitted before. Returns undefined unless it has 32 bytes. */
export const importPublicKey = createPublicKeyImporter(CACHED_KEYS)

/** Loads a key pair from its 32-byte secret seed (RFC 8032 section 5.1.5). Returns undefined for any other length. */
export function importSeed(seed: Uint8Array): KeyPair | undefined {
  if (seed.length !== KEY_BYTES) return undefined
  const der = Buffer.concat([PKCS8_PREFIX, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  const publicKey = decodeBase64url(createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '')
  return publicKey && { publicKey, privateKey, seed: Uint8Array.from(seed) }
}

/** Makes a new key pair. `random` returns that many secret random bytes. */
export function generateKeyPair(random: (size: number) => Uint8Array = randomBytes): KeyPair {
  const pair = importSeed(random(KEY_BYTES))
  if (pair === undefined) throw new RangeError(`an Ed25519 seed has ${KEY_BYTES} bytes`)
  return pair
}

/** Signs a message with pure Ed25519 (RFC 8032 section 5.1.6). Returns 64 bytes. */
export function sign(privateKey: SigningKey, message: Uint8Array): Uint8Array {
  return cryptoSign(null, message, privateKey)
}

/**
 * Verifies pure Ed25519 strictly (RFC 8032 section 5.1.7, without cofactor). The key must be an admitted one. False for a
 * signature that is not 64 bytes, has S >= L, an R of small order or one in another than its canonical form: Node from
 * 24.19 on refuses these itself, and the tests and conformance vectors hold it, or any other engine put here, to that.
 */
export function verify(publicKey: VerifyingKey, message: Uint8Array, signature: Uint8Array): boolean {
  return cryptoVerify(null, message, publicKey, signature)
}

function decodePoint(bytes: Uint8Array, encodings: 'canonical' | 'any'): Point | undefined {
  try {
    return Point.fromBytes(bytes, encodings === 'any')
  } catch {
    return undefined
  }
}
