import { splitChain } from './grant-chain.ts'
import type { GenuineChain } from './grant-types.ts'
import type { ChainRefusal, GrantRefusal } from './refusal.ts'
import type { VerifiedGrant } from './verify-grant.ts'

/** A genuine chain, or the first grant that is refused, and why. */
export type VerifiedChain = { readonly ok: true; readonly chain: GenuineChain } | ChainRefusal

/** Verifies one grant that follows verified ones. A refusal without `hop` is about that grant. */
type VerifyNext<R> = (text: string, above: readonly VerifiedGrant[]) => Promise<VerifiedGrant | GrantRefusal | R>

/**
 * Verifies the grants of a chain one after the other, root first, and stops at the first that is refused.
 *
 * @example
 * ```ts
 * import { verifyGrant } from '@auth4agent/core/delegation/verify-grant'
 * import { verifyEach } from '@auth4agent/core/delegation/verify-each'
 *
 * const verified = await verifyEach<never>(text, rules.issuer, (grant, above) => verifyGrant(grant, above, rules))
 * ```
 */
export async function verifyEach<R extends { readonly ok: false }>(
  text: string,
  issuer: string,
  verifyNext: VerifyNext<NoInfer<R>>,
): Promise<VerifiedChain | R> {
  const split = splitChain(text)
  if (!split.ok) return { ...split, hop: undefined }
  const verified: VerifiedGrant[] = []
  for (const [hop, grant] of split.grants.entries()) {
    const next = await verifyNext(grant, verified)
    if (!next.ok) return { hop, ...next }
    verified.push(next)
  }
  return { ok: true, chain: { issuer, hops: verified.map((each) => each.hop) } }
}
