import { StartupError } from '../platform/errors/startup-error.ts'
import type { KeyProvider } from './key-provider.ts'

/** The places of private halves. */
interface PrivateKeysOptions {
  /** Keeps private halves sealed in the database. */
  readonly sealed: KeyProvider
  /** Keeps private halves outside the database. If given, it generates all new keys. */
  readonly external: KeyProvider | undefined
}

/**
 * Creates the provider of all private halves. It opens each where its row says, independent of where new ones are
 * generated.
 */
export function createPrivateKeys({ sealed, external }: PrivateKeysOptions): KeyProvider {
  return {
    generate: (alg) => (external ?? sealed).generate(alg),
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
