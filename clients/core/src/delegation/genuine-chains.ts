import { sha256Text } from '../encoding/sha256.ts'
import { isSigning } from '../token/access-token.ts'
import { createTokenCache } from '../token/token-cache.ts'
import { importHolderKey } from './holder-key.ts'
import { type VerifiedChain, verifyEach } from './verify-each.ts'
import { type ChainRules, type VerifiedGrant, verifyGrant } from './verify-grant.ts'

/** Verifies a chain, as `verifyGrantChain` does. */
export type GenuineChains = (text: string) => Promise<VerifiedChain>

/** A grant of 4 KiB takes some 20 kB as objects. */
const CAPACITY = 2_000

/**
 * Creates a function that remembers the verified beginnings of chains: a chain that comes again costs no signature
 * check, and a new child of a known chain costs only its own. It asks for the state of the issuer's keys each time, as
 * for a new chain. It remembers at most `capacity` grants.
 *
 * @example
 * ```ts
 * import { createGenuineChains } from '@auth4agent/core/delegation/genuine-chains'
 *
 * const verifyChain = createGenuineChains({ issuer: 'https://auth.example', keys })
 * const verified = await verifyChain(text)
 * ```
 */
export function createGenuineChains(rules: ChainRules, capacity = CAPACITY): GenuineChains {
  const known = createTokenCache<VerifiedGrant>(capacity)
  const isCurrent = async ({ issuerKey }: VerifiedGrant) => {
    const key = await rules.keys.find(issuerKey.kid)
    return isSigning(key) && key.verify === issuerKey.verify
  }
  return (text) => {
    // A grant was verified under the grants above it, so the hash covers them too.
    let beginning = ''
    return verifyEach(text, rules.issuer, async (grant, above) => {
      beginning = sha256Text(`${beginning}~${grant}`, 'base64url')
      const before = known.get(beginning)
      if (before !== undefined && (await isCurrent(before))) return before
      const verified = await verifyGrant(grant, above, { ...rules, importKey: importHolderKey })
      if (verified.ok) known.set(beginning, verified)
      return verified
    })
  }
}
