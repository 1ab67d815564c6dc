import {
  type GenuineToken,
  isSigning,
  type KeyFinder,
  type VerificationKey,
  verifyAccessToken,
} from './access-token.ts'
import type { AccessTokenClaims } from './claims.ts'
import { createTokenCache } from './token-cache.ts'

/**
 * Decides whether a text is a genuine token, as {@link verifyAccessToken} does. It does not check expiry and
 * revocation.
 */
export type GenuineTokens<C = AccessTokenClaims> = (text: string) => Promise<GenuineToken<C>>

/** A token that was genuine, under a key that was active or retiring. */
interface Known<C> {
  readonly genuine: GenuineToken<C>
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
  return rememberGenuine((text) => verifyAccessToken(text, issuer, keys), keys, capacity)
}

/**
 * Creates a function that remembers the genuine tokens that `verify` finds, as {@link createGenuineTokens} does for
 * one kind of them.
 *
 * @param keyOf names a text in the memory. By default the text itself, which is not remembered if it is long.
 * @example
 * ```ts
 * import { verifyDelegatedToken } from '@auth4agent/core/delegation/delegated-token'
 * import { rememberGenuine } from '@auth4agent/core/token/genuine-tokens'
 *
 * const verifyGenuine = rememberGenuine((text) => verifyDelegatedToken(text, 'https://auth.example', keys), keys)
 * ```
 */
export function rememberGenuine<C>(
  verify: GenuineTokens<C>,
  keys: Pick<KeyFinder, 'find'>,
  capacity?: number,
  keyOf = (text: string) => text,
): GenuineTokens<C> {
  const known = createTokenCache<Known<C>>(capacity)
  const remember = async (text: string, genuine: GenuineToken<C>) => {
    if (!('claims' in genuine)) return
    const key = await keys.find(genuine.kid)
    if (isSigning(key)) known.set(keyOf(text), { genuine, kid: genuine.kid, verify: key.verify })
  }
  return async (text) => {
    const before = known.get(keyOf(text))
    if (before !== undefined) {
      const key = await keys.find(before.kid)
      if (isSigning(key) && key.verify === before.verify) return before.genuine
      known.delete(keyOf(text))
    }
    const genuine = await verify(text)
    await remember(text, genuine)
    return genuine
  }
}
