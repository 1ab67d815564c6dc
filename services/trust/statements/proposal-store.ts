import { isDeepStrictEqual } from 'node:util'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { EdgeKind } from '@auth4agent/core/trust/statement'
import type { Prisma, TrustProposal as Row } from '../../../gen/prisma/client.ts'
import type { Audit } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { removeExpired } from '../../platform/db/prune.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { StatementDeps } from './deps.ts'
import { changedId, firstId, idsOfPlace } from './proposal-id.ts'

/** Largest number of proposals that wait for one signer. */
export const MAX_PROPOSALS = 100
const PROPOSAL_LIFETIME_MS = 7 * 86_400_000
/** For how long a dismissal refuses the proposer, and operators of its domain and below. */
const DISMISSAL_MS = 30 * 86_400_000
/** Largest number of dismissals of a signer that are remembered. Beyond it, the oldest are forgotten. */
const MAX_DISMISSALS = 1_000

/** The place of a proposal: a signer keeps one for each proposer and kind. */
interface ProposalPlace {
  readonly signerId: string
  readonly proposerId: string
  readonly proposerDomain: string
  readonly kind: EdgeKind
  readonly at: Date
}

/** A proposal to store. */
export interface NewProposal extends ProposalPlace {
  readonly draft: Prisma.InputJsonObject
  /** Since when the proposer's domain is proven. */
  readonly provenSince: Date
}

/**
 * Stores a proposal, in place of the one before of the same proposer and kind. The signer's row of proposals must be
 * locked. If the list is full, the proposal takes the place of the one whose proposer has proven its domain last, if
 * its own is proven longer. So young operators, however many, neither push out an old one nor keep it out.
 *
 * @throws ApiError PROPOSAL_LIMIT, PROPOSAL_DISMISSED
 */
export async function storeProposal(tx: Tx, audit: Audit, proposal: NewProposal): Promise<Row> {
  const { signerId, proposerId, draft, provenSince, kind, at } = proposal
  await deleteExpired(tx, signerId, at)
  await refuseDismissed(tx, proposal)
  const before = await tx.trustProposal.findFirst({
    where: { signerId, proposerId, dismissedAt: null, draft: { path: ['kind'], equals: kind } },
  })
  const data = { draft, provenSince, createdAt: at, expiresAt: new Date(at.getTime() + PROPOSAL_LIFETIME_MS) }
  if (before !== null) {
    const id = isDeepStrictEqual(before.draft, draft) ? before.id : changedId(before.id)
    return tx.trustProposal.update({ where: { id: before.id }, data: { id, ...data } })
  }
  const waiting = { signerId, dismissedAt: null }
  if ((await tx.trustProposal.count({ where: waiting })) >= MAX_PROPOSALS) await displace(tx, audit, proposal)
  return tx.trustProposal.create({ data: { id: firstId(at), proposerId, signerId, ...data } })
}

/**
 * Refuses an operator of a dismissed domain, or of a domain below it. Who controls a domain can register any number of
 * operators there.
 */
async function refuseDismissed(tx: Tx, { signerId, proposerId, proposerDomain }: ProposalPlace): Promise<void> {
  const labels = proposerDomain.split('.')
  const domainAndAbove = labels.map((_, at) => labels.slice(at).join('.'))
  const [row] = await tx.$queryRaw<{ expires_at: Date }[]>`
    SELECT expires_at FROM trust_proposals WHERE signer_id = ${signerId}::uuid AND dismissed_at IS NOT NULL
      AND (proposer_id = ${proposerId}::uuid OR draft ->> 'sub_domain' = ANY (${domainAndAbove}))
    ORDER BY expires_at DESC LIMIT 1`
  if (row === undefined) return
  const until = row.expires_at.toISOString()
  throw new ApiError('PROPOSAL_DISMISSED', `The operator has dismissed a proposal, so propose again after ${until}`)
}

async function displace(tx: Tx, audit: Audit, { signerId, provenSince }: NewProposal): Promise<void> {
  const last = await tx.trustProposal.findFirst({
    where: { signerId, dismissedAt: null, provenSince: { gt: provenSince } },
    orderBy: [{ provenSince: 'desc' }, { createdAt: 'desc' }, { id: 'desc' }],
  })
  if (last === null) {
    throw new ApiError('PROPOSAL_LIMIT', `At most ${MAX_PROPOSALS} proposals may wait for an operator`)
  }
  await tx.trustProposal.delete({ where: { id: last.id } })
  const reason = 'the list is full, and another proposer has proven its domain earlier'
  const principal = { kind: 'system' } as const
  await audit({ action: 'trust.displace', subject: last.id, operatorId: last.proposerId, reason, principal })
}

/**
 * Deletes the proposals of one proposer and kind for a signer, and the dismissal of any other one by an operator of
 * its domain: the signer that signs a statement about the proposer listens to it again.
 */
export async function deleteProposals(tx: Tx, place: ProposalPlace): Promise<void> {
  const { signerId, proposerId, proposerDomain, kind, at } = place
  await deleteExpired(tx, signerId, at)
  await tx.$executeRaw`DELETE FROM trust_proposals WHERE signer_id = ${signerId}::uuid
    AND (proposer_id = ${proposerId}::uuid AND (draft ->> 'kind' = ${kind} OR dismissed_at IS NOT NULL)
      OR dismissed_at IS NOT NULL AND draft ->> 'sub_domain' = ${proposerDomain})`
}

async function deleteExpired(tx: Tx, signerId: string, at: Date): Promise<void> {
  await tx.trustProposal.deleteMany({ where: { signerId, expiresAt: { lte: at } } })
}

/** A dismissed proposal, and whether it has been dismissed now. */
export interface Dismissed {
  readonly row: Row
  readonly isNew: boolean
}

/**
 * Dismisses a proposal, or the one that has taken its place. Of its draft only the proposer's domain stays, for as
 * long as nobody of this domain may propose again. The signer's row of proposals must be locked.
 *
 * @throws ApiError PROPOSAL_NOT_FOUND
 */
export async function dismissProposal(tx: Tx, signerId: string, proposalId: string, at: Date): Promise<Dismissed> {
  const where = { id: idsOfPlace(proposalId), signerId, expiresAt: { gt: at } }
  const row = isUuid(proposalId) ? await tx.trustProposal.findFirst({ where }) : null
  if (row === null) throw new ApiError('PROPOSAL_NOT_FOUND')
  if (row.dismissedAt !== null) return { row, isNew: false }
  const { id, proposerId } = row
  // One dismissal of each proposer is enough.
  await tx.trustProposal.deleteMany({ where: { signerId, proposerId, dismissedAt: { not: null } } })
  const expiresAt = new Date(at.getTime() + DISMISSAL_MS)
  const draft = domainIn(row)
  const dismissed = await tx.trustProposal.update({ where: { id }, data: { dismissedAt: at, expiresAt, draft } })
  await tx.$executeRaw`DELETE FROM trust_proposals WHERE id IN (
    SELECT id FROM trust_proposals WHERE signer_id = ${signerId}::uuid AND dismissed_at IS NOT NULL
    ORDER BY dismissed_at DESC, id DESC OFFSET ${MAX_DISMISSALS})`
  return { row: dismissed, isNew: true }
}

function domainIn({ draft }: Row): Prisma.InputJsonObject {
  const domain = isJsonObject(draft) ? draft['sub_domain'] : undefined
  return typeof domain === 'string' ? { sub_domain: domain } : {}
}

/** Deletes the proposals that have expired, and the dismissals that no longer refuse anybody. */
export async function pruneProposals({ db, now }: Pick<StatementDeps, 'db' | 'now'>): Promise<void> {
  await removeExpired(db.pool, 'trust_proposals', now())
}

/** Returns the proposals that wait for an operator, oldest first. */
export function listProposals(
  { readDb, now }: Pick<StatementDeps, 'readDb' | 'now'>,
  signerId: string,
): Promise<Row[]> {
  return readDb.prisma.trustProposal.findMany({
    where: { signerId, dismissedAt: null, expiresAt: { gt: new Date(now()) } },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    take: MAX_PROPOSALS,
  })
}
