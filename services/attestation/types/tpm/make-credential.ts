import {
  constants,
  createCipheriv,
  createECDH,
  createHmac,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { sha256 } from './structures/digest.ts'

/** A secret that only one TPM can decrypt, and only while it holds a certain key. */
export interface Credential {
  /** TPM2B_ID_OBJECT: the encrypted secret and its MAC. */
  readonly credentialBlob: Uint8Array
  /** TPM2B_ENCRYPTED_SECRET: the seed, encrypted for the endorsement key. */
  readonly encryptedSeed: Uint8Array
}

const SEED_BYTES = 32
const SYMMETRIC_BITS = 128
const HASH_BITS = 256
const COORDINATE_BYTES = 32
const LABEL = 'IDENTITY'
const NOTHING = new Uint8Array()

/**
 * Encrypts a secret for a TPM (TPM2_MakeCredential: Part 1 section 24, annexes B.10.4 and C.6.4). The TPM gives the
 * secret out only while it holds the key with the name `keyName` beside the endorsement key. The endorsement key has
 * the hash SHA-256 and the symmetric algorithm AES-128-CFB.
 */
export function makeCredential(endorsementKey: KeyObject, keyName: Uint8Array, secret: Uint8Array): Credential {
  const isRsa = endorsementKey.asymmetricKeyType === 'rsa'
  const { seed, encrypted } = isRsa ? encryptSeed(endorsementKey) : agreeOnSeed(endorsementKey)
  const key = deriveKey(seed, 'STORAGE', keyName, SYMMETRIC_BITS)
  // The initialization vector may be zero, because the key is used once.
  const cipher = createCipheriv('aes-128-cfb', key, new Uint8Array(16))
  const identity = Buffer.concat([cipher.update(sized(secret)), cipher.final()])
  const macKey = deriveKey(seed, 'INTEGRITY', NOTHING, HASH_BITS)
  const mac = createHmac('sha256', macKey).update(identity).update(keyName).digest()
  return { credentialBlob: sized(Buffer.concat([sized(mac), identity])), encryptedSeed: sized(encrypted) }
}

interface Seed {
  readonly seed: Uint8Array
  readonly encrypted: Uint8Array
}

function encryptSeed(key: KeyObject): Seed {
  const seed = randomBytes(SEED_BYTES)
  const oaepLabel = Buffer.from(`${LABEL}\0`)
  const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel }
  return { seed, encrypted: publicEncrypt(options, seed) }
}

/** Derives the seed from a Diffie-Hellman exchange with a new key (KDFe, Part 1 section 11.4.10.3). */
function agreeOnSeed(key: KeyObject): Seed {
  const own = createECDH('prime256v1')
  const point = own.generateKeys()
  const [x, y] = [point.subarray(1, 1 + COORDINATE_BYTES), point.subarray(1 + COORDINATE_BYTES)]
  const { x: otherX, y: otherY } = readPoint(key)
  const shared = own.computeSecret(Buffer.concat([Uint8Array.of(4), otherX, otherY]))
  const seed = sha256(bigEndian(1), shared, Buffer.from(`${LABEL}\0`), x, otherX)
  return { seed, encrypted: Buffer.concat([sized(x), sized(y)]) }
}

/** Derives a key (KDFa, Part 1 section 11.4.10.2). One round of SHA-256 is enough for its bits. */
function deriveKey(seed: Uint8Array, label: string, context: Uint8Array, bits: number): Buffer {
  const mac = createHmac('sha256', seed).update(bigEndian(1)).update(`${label}\0`).update(context)
  return mac
    .update(bigEndian(bits))
    .digest()
    .subarray(0, bits / 8)
}

function readPoint(key: KeyObject): { readonly x: Uint8Array; readonly y: Uint8Array } {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  return { x: decodeBase64url(x) ?? NOTHING, y: decodeBase64url(y) ?? NOTHING }
}

function sized(bytes: Uint8Array): Buffer {
  return Buffer.concat([bigEndian(bytes.length).subarray(2), bytes])
}

function bigEndian(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number)
  return bytes
}
