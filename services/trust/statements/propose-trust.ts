import { randomBytes } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { draftClaims, parseTrustDraft } from '@auth4agent/core/trust/read-draft'
import type { EdgeKind, TrustDraft } from '@auth4agent/core/trust/statement'
import type { Prisma, TrustProposal as Row } from '../../../gen/prisma/client.ts'
import type { ProposeTrustRequest } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { removeExpired } from '../../platform/db/prune.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { StatementDeps } from './deps.ts'
import { checkSigner, checkSubject } from './domain/check-statement.ts'
import { requireActive } from './require-active.ts'
import { lockSigner } from './store.ts'

/** Largest number of proposals that wait for one signer. */
export const MAX_PROPOSALS = 100
const PROPOSAL_LIFETIME_MS = 7 * 86_400_000

/** The place of a proposal: a signer keeps one for each proposer and kind. */
interface ProposalPlace {
  readonly signerId: string
  readonly proposerId: string
  readonly kind: EdgeKind
  readonly at: Date
}

/**
 * Files a draft with the operator that would sign it. A newer draft of the same proposer and kind replaces the one
 * before, so that no proposer can take all places of a signer.
 *
 * @throws ApiError INVALID_STATEMENT, PROPOSAL_LIMIT, OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, ASSERTION_USED
 */
export async function proposeTrust(deps: StatementDeps, request: ProposeTrustRequest, author: Author): Promise<Row> {
  const draft = await checkDraft(deps, request)
  const { iss: signerId, sub: proposerId, kind } = draft
  return change(deps.db.prisma, author, async (tx, audit) => {
    await lockSigner(tx, signerId)
    const createdAt = new Date(deps.now())
    await deleteProposals(tx, { signerId, proposerId, kind, at: createdAt })
    if ((await tx.trustProposal.count({ where: { signerId } })) >= MAX_PROPOSALS) {
      throw new ApiError('PROPOSAL_LIMIT', `At most ${MAX_PROPOSALS} proposals may wait for an operator`)
    }
    const id = uuidv7(createdAt.getTime(), randomBytes(10))
    const expiresAt = new Date(createdAt.getTime() + PROPOSAL_LIFETIME_MS)
    await audit({ action: 'trust.propose', subject: id, operatorId: proposerId, reason: `${kind} by ${draft.domain}` })
    return tx.trustProposal.create({ data: { id, proposerId, signerId, draft: toJson(draft), createdAt, expiresAt } })
  })
}

/** Deletes the proposals of one proposer and kind for a signer, and all that have expired for it. */
export async function deleteProposals(tx: Tx, { signerId, proposerId, kind, at }: ProposalPlace): Promise<void> {
  await tx.$executeRaw`DELETE FROM trust_proposals WHERE signer_id = ${signerId}::uuid
    AND (expires_at <= ${at} OR (proposer_id = ${proposerId}::uuid AND draft ->> 'kind' = ${kind}))`
}

/** Deletes the proposals that have expired. */
export async function pruneProposals({ db, now }: Pick<StatementDeps, 'db' | 'now'>): Promise<void> {
  await removeExpired(db.pool, 'trust_proposals', now())
}

/** Returns the proposals that wait for an operator, oldest first. */
export function listProposals(
  { readDb, now }: Pick<StatementDeps, 'readDb' | 'now'>,
  signerId: string,
): Promise<Row[]> {
  return readDb.prisma.trustProposal.findMany({
    where: { signerId, expiresAt: { gt: new Date(now()) } },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    take: MAX_PROPOSALS,
  })
}

async function checkDraft(deps: StatementDeps, { id, draft: claims }: ProposeTrustRequest) {
  const parsed = parseTrustDraft(claims)
  if (!parsed.ok) throw new ApiError('INVALID_STATEMENT', parsed.text)
  const { draft } = parsed
  if (draft.kind === 'blocks' || draft.kind === 'chains-to') {
    throw new ApiError('INVALID_STATEMENT', `A statement of the kind ${draft.kind} cannot be proposed`)
  }
  if (draft.sub !== id) throw new ApiError('INVALID_STATEMENT', `sub of the statement must be the operator ${id}`)
  const { operators, issuer } = deps
  const proposer = await requireActive(deps, id)
  const { operator: signer } = await operators.lookupOperator({ by: { case: 'id', value: draft.iss } })
  checkSubject(draft, proposer, issuer)
  if (signer?.status !== 'active') {
    throw new ApiError('INVALID_STATEMENT', `iss of the statement must be an active operator of ${issuer}`)
  }
  checkSigner(draft, signer, issuer)
  return draft
}

/** Returns the claims of a draft as Prisma takes JSON. */
function toJson(draft: TrustDraft): Prisma.InputJsonObject {
  return JSON.parse(JSON.stringify(draftClaims(draft)))
}
