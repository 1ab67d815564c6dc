import {
  constants,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  sign,
} from 'node:crypto'
import { publicArea, sized, u16, u32 } from './encode.ts'

/**
 * Keys of a TPM in memory. They sign everything, so tests can show that evidence which a real TPM would not sign is
 * refused.
 */
export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** Attributes that tpm2-tools give to endorsement and attestation keys. */
export const EK_ATTRIBUTES = 0x000300b2
export const AK_ATTRIBUTES = 0x00050072
export const AES_128_CFB = [0x0006, 128, 0x0043] as const
export const SHA256 = 0x000b
export const RSASSA = 0x0014
export const RSAPSS = 0x0016
export const ECDSA = 0x0018
/** The handle of the endorsement hierarchy. */
export const ENDORSEMENT = u32(0x4000000b)

export function eccPair(namedCurve = 'P-256'): KeyPair {
  return generateKeyPairSync('ec', { namedCurve })
}

export function rsaPair(modulusLength = 2048): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength })
}

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

/** The name of an object, or its qualified name if the name of its parent comes first. */
export function nameOf(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([u16(SHA256), sha256(...parts)])
}

/** TPMT_PUBLIC of an endorsement key. */
export function ekArea(key: KeyObject): Buffer {
  return publicArea({ key, attributes: EK_ATTRIBUTES, symmetric: AES_128_CFB })
}

/** TPMT_PUBLIC of an attestation key with ECDSA. */
export function akArea(key: KeyObject): Buffer {
  return publicArea({ key, attributes: AK_ATTRIBUTES, scheme: [ECDSA, SHA256] })
}

/** TPMT_SIGNATURE by a key with P-256. */
export function signQuote(quote: Uint8Array, { privateKey: key }: KeyPair, algorithm = ECDSA, hash = SHA256): Buffer {
  const bytes = sign('sha256', quote, { key, dsaEncoding: 'ieee-p1363' })
  return Buffer.concat([u16(algorithm, hash), sized(bytes.subarray(0, 32)), sized(bytes.subarray(32))])
}

/** TPMT_SIGNATURE by a key with RSA. */
export function signRsa(quote: Uint8Array, { privateKey: key }: KeyPair, algorithm: number): Buffer {
  const padding = algorithm === RSAPSS ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
  return Buffer.concat([u16(algorithm, SHA256), sized(sign('sha256', quote, { key, padding }))])
}

/** Decrypts a credential as a TPM does (TPM2_ActivateCredential). Throws Error if it is for another key. */
export function activateCredential(ek: KeyPair, akName: Uint8Array, blob: Buffer, encryptedSeed: Buffer): Buffer {
  const seed = decryptSeed(ek, encryptedSeed.subarray(2))
  const mac = blob.subarray(4, 36)
  const identity = blob.subarray(36)
  const macKey = derive(seed, 'INTEGRITY', Buffer.alloc(0), 256)
  const expected = createHmac('sha256', macKey).update(identity).update(akName).digest()
  if (!mac.equals(expected)) throw new Error('The credential is for another key')
  const decipher = createDecipheriv('aes-128-cfb', derive(seed, 'STORAGE', akName, 128), Buffer.alloc(16))
  return Buffer.concat([decipher.update(identity), decipher.final()]).subarray(2)
}

function decryptSeed({ privateKey: key, publicKey }: KeyPair, encrypted: Buffer): Buffer {
  if (key.asymmetricKeyType === 'rsa') {
    const oaepLabel = Buffer.from('IDENTITY\0')
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel }, encrypted)
  }
  const [x, y] = [encrypted.subarray(2, 34), encrypted.subarray(36)]
  const jwk = { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url') }
  const shared = diffieHellman({ privateKey: key, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) })
  const own = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  return sha256(u32(1), shared, Buffer.from('IDENTITY\0'), x, own)
}

function derive(seed: Uint8Array, label: string, context: Uint8Array, bits: number): Buffer {
  const input = Buffer.concat([u32(1), Buffer.from(`${label}\0`), context, u32(bits)])
  return createHmac('sha256', seed)
    .update(input)
    .digest()
    .subarray(0, bits / 8)
}
