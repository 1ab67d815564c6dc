import { StartupError } from '../platform/errors/startup-error.ts'
import type { KeyProvider } from './key-provider.ts'

/** The places of private halves. */
interface PrivateKeysOptions {
  /** Keeps private halves sealed in the database. */
  readonly sealed: KeyProvider
  /** Keeps private halves outside the database. When defined, it generates all new keys. */
  readonly external: KeyProvider | undefined
}

/**
 * Creates a provider that joins both places. It opens each private half at the place that the key's row names, even
 * when new keys are generated at the other place.
 */
export function createPrivateKeys({ sealed, external }: PrivateKeysOptions): KeyProvider {
  return {
    generate: (kind) => (external ?? sealed).generate(kind),
    async open(row) {
      if (row.externalRef === null) return sealed.open(row)
      if (external === undefined) throw new StartupError(`Signing key ${row.kid} is in a hardware token; ${MISSING}`)
      return external.open(row)
    },
    async destroy(key) {
      return key.externalRef === null || (external !== undefined && (await external.destroy(key)))
    },
    async close() {
      await external?.close()
    },
  }
}

const MISSING = 'set the AUTH4AGENT_PKCS11_* settings of that token'
