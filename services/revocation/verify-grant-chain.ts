import { importHolderKey } from '@auth4agent/core/delegation/holder-key'
import { type VerifiedChain, verifyEach } from '@auth4agent/core/delegation/verify-each'
import { type ChainRules, verifyGrant } from '@auth4agent/core/delegation/verify-grant'

/**
 * Verifies a chain of grants: every signature, and that each grant only narrows its parent. It does not check expiry,
 * revocation, and whether the presenter holds the key of the last grant. Rejects if `keys` rejects.
 *
 * @example
 * ```ts
 * import { checkChainTimes } from '@auth4agent/core/delegation/chain-times'
 * import { verifyGrantChain } from './verify-grant-chain.ts'
 *
 * const verified = await verifyGrantChain(text, { issuer: 'https://auth.example', keys })
 * const refusal = verified.ok ? checkChainTimes(verified.chain, Date.now() / 1_000, 10) : verified
 * ```
 */
export function verifyGrantChain(text: string, rules: ChainRules): Promise<VerifiedChain> {
  return verifyEach<never>(text, rules.issuer, (grant, above) =>
    verifyGrant(grant, above, { ...rules, importKey: importHolderKey }),
  )
}
