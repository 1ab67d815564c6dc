import type { TrustAnchor as AnchorRow, TrustChain } from '../../../gen/prisma/client.ts'
import { permits, toAnchor } from '../anchors/known-anchor.ts'
import { readChain } from '../domain/chain-shape.ts'
import { type ChainRefusal, refuseChain } from '../domain/refusal.ts'
import { type VerifiedChain, verifyChain } from '../domain/verify-chain.ts'

/** A stored chain with its anchor as it is now. */
export type ChainRow = TrustChain & { readonly anchor: AnchorRow }

/** A chain is used at most this long, whatever its statements say, in milliseconds. */
const MAX_AGE_MS = 3_600_000

/**
 * Verifies a stored chain again, with the anchor as it is now. So a change of the anchor's pins or names counts at
 * once, and nothing but the signed statements is believed.
 *
 * @param now Unix milliseconds
 */
export function verifyStored(
  { subject, statements, expiresAt, anchor }: Pick<ChainRow, 'subject' | 'statements' | 'expiresAt' | 'anchor'>,
  now: number,
): { readonly ok: true; readonly chain: VerifiedChain } | ChainRefusal {
  if (expiresAt.getTime() <= now) {
    return refuseChain(undefined, { rule: 'EXPIRED', text: 'The chain must be younger than an hour' })
  }
  return verifyTexts({ subject, statements, anchor }, now)
}

/** Verifies the statements of a chain from a subject to an anchor. */
export function verifyTexts(
  { subject, statements, anchor }: Pick<ChainRow, 'subject' | 'statements' | 'anchor'>,
  now: number,
): { readonly ok: true; readonly chain: VerifiedChain } | ChainRefusal {
  if (!permits(anchor, subject)) {
    const text = `The permitted_names of ${anchor.entityId} must allow ${subject}`
    return refuseChain(undefined, { rule: 'NAME_NOT_PERMITTED', text })
  }
  const read = readChain(statements)
  const result = read.ok ? verifyChain(read.statements, toAnchor(anchor), now / 1_000) : read
  if (!result.ok || result.chain.subject === subject) return result
  return refuseChain(0, { rule: 'WRONG_STATEMENT', text: `The chain must be about ${subject}` })
}

/** Returns when a chain that was looked for at a time ends, and when a new one is looked for. Unix milliseconds. */
export function timesOf({ exp }: Pick<VerifiedChain, 'exp'>, foundAt: number) {
  const expiresAt = Math.min(exp * 1_000, foundAt + MAX_AGE_MS)
  return { expiresAt, refreshAt: foundAt + Math.floor((expiresAt - foundAt) / 2) }
}
