import type { P256Signer } from '../signer.ts'
import { checkedSigner } from './checked-signer.ts'
import type { PlatformKey, WebCryptoKeyPair } from './platform.ts'

const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const

/**
 * Generates a P-256 key pair that no script can export, for an operational key of an operator or an added key of an
 * agent. IndexedDB can store it.
 *
 * @example
 *
 * ```ts
 * import { createOperator, generateP256KeyPair, signerFromP256KeyPair } from '@auth4agent/sdk'
 *
 * const key = await signerFromP256KeyPair(await generateP256KeyPair())
 * const operator = createOperator({ server, operatorId, key })
 * ```
 */
export async function generateP256KeyPair(): Promise<WebCryptoKeyPair> {
  return crypto.subtle.generateKey(KEY, false, ['sign', 'verify'])
}

/**
 * Makes a signer from a WebCrypto key pair of P-256. Rejects with TypeError unless its private key may sign.
 *
 * @example
 *
 * ```ts
 * import { generateP256KeyPair, signerFromP256KeyPair } from '@auth4agent/sdk'
 *
 * const key = await signerFromP256KeyPair(await generateP256KeyPair())
 * ```
 */
export async function signerFromP256KeyPair({ publicKey, privateKey }: WebCryptoKeyPair): Promise<P256Signer> {
  if (!isP256(privateKey) || !isP256(publicKey) || !privateKey.usages.includes('sign')) {
    throw new TypeError('The key pair must be of P-256, with a private key that may sign')
  }
  const point = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))
  const sign = async (message: Uint8Array) =>
    new Uint8Array(await crypto.subtle.sign(SIGNATURE, privateKey, Uint8Array.from(message)))
  return checkedSigner({ alg: 'ES256', publicKey: point, sign })
}

/** Tells whether a key of WebCrypto is of P-256. */
export function isP256({ algorithm }: PlatformKey): boolean {
  return algorithm.name === KEY.name && 'namedCurve' in algorithm && algorithm.namedCurve === KEY.namedCurve
}
