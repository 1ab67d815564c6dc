import { sha256Text } from '../encoding/sha256.ts'
import type { Ed25519Jwk } from '../jose/public-jwk.ts'
import { isSigning } from '../token/access-token.ts'
import { createFairCache } from './fair-cache.ts'
import type { Hop } from './grant-types.ts'
import { importHolderKey } from './holder-key.ts'
import { type VerifiedStatement, verifyHolderStatement } from './holder-statement.ts'
import type { GrantKey } from './issuer-signature.ts'
import { type VerifiedChain, verifyEach } from './verify-each.ts'
import { type ChainRules, type HolderKey, type VerifiedGrant, verifyGrant } from './verify-grant.ts'

/**
 * Can refuse a chain by the grants that are verified so far, root first. It is called once, before the first signature
 * check of a grant below them, so not for a chain that is known.
 */
type Admit<R> = (above: readonly Hop[]) => R | undefined

/** Verifies a chain, as `verifyGrantChain` does, if `admit` does not refuse it early. */
export type GenuineChains = <R extends { readonly ok: false } = never>(
  text: string,
  admit?: Admit<R>,
) => Promise<VerifiedChain | R>

/** A grant of 4 KiB takes some 20 kB as objects. */
const CAPACITY = 2_000

/**
 * Creates a function that remembers the verified beginnings of chains: a chain that comes again costs no signature
 * check, and a new child of a known chain costs only its own. It remembers statements about holders too, because a
 * holder has the same one in all its chains. It asks for the state of the issuer's keys each time, as for a new chain.
 * It remembers at most `capacity` grants, and as many statements and keys of holders. Grants of one principal, and
 * statements and keys of one operator, cannot push out those of others.
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
  const known = createFairCache<VerifiedGrant>(capacity)
  // To import a key takes as long as 20 signature checks. Only keys in genuine grants are kept, and the issuer has
  // registered each of them.
  const holders = createFairCache<HolderKey>(capacity)
  const importKey = (jwk: Ed25519Jwk) => holders.get(jwk.x) ?? importHolderKey(jwk)
  const isCurrent = async ({ kid, verify }: GrantKey) => {
    const key = await rules.keys.find(kid)
    return isSigning(key) && key.verify === verify
  }
  const statements = createFairCache<VerifiedStatement>(capacity)
  const verifyStatement = async (text: string) => {
    const before = statements.get(text)
    if (before !== undefined && (await isCurrent(before.key))) return before
    const verified = await verifyHolderStatement(text, rules)
    if (verified.ok) statements.set(text, verified.statement.operatorId, verified)
    return verified
  }
  return <R extends { readonly ok: false } = never>(text: string, admit?: Admit<R>) => {
    // A grant was verified under the grants above it, so the hash covers them too.
    let beginning = ''
    let isAdmitted = admit === undefined
    return verifyEach<R>(text, rules.issuer, async (grant, above) => {
      beginning = sha256Text(`${beginning}~${grant}`, 'base64url')
      const before = known.get(beginning)
      if (before !== undefined && (await isCurrent(before.issuerKey))) return before
      if (!isAdmitted && above.length > 0) {
        isAdmitted = true
        const refusal = admit?.(above.map(({ hop }) => hop))
        if (refusal !== undefined) return refusal
      }
      const verified = await verifyGrant(grant, above, { ...rules, importKey, verifyStatement })
      if (!verified.ok) return verified
      const { hop, holderKey } = verified
      known.set(beginning, (above[0] ?? verified).hop.did, verified)
      holders.set(hop.publicJwk.x, hop.operatorId, holderKey)
      return verified
    })
  }
}
