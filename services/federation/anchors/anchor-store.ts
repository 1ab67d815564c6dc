import type { TrustAnchor as AnchorRow, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { lockAnchor } from '../chains/chain-store.ts'
import { verifyStored } from '../chains/known-chain.ts'
import { toAnchor } from './known-anchor.ts'
import type { NewAnchor } from './read-anchor.ts'

/** Maximum number of trust anchors of a deployment. */
const MAX_ANCHORS = 16
/** Key of the advisory lock under which anchors are added. */
const ANCHOR_LOCK = 0x616e6368

/** Dependencies of the functions that change anchors. */
export interface AnchorStore {
  readonly prisma: PrismaClient
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/**
 * Trusts an anchor, or replaces what is recorded of it. Issuers whose chains do not hold any more are disabled, but
 * not those whose chains have ended before: they have no keys until another chain is found.
 *
 * @throws ApiError TOO_MANY_TRUST_ANCHORS
 */
export function putAnchor(
  { prisma, now }: AnchorStore,
  author: Author,
  { entityId, ...columns }: NewAnchor,
): Promise<{ readonly anchor: AnchorRow; readonly disabledIssuers: string[] }> {
  return change(prisma, author, async (tx, audit) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${ANCHOR_LOCK}::int8)`
    const before = await lockAnchor(tx, entityId, 'change')
    if (before === null && (await tx.trustAnchor.count()) >= MAX_ANCHORS) {
      throw new ApiError('TOO_MANY_TRUST_ANCHORS', `A deployment must have at most ${MAX_ANCHORS} trust anchors`)
    }
    const data = { ...columns, unpinnedKids: [] }
    const create = { entityId, ...data, createdAt: new Date(now()) }
    const anchor = await tx.trustAnchor.upsert({ where: { entityId }, create, update: data })
    const kids = [...toAnchor(anchor).keys.keys()].join(' ')
    const reason = `keys ${kids}; position ${anchor.position}${anchor.autoAdmit ? '; admits by itself' : ''}`
    await audit({ action: 'anchor.put', subject: entityId, reason: reason.slice(0, MAX_REASON) })
    const at = now()
    const chains = await tx.trustChain.findMany({ where: { anchorId: entityId, expiresAt: { gt: new Date(at) } } })
    const broken = chains.filter((row) => !verifyStored({ ...row, anchor }, at).ok).map(({ subject }) => subject)
    await tx.trustChain.deleteMany({ where: { subject: { in: broken } } })
    const why = 'its chain does not hold under the new keys or names of its anchor'
    return {
      anchor,
      disabledIssuers: await disableIssuers(tx, audit, { anchor: entityId, issuer: { in: broken } }, why),
    }
  })
}

const MAX_REASON = 500

/**
 * Trusts an anchor no longer, and disables all issuers that its chains attested.
 *
 * @throws ApiError TRUST_ANCHOR_NOT_FOUND
 */
export function removeAnchor(
  { prisma }: AnchorStore,
  author: Author,
  entityId: string,
  reason: string,
): Promise<{ readonly disabledIssuers: string[] }> {
  return change(prisma, author, async (tx, audit) => {
    if ((await lockAnchor(tx, entityId, 'change')) === null) throw new ApiError('TRUST_ANCHOR_NOT_FOUND')
    await audit({ action: 'anchor.remove', subject: entityId, reason })
    await tx.trustAnchor.delete({ where: { entityId } })
    const why = 'its trust anchor was removed'
    return { disabledIssuers: await disableIssuers(tx, audit, { anchor: entityId }, why) }
  })
}

/** Disables issuers of an anchor. A trigger writes their new generations to the revocation log. */
async function disableIssuers(
  tx: Tx,
  audit: Audit,
  wanted: { readonly anchor: string; readonly issuer?: { readonly in: string[] } },
  reason: string,
): Promise<string[]> {
  await tx.$queryRaw`SELECT 1 FROM "issuers" WHERE "anchor" = ${wanted.anchor} ORDER BY "id" FOR UPDATE`
  const where = { ...wanted, status: 'enabled' } as const
  const rows = await tx.issuer.findMany({ where, select: { issuer: true }, orderBy: { issuer: 'asc' } })
  await audit(...rows.map(({ issuer }) => ({ action: 'issuer.disable' as const, subject: issuer, reason })))
  await tx.issuer.updateMany({ where, data: { status: 'disabled', generation: { increment: 1 } } })
  return rows.map(({ issuer }) => issuer)
}
