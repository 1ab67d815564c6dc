import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { Signer } from '../signer.ts'

/** An implementation of Ed25519. */
export interface Ed25519 {
  /**
   * Loads a secret seed of 32 bytes (RFC 8032 section 5.1.5). The signer has its own copy, so the caller may overwrite
   * the seed.
   */
  importSeed(seed: Uint8Array): Promise<Signer>
  /** Verifies a pure Ed25519 signature strictly (RFC 8032 section 5.1.7). */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>
}

type Subtle = typeof globalThis.crypto.subtle
/** A key of WebCrypto. Its type comes from `importKey`, because not every platform declares a type named CryptoKey. */
export type PlatformKey = Awaited<ReturnType<Subtle['importKey']>>

/** A WebCrypto key pair, as `crypto.subtle.generateKey('Ed25519', …)` makes it. IndexedDB can store it. */
export interface WebCryptoKeyPair {
  readonly publicKey: PlatformKey
  readonly privateKey: PlatformKey
}

const ALGORITHM = 'Ed25519'
/** The bytes before the seed in PKCS #8 (RFC 8410 section 7). */
const PKCS8_PREFIX = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32)
const POINT_BYTES = 32
/** Public key of RFC 8032 section 7.1, test 1. */
const PROBE_KEY = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'

/** Loads noble on demand, because most platforms do not need it. */
const loadNoble = () => import('@noble/ed25519')

/** Ed25519 by @noble/ed25519, for platforms whose WebCrypto has SHA-512 but no Ed25519. */
export const nobleEd25519: Ed25519 = {
  async importSeed(seed) {
    const { getPublicKeyAsync, signAsync } = await loadNoble()
    const own = Uint8Array.from(seed)
    return { publicKey: await getPublicKeyAsync(own), sign: (message) => signAsync(message, own) }
  },
  async verify(publicKey, message, signature) {
    const { Point, verifyAsync } = await loadNoble()
    try {
      // noble multiplies by the cofactor, so it would accept an R with a torsion component. The others refuse such an
      // R.
      const r = Point.fromBytes(signature.subarray(0, POINT_BYTES))
      if (r.isSmallOrder() || !r.isTorsionFree()) return false
      return await verifyAsync(signature, message, publicKey, { zip215: false })
    } catch {
      return false
    }
  },
}

/** Ed25519 by WebCrypto, which keeps the private key out of reach of scripts. */
export function webCryptoEd25519(subtle: Subtle): Ed25519 {
  return {
    async importSeed(seed) {
      const pkcs8 = Uint8Array.of(...PKCS8_PREFIX, ...seed)
      try {
        const { x } = await subtle.exportKey('jwk', await subtle.importKey('pkcs8', pkcs8, ALGORITHM, true, ['sign']))
        const key = await subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign'])
        const publicKey = decodeBase64url(x ?? '')
        if (publicKey === undefined) throw new TypeError('WebCrypto exported a key without its public half')
        return { publicKey: Uint8Array.from(publicKey), sign: (message) => signBy(subtle, key, message) }
      } finally {
        pkcs8.fill(0)
      }
    },
    async verify(publicKey, message, signature) {
      const jwk = { kty: 'OKP', crv: ALGORITHM, x: encodeBase64url(publicKey) }
      const key = await subtle.importKey('jwk', jwk, ALGORITHM, false, ['verify'])
      return subtle.verify(ALGORITHM, key, Uint8Array.from(signature), Uint8Array.from(message))
    },
  }
}

/** Signs with a key of WebCrypto. */
export async function signBy(subtle: Subtle, key: PlatformKey, message: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await subtle.sign(ALGORITHM, key, Uint8Array.from(message)))
}

let chosen: Promise<Ed25519> | undefined

/** Returns the implementation for this platform. The first call chooses it. */
export function platformEd25519(): Promise<Ed25519> {
  chosen ??= chooseEd25519(globalThis.crypto.subtle)
  return chosen
}

/** Chooses WebCrypto if it has Ed25519 (WICG Secure Curves), otherwise noble. */
export async function chooseEd25519(subtle: Subtle): Promise<Ed25519> {
  try {
    await subtle.importKey('jwk', { kty: 'OKP', crv: ALGORITHM, x: PROBE_KEY }, ALGORITHM, false, ['verify'])
    return webCryptoEd25519(subtle)
  } catch {
    return nobleEd25519
  }
}
