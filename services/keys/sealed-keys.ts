import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { isTokenAlgorithm, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { generateTokenKey, openTokenKey } from '../platform/crypto/token-key.ts'
import type { KeyProvider, NewTokenKey } from './key-provider.ts'
import { PURPOSE } from './key-store.ts'
import type { KeyVault } from './key-vault.ts'

/** The provider of private halves that are sealed in their rows. */
export interface SealedKeys extends KeyProvider {
  /** Seals an imported private key and overwrites `secret`. Throws Error when `secret` is not a key for `alg`. */
  seal(alg: TokenAlgorithm, secret: Uint8Array): NewTokenKey
}

/** Creates the provider that keeps private halves sealed in the database, and opens them in this process to sign. */
export function createSealedKeys(vault: KeyVault): SealedKeys {
  const seal = (alg: TokenAlgorithm, secret: Uint8Array): NewTokenKey => {
    try {
      const key = openTokenKey(alg, secret)
      if (key === undefined) throw new Error(`The secret must be a private key for ${alg}`)
      const kid = jwkThumbprint(key.publicJwk)
      const { wrapped, kekId } = vault.seal(secret, { purpose: PURPOSE, id: kid })
      return { kid, alg, publicJwk: key.publicJwk, stored: { wrappedKey: wrapped, kekId } }
    } finally {
      secret.fill(0)
    }
  }
  return {
    seal,
    generate: async (alg) => seal(alg, (await generateTokenKey(alg)).secret),
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
