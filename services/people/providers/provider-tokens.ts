import { deriveHmacKey, type HmacKey } from '../../platform/crypto/hmac.ts'
import { unwrapKey, wrapKey } from '../../platform/crypto/key-wrap.ts'
import type { RefreshKeys } from '../connections/refresh-key.ts'
import type { SealedToken } from '../store/provider-tokens.ts'
import type { UserKey } from '../store/users.ts'

/** Seals the refresh tokens of identity providers. */
export interface ProviderTokens {
  seal(user: UserKey, token: string): Promise<SealedToken>
  /** Returns undefined for a token under a key that the deployment has no more: all tokens have ended since. */
  open(user: UserKey, sealed: SealedToken): Promise<string | undefined>
}

/**
 * Creates the sealer. Its key is computed from the refresh key of the deployment, which is sealed under the KEK. So a
 * new KEK needs no pass over all users, and the end of all tokens makes the sealed ones useless too.
 */
export function createProviderTokens(keys: Pick<RefreshKeys, 'current' | 'known' | 'reread'>): ProviderTokens {
  return {
    async seal(user, token) {
      const { id, key } = await keys.current()
      return { wrapped: Uint8Array.from(wrapKey(keyOf(key), Buffer.from(token), recordOf(user))), keyId: id }
    },
    async open(user, { wrapped, keyId }) {
      const known = await keys.known()
      const found = known?.id === keyId ? known : await keys.reread()
      if (found?.id !== keyId) return undefined
      return unwrapKey(keyOf(found.key), wrapped, recordOf(user))?.toString()
    },
  }
}

const keyOf = (refreshKey: HmacKey) => deriveHmacKey(refreshKey, 'tokens of identity providers')

function recordOf({ operatorId, subject }: UserKey) {
  return { purpose: 'provider-token', id: `${operatorId} ${subject}` }
}
