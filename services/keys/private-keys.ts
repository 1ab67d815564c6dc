import { StartupError } from '../platform/errors/startup-error.ts'
import type { KeyProvider } from './key-provider.ts'

/** Where private halves are and new ones are made. */
interface PrivateKeysOptions {
  /** In the database, sealed. */
  readonly sealed: KeyProvider
  /** Elsewhere; where it is given, new keys are made there. */
  readonly external: KeyProvider | undefined
}

/** All private halves there are: each is where its row says, whatever new ones are made in. */
export function createPrivateKeys({ sealed, external }: PrivateKeysOptions): KeyProvider {
  return {
    generate: (alg) => (external ?? sealed).generate(alg),
    async open(row) {
      if (row.externalRef === null) return sealed.open(row)
      if (external === undefined) throw new StartupError(`Signing key ${row.kid} is not in the database: ${MISSING}.`)
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

const MISSING = 'it needs the AUTH4AGENT_PKCS11_* settings of the token that holds it'
