import {
  type GenuineToken,
  isSigning,
  type KeyFinder,
  type VerificationKey,
  verifyAccessToken,
} from './access-token.ts'
import { createTokenCache } from './token-cache.ts'

/**
 * Decides whether a text is a genuine token, as {@link verifyAccessToken} does. It does not check expiry and
 * revocation.
 */
export type GenuineTokens = (text: string) => Promise<GenuineToken>

/** A token that was genuine, under a key that was active or retiring. */
interface Known {
  readonly genuine: GenuineToken
  readonly kid: string
  readonly verify: VerificationKey['verify']
}

/**
 * Creates a function that remembers genuine tokens and verifies the signature of a repeated token only once. It checks
 * the state of the key each time, as for a new token.
 *
 * @example
 * ```ts
 * import { createGenuineTokens } from '@auth4agent/core/token/genuine-tokens'
 *
 * const verifyGenuine = createGenuineTokens('https://auth.example', keys)
 * const token = await verifyGenuine(text)
 * ```
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
