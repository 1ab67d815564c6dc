import { createCipheriv, createDecipheriv, createHmac, createSecretKey, KeyObject, randomBytes } from 'node:crypto'

/** A key-encryption key: 32 secret bytes, as a loaded key or as bytes. */
export type KeyEncryptionKey = KeyObject | Uint8Array
/** The record of a secret. The envelope authenticates it, so a secret copied to another record does not open. */
export type WrappedRecord = { purpose: string; id: string }
/** Returns `size` secret random bytes. */
export type RandomSource = (size: number) => Uint8Array

const ALGORITHM = 'aes-256-gcm'
const VERSION = 1
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const WRAPPED_DATA_KEY_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES
const SMALLEST_ENVELOPE = 1 + WRAPPED_DATA_KEY_BYTES + NONCE_BYTES + TAG_BYTES

/**
 * Seals a secret for storage. A new data key encrypts the secret, and the key-encryption key encrypts the data key,
 * both with AES-256-GCM (NIST SP 800-38D). No two records share a data key, so the number of random nonces under one
 * key stays far below the limit of GCM.
 *
 * Layout: version (1 byte) || sealed data key (60) || sealed secret (28 + its length). Each sealed part is
 * nonce || ciphertext || tag.
 *
 * @throws RangeError when the key-encryption key does not have 32 bytes, which is a configuration error
 */
export function wrapKey(
  kek: KeyEncryptionKey,
  secret: Uint8Array,
  record: WrappedRecord,
  random: RandomSource = randomBytes,
): Buffer {
  const outer = loadKek(kek)
  const dataKey = random(KEY_BYTES)
  const envelope = Buffer.concat([
    Buffer.from([VERSION]),
    seal(outer, dataKey, associatedData('data-key', record), random(NONCE_BYTES)),
    seal(createSecretKey(dataKey), secret, associatedData('secret', record), random(NONCE_BYTES)),
  ])
  dataKey.fill(0)
  return envelope
}

/**
 * Opens an envelope that {@link wrapKey} sealed for the same record under the same key-encryption key.
 *
 * @returns the secret, or undefined if the envelope is altered or truncated, or if its key, record or version is a
 * different one
 * @throws RangeError when the key-encryption key does not have 32 bytes, which is a configuration error
 */
export function unwrapKey(kek: KeyEncryptionKey, envelope: Uint8Array, record: WrappedRecord): Buffer | undefined {
  const outer = loadKek(kek)
  if (envelope.length < SMALLEST_ENVELOPE || envelope[0] !== VERSION) return undefined
  const secretStart = 1 + WRAPPED_DATA_KEY_BYTES
  const dataKey = open(outer, envelope.subarray(1, secretStart), associatedData('data-key', record))
  if (dataKey === undefined) return undefined
  const secret = open(createSecretKey(dataKey), envelope.subarray(secretStart), associatedData('secret', record))
  dataKey.fill(0)
  return secret
}

/**
 * Returns the public name of a key-encryption key: 16 hex characters that reveal nothing about the key. It is stored
 * with each envelope, to distinguish a wrong key from a damaged record.
 *
 * @throws RangeError when the key-encryption key does not have 32 bytes
 */
export function kekId(kek: KeyEncryptionKey): string {
  return createHmac('sha256', loadKek(kek)).update('auth4agent-kek-id').digest('hex').slice(0, 16)
}

function loadKek(kek: KeyEncryptionKey): KeyObject {
  const key = kek instanceof KeyObject ? kek : createSecretKey(kek)
  if (key.symmetricKeySize !== KEY_BYTES) throw new RangeError(`A key-encryption key must have ${KEY_BYTES} bytes`)
  return key
}

function associatedData(layer: 'data-key' | 'secret', { purpose, id }: WrappedRecord): Buffer {
  return Buffer.from(JSON.stringify(['auth4agent-key-wrap', VERSION, layer, purpose, id]))
}

function seal(key: KeyObject, plaintext: Uint8Array, aad: Buffer, nonce: Uint8Array): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad)
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function open(key: KeyObject, sealed: Uint8Array, aad: Buffer): Buffer | undefined {
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const ciphertext = sealed.subarray(NONCE_BYTES, -TAG_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(aad).setAuthTag(sealed.subarray(-TAG_BYTES))
  const plaintext = decipher.update(ciphertext)
  try {
    decipher.final()
    return plaintext
  } catch {
    plaintext.fill(0)
    return undefined
  }
}
