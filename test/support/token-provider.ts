import type { KeyProvider, KeyRow, NewSigningKey } from '../../services/keys/key-provider.ts'
import { openPkcs11Provider } from '../../services/keys/pkcs11/pkcs11-provider.ts'
import { createLogger } from '../../services/platform/log/log.ts'
import { createToken, type SoftToken } from './softhsm.ts'

/** A hardware token, with a provider that uses it. */
export interface TokenProvider {
  readonly token: SoftToken
  readonly provider: KeyProvider
  /** The provider's log lines. */
  readonly lines: readonly string[]
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Creates a hardware token and a provider that uses it. `using` closes the provider and removes the token at the end.
 */
export async function createTokenProvider(): Promise<TokenProvider> {
  const token = await createToken()
  const lines: string[] = []
  const log = createLogger('debug', (line) => lines.push(line))
  const provider = await openPkcs11Provider({ ...token, log })
  return {
    token,
    provider,
    lines,
    async [Symbol.asyncDispose]() {
      await provider.close()
      await token[Symbol.asyncDispose]()
    },
  }
}

/** Returns the row of a new key. */
export function rowOf({ kid, purpose, alg, publicJwk, stored }: NewSigningKey): KeyRow {
  const { externalRef = null } = stored
  return { kid, purpose, alg, publicJwk, externalRef, wrappedKey: null, kekId: null }
}
