import { sha256Text } from '../encoding/sha256.ts'
import type { KeyFinder } from '../token/access-token.ts'
import { rememberGenuine } from '../token/genuine-tokens.ts'
import {
  type AuthorityRefusal,
  authorityOfChain,
  authorityOfToken,
  type DelegatedAuthority,
} from './delegated-authority.ts'
import { verifyDelegatedToken } from './delegated-token.ts'
import type { GenuineChains } from './genuine-chains.ts'
import { isChain } from './is-chain.ts'

/** Why a text is refused. */
type Refused = { readonly ok: false } & AuthorityRefusal

/**
 * Decides whether a text is a genuine chain of grants or delegated token. It does not check expiry and revocation.
 * `admit` can refuse a chain early, as for `GenuineChains`, by the authority of the grants that are verified so far.
 */
export type GenuineDelegated = <R extends { readonly ok: false } = never>(
  text: string,
  admit?: (above: DelegatedAuthority) => R | undefined,
) => Promise<{ readonly ok: true; readonly authority: DelegatedAuthority } | Refused | R>

/** The keys of the issuer that sign access tokens. */
interface TokenRules {
  readonly issuer: string
  readonly keys: KeyFinder
}

/**
 * Creates a function that verifies chains of grants with `chains`, and delegated tokens as `verifyDelegatedToken`
 * does. It remembers at most `capacity` genuine delegated tokens, and asks for the state of their keys each time.
 *
 * @example
 * ```ts
 * import { createGenuineChains } from '@auth4agent/core/delegation/genuine-chains'
 * import { createGenuineDelegated } from '@auth4agent/core/delegation/genuine-delegated'
 *
 * const chains = createGenuineChains({ issuer: 'https://auth.example', keys: grantKeys })
 * const verifyDelegated = createGenuineDelegated(chains, { issuer: 'https://auth.example', keys })
 * const genuine = await verifyDelegated(text)
 * ```
 */
export function createGenuineDelegated(
  chains: GenuineChains,
  { issuer, keys }: TokenRules,
  capacity?: number,
): GenuineDelegated {
  const tokens = rememberGenuine((text) => verifyDelegatedToken(text, issuer, keys), keys, capacity, hashOf)
  return async (text, admit) => {
    if (isChain(text)) {
      const verified = await chains(text, admit && ((hops) => admit(authorityOfChain({ issuer, hops }))))
      return verified.ok ? { ok: true, authority: authorityOfChain(verified.chain) } : verified
    }
    const genuine = await tokens(text)
    if ('claims' in genuine) return { ok: true, authority: authorityOfToken(genuine) }
    return { ok: false, reason: genuine.verdict, hop: undefined }
  }
}

/** Each party makes a token longer. By its hash, a long token is remembered too, without its text. */
function hashOf(text: string): string {
  return sha256Text(text, 'base64url')
}
