import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { TrustAnchor as AnchorRow, PrismaClient } from '../../../gen/prisma/client.ts'
import type { Audit } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { findKeySource } from '../domain/key-source.ts'
import { type ChainRefusal, refuseChain } from '../domain/refusal.ts'
import type { Resolution } from '../domain/resolve-chains.ts'
import type { VerifiedChain } from '../domain/verify-chain.ts'
import { type ChainRow, timesOf, verifyStored, verifyTexts } from './known-chain.ts'

/** A chain that a search has found. */
export interface FoundChain {
  readonly subject: string
  readonly anchorId: string
  readonly statements: readonly string[]
  /** When the search began, in Unix milliseconds. */
  readonly foundAt: number
}

/** A chain as it was stored. */
export type StoredChain = { readonly ok: true; readonly row: ChainRow; readonly chain: VerifiedChain } | ChainRefusal

interface Storing {
  readonly tx: Tx
  readonly audit: Audit
  /** Unix milliseconds. */
  readonly now: number
}

/** Reads all anchors in the order of preference. */
export function listAnchors(prisma: PrismaClient | Tx): Promise<AnchorRow[]> {
  return prisma.trustAnchor.findMany({ orderBy: [{ position: 'asc' }, { createdAt: 'asc' }, { entityId: 'asc' }] })
}

/** Reads the stored chain of a subject, perhaps an expired one. */
export function readChainOf(prisma: PrismaClient | Tx, subject: string): Promise<ChainRow | null> {
  return prisma.trustChain.findUnique({ where: { subject }, include: { anchor: true } })
}

/** Reads an anchor that no other transaction changes until this one ends. */
export async function lockAnchor(tx: Tx, entityId: string, mode: 'keep' | 'change'): Promise<AnchorRow | null> {
  if (mode === 'keep') await tx.$queryRaw`SELECT 1 FROM "trust_anchors" WHERE "entity_id" = ${entityId} FOR SHARE`
  else await tx.$queryRaw`SELECT 1 FROM "trust_anchors" WHERE "entity_id" = ${entityId} FOR UPDATE`
  return tx.trustAnchor.findUnique({ where: { entityId } })
}

/**
 * Stores a chain, in place of an earlier one of the subject. The anchor may have changed while the statements were
 * fetched, so the chain is verified again. The chain of an admitted issuer never gets another anchor. If it leads to
 * other keys than the last one, the issuer has no keys until those are stored.
 */
export async function storeChain({ tx, audit, now }: Storing, found: FoundChain): Promise<StoredChain> {
  const { subject, anchorId, statements, foundAt } = found
  const anchor = await lockAnchor(tx, anchorId, 'keep')
  if (anchor === null) {
    return refuseChain(undefined, { rule: 'ANCHOR_UNKNOWN', text: `${anchorId} must be a trust anchor` })
  }
  await tx.$queryRaw`SELECT 1 FROM "issuers" WHERE "issuer" = ${subject} FOR UPDATE`
  const issuer = await tx.issuer.findUnique({ where: { issuer: subject }, select: { anchor: true } })
  if (issuer !== null && issuer.anchor !== anchorId) {
    return refuseChain(undefined, { rule: 'WRONG_ANCHOR', text: `${subject} is not admitted under ${anchorId}` })
  }
  const texts = [...statements]
  const result = verifyTexts({ subject, statements: texts, anchor }, now)
  if (!result.ok) return result
  const last = await readLast(tx, subject, now)
  const { expiresAt, refreshAt } = timesOf(result.chain, foundAt)
  const data = {
    id: randomUUID(),
    anchorId,
    statements: texts,
    foundAt: new Date(foundAt),
    refreshAt: new Date(refreshAt),
    expiresAt: new Date(expiresAt),
    problem: '',
  }
  const row = await tx.trustChain.upsert({ where: { subject }, create: { subject, ...data }, update: data })
  const way = result.chain.path.join(' < ')
  if (last?.path.join(' < ') !== way) await audit({ action: 'issuer.find-chain', subject, reason: way })
  if (issuer !== null && (last === undefined || !isDeepStrictEqual(findKeySource(last), findKeySource(result.chain)))) {
    // Dates of another place say nothing about the age of the new set.
    const forgotten = { keysAsOf: null, keysDate: null, keysDueAt: new Date(now) }
    await tx.issuer.update({ where: { issuer: subject }, data: forgotten })
  }
  return { ok: true, row: { ...row, anchor }, chain: result.chain }
}

/** Reads the last chain, if it still holds. */
async function readLast(tx: Tx, subject: string, now: number): Promise<VerifiedChain | undefined> {
  const row = await readChainOf(tx, subject)
  const result = row === null ? undefined : verifyStored(row, now)
  return result?.ok === true ? result.chain : undefined
}

/** Records which keys of the anchors are not pinned, so that metrics show them. */
export async function noteUnpinned(prisma: PrismaClient, unpinned: Resolution['unpinned']): Promise<void> {
  for (const [entityId, kids] of unpinned) {
    const unpinnedKids = [...kids].toSorted()
    // Only a change is written, because it wakes all processes.
    const where = { entityId, NOT: { unpinnedKids: { equals: unpinnedKids } } }
    await prisma.trustAnchor.updateMany({ where, data: { unpinnedKids } })
  }
}

/** Records why no new chain was found. The stored chain counts until it expires. */
export async function noteProblem(prisma: PrismaClient, subject: string, problem: string): Promise<void> {
  await prisma.trustChain.updateMany({ where: { subject }, data: { problem } })
}

/** Deletes chains that have expired. Their issuers are not valid any more, and candidates must be found anew. */
export async function pruneChains(prisma: PrismaClient, now: number): Promise<void> {
  await prisma.trustChain.deleteMany({ where: { expiresAt: { lte: new Date(now) } } })
}
