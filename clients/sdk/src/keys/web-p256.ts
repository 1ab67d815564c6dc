import type { PlatformKey } from './platform.ts'

const KEY = { name: 'ECDSA', namedCurve: 'P-256' }
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' }

/** Generates a key pair of P-256 whose private key no script can export. */
export function generateP256() {
  return crypto.subtle.generateKey(KEY, false, ['sign', 'verify'])
}

/** Signs with a private key of P-256 that is in WebCrypto: ES256, R || S (RFC 7518 section 3.4). */
export async function signByP256(key: PlatformKey, message: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign(SIGNATURE, key, Uint8Array.from(message)))
}

/** Verifies ES256. Returns false also for a public key that is not on the curve. */
export async function verifyP256(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const { subtle } = crypto
  const key = await subtle.importKey('raw', Uint8Array.from(publicKey), KEY, false, ['verify']).catch(() => undefined)
  return key !== undefined && subtle.verify(SIGNATURE, key, Uint8Array.from(signature), Uint8Array.from(message))
}

/** Tells whether a key of WebCrypto is of P-256. */
export function isP256({ algorithm }: PlatformKey): boolean {
  return algorithm.name === KEY.name && 'namedCurve' in algorithm && algorithm.namedCurve === KEY.namedCurve
}
