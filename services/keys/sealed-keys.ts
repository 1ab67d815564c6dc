import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { isTokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { generateTokenKey, openTokenKey } from '../platform/crypto/token-key.ts'
import type { KeyKind } from './domain/key-kinds.ts'
import type { KeyProvider, NewSigningKey } from './key-provider.ts'
import type { KeyVault } from './key-vault.ts'

/** The provider of private halves that are sealed in their rows. */
export interface SealedKeys extends KeyProvider {
  /** Seals an imported private key and overwrites `secret`. Throws Error when it is not a key for the algorithm. */
  seal(kind: KeyKind, secret: Uint8Array): NewSigningKey
}

/** Creates the provider that keeps private halves sealed in the database, and opens them in this process to sign. */
export function createSealedKeys(vault: KeyVault): SealedKeys {
  const seal = ({ purpose, alg }: KeyKind, secret: Uint8Array): NewSigningKey => {
    try {
      const key = openTokenKey(alg, secret)
      if (key === undefined) throw new Error(`The secret must be a private key for ${alg}`)
      const kid = jwkThumbprint(key.publicJwk)
      const { wrapped, kekId } = vault.seal(secret, { purpose, id: kid })
      return { kid, purpose, alg, publicJwk: key.publicJwk, stored: { wrappedKey: wrapped, kekId } }
    } finally {
      secret.fill(0)
    }
  }
  return {
    seal,
    generate: async (kind) => seal(kind, (await generateTokenKey(kind.alg)).secret),
    async open({ kid, purpose, alg, wrappedKey, kekId }) {
      if (wrappedKey === null) throw new Error(`The private half of signing key ${kid} is not in the database`)
      const secret = vault.open(wrappedKey, kekId, { purpose, id: kid })
      try {
        const key = isTokenAlgorithm(alg) ? openTokenKey(alg, secret) : undefined
        if (key === undefined || jwkThumbprint(key.publicJwk) !== kid)
          throw new Error(`The sealed private half of signing key ${kid} does not match its kid and alg`)
        return key
      } finally {
        secret.fill(0)
      }
    },
    destroy: async () => true,
    async close() {},
  }
}
