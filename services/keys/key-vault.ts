import { createSecretKey, KeyObject } from 'node:crypto'
import { type KeyEncryptionKey, kekId, unwrapKey, type WrappedRecord, wrapKey } from '../platform/crypto/key-wrap.ts'
import { StartupError } from '../platform/errors/startup-error.ts'

/** A sealed secret, as its row stores it. */
export interface Sealed {
  readonly wrapped: Uint8Array<ArrayBuffer>
  /** Id of the KEK under which the secret is sealed. */
  readonly kekId: string
}

/** Seals secrets under one KEK, and opens secrets under any of the configured KEKs. */
export interface KeyVault {
  /** Id of the KEK that seals. */
  readonly kekId: string
  seal(secret: Uint8Array, record: WrappedRecord): Sealed
  /** Opens a secret. Throws WrongKeyError when its KEK is not configured, or its authentication fails. */
  open(wrapped: Uint8Array, sealedUnder: string | null, record: WrappedRecord): Buffer
  /** Opens a secret and seals it again under the KEK that seals. Throws the errors of `open`. */
  reseal(wrapped: Uint8Array, sealedUnder: string | null, record: WrappedRecord): Sealed
}

/** The error when a sealed secret cannot be opened with the configured KEKs. */
export class WrongKeyError extends StartupError {
  override readonly name = 'WrongKeyError'
}

/**
 * Creates a vault from KEKs of 32 bytes. `kek` seals. `others` only open: a previous KEK, or the next KEK, under
 * which other processes may seal already. The same KEK may appear in both.
 * @throws RangeError when a KEK has another length
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
        throw new WrongKeyError(`The sealed key ${record.id} is damaged, or was moved from another row`)
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

/** Loads a KEK. The vault does this once per KEK, because loading takes as long as opening a secret. */
function load(key: KeyEncryptionKey): KeyObject {
  return key instanceof KeyObject ? key : createSecretKey(key)
}

function explainUnknown(id: string, sealedUnder: string | null, configured: readonly string[]): string {
  const are = configured.length === 1 ? 'key is' : 'keys are'
  const fact = `Key ${id} in this database is sealed under the key-encryption key ${sealedUnder ?? '(none)'}`
  return `${fact}, but the configured ${are} ${configured.join(', ')}; set AUTH4AGENT_KEK to the right key, or add it to AUTH4AGENT_OTHER_KEKS`
}
