import {
  type GenuineToken,
  isSigning,
  type KeyFinder,
  type VerificationKey,
  verifyAccessToken,
} from './access-token.ts'
import { createTokenCache } from './token-cache.ts'

/** Decides whether a text is a genuine access token, as {@link verifyAccessToken} does; neither expiry nor revocation is looked at. */
export type GenuineTokens = (text: string) => Promise<GenuineToken>

/** A token whose signature held, under a key that signed then. */
interface Known {
  readonly genuine: GenuineToken
  readonly kid: string
  readonly verify: VerificationKey['verify']
}

/**
 * Remembers tokens that were genuine, so that one which comes again costs no signature. The key is looked at each time, by the same
 * rules as the first.
 */
export function createGenuineTokens(issuer: string, keys: KeyFinder, capacity?: number): GenuineTokens {
  const known = createTokenCache<Known>(capacity)
  const remember = async (text: string, genuine: GenuineToken) => {
    if (!('claims' in genuine)) return
    const key = await keys.find(genuine.kid)
    if (isSigning(key)) known.set(text, { genuine, kid: genuine.kid, verify: key.verify })
  }
  return async (text) => {
    const before = known.get(text)
    if (before !== undefined) {
      const key = await keys.find(before.kid)
      if (isSigning(key) && key.verify === before.verify) return before.genuine
      known.delete(text)
    }
    const genuine = await verifyAccessToken(text, issuer, keys)
    await remember(text, genuine)
    return genuine
  }
}
