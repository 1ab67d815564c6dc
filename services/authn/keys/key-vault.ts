import { type KeyEncryptionKey, kekId, unwrapKey, type WrappedRecord, wrapKey } from '../../shared/crypto/key-wrap.ts'

/** Seals and opens the secrets of key rows under the deployment's key-encryption key. */
export interface KeyVault {
  seal(secret: Uint8Array, record: WrappedRecord): { readonly wrapped: Uint8Array<ArrayBuffer>; readonly kekId: string }
  /** Throws WrongKeyError when the row was sealed under another key or does not authenticate. */
  open(wrapped: Uint8Array, sealedUnder: string | null, record: WrappedRecord): Buffer
}

/** The key-encryption key is not the one the database's keys were sealed under. Nothing has been written. */
export class WrongKeyError extends Error {
  override readonly name = 'WrongKeyError'
}

/** A vault over one key-encryption key of 32 bytes. */
export function createKeyVault(kek: KeyEncryptionKey): KeyVault {
  const id = kekId(kek)
  return {
    seal(secret, record) {
      return { wrapped: new Uint8Array(wrapKey(kek, secret, record)), kekId: id }
    },
    open(wrapped, sealedUnder, record) {
      if (sealedUnder !== id) {
        throw new WrongKeyError(
          `The keys in this database are sealed under the key-encryption key ${sealedUnder ?? '(none)'}, but the configured one is ${id}. Set AUTH4AGENT_KEK to the right one.`,
        )
      }
      const secret = unwrapKey(kek, wrapped, record)
      if (secret === undefined)
        throw new WrongKeyError(`The sealed key ${record.id} is damaged, or was moved from another row.`)
      return secret
    },
  }
}
