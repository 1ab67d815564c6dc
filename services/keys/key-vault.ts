import { createSecretKey, KeyObject } from 'node:crypto'
import { type KeyEncryptionKey, kekId, unwrapKey, type WrappedRecord, wrapKey } from '../platform/crypto/key-wrap.ts'
import { StartupError } from '../platform/errors/startup-error.ts'

/** A secret as a row keeps it. */
export interface Sealed {
  readonly wrapped: Uint8Array<ArrayBuffer>
  /** Id of the key-encryption key that it is sealed under. */
  readonly kekId: string
}

/** Seals and opens the secrets of rows under the deployment's key-encryption keys: one seals, all open. */
export interface KeyVault {
  /** Id of the key-encryption key that seals. */
  readonly kekId: string
  seal(secret: Uint8Array, record: WrappedRecord): Sealed
  /** Throws WrongKeyError when the row was sealed under a key that is not configured, or does not authenticate. */
  open(wrapped: Uint8Array, sealedUnder: string | null, record: WrappedRecord): Buffer
  /** Seals again, under the key that seals, what is sealed under any. Throws as `open` does. */
  reseal(wrapped: Uint8Array, sealedUnder: string | null, record: WrappedRecord): Sealed
}

/** What is sealed in the database does not open under the configured key-encryption keys. Nothing has been written. */
export class WrongKeyError extends StartupError {
  override readonly name = 'WrongKeyError'
}

/**
 * A vault over key-encryption keys of 32 bytes: one that seals, and others that open what was sealed before, or what instances
 * that are ahead seal already. Naming a key twice does no harm. Throws RangeError for a key of another length.
 */
export function createKeyVault(kek: KeyEncryptionKey, others: readonly KeyEncryptionKey[] = []): KeyVault {
  const sealing = load(kek)
  const sealingId = kekId(sealing)
  const keys = new Map([sealing, ...others.map(load)].map((key) => [kekId(key), key]))
  const vault: KeyVault = {
    kekId: sealingId,
    seal(secret, record) {
      return { wrapped: new Uint8Array(wrapKey(sealing, secret, record)), kekId: sealingId }
    },
    open(wrapped, sealedUnder, record) {
      const key = keys.get(sealedUnder ?? '')
      if (key === undefined) throw new WrongKeyError(explainUnknown(record.id, sealedUnder, [...keys.keys()]))
      const secret = unwrapKey(key, wrapped, record)
      if (secret === undefined)
        throw new WrongKeyError(`The sealed key ${record.id} is damaged, or was moved from another row.`)
      return secret
    },
    reseal(wrapped, sealedUnder, record) {
      const secret = vault.open(wrapped, sealedUnder, record)
      try {
        return vault.seal(secret, record)
      } finally {
        secret.fill(0)
      }
    },
  }
  return vault
}

/** Loading a key costs as much as using it, so that is done once. */
function load(key: KeyEncryptionKey): KeyObject {
  return key instanceof KeyObject ? key : createSecretKey(key)
}

function explainUnknown(id: string, sealedUnder: string | null, configured: readonly string[]): string {
  const are = configured.length === 1 ? 'one is' : 'ones are'
  return `Key ${id} in this database is sealed under the key-encryption key ${sealedUnder ?? '(none)'}, but the configured ${are} ${configured.join(', ')}. Set AUTH4AGENT_KEK to the right one, or name that among AUTH4AGENT_OTHER_KEKS.`
}
