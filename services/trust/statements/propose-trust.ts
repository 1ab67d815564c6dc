import { draftClaims, parseTrustDraft } from '@auth4agent/core/trust/read-draft'
import type { TrustDraft } from '@auth4agent/core/trust/statement'
import type { Prisma, TrustProposal as Row } from '../../../gen/prisma/client.ts'
import type { DismissTrustProposalRequest, ProposeTrustRequest } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { checkReason } from '../../platform/requests/check-text.ts'
import type { Cause } from '../../platform/trace/span.ts'
import type { StatementDeps } from './deps.ts'
import { checkSigner, checkSubject } from './domain/check-statement.ts'
import { dismissProposal, storeProposal } from './proposal-store.ts'
import { requireActive } from './require-active.ts'
import { lockSigner } from './store.ts'

/**
 * Files a draft with the operator that would sign it. A newer draft of the same proposer and kind replaces the one
 * before, so that no proposer can take more than three places of a signer. The same draft keeps its id.
 *
 * @throws ApiError INVALID_STATEMENT, PROPOSAL_LIMIT, PROPOSAL_DISMISSED, OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE,
 *   ASSERTION_USED
 */
export async function proposeTrust(deps: StatementDeps, request: ProposeTrustRequest, author: Author): Promise<Row> {
  const { draft, provenSinceMs } = await checkDraft(deps, request, author)
  const { iss: signerId, sub: proposerId, subDomain: proposerDomain, kind } = draft
  return change(deps.db.prisma, author, async (tx, audit) => {
    await lockSigner(tx, signerId)
    const at = new Date(deps.now())
    // A process of an older version does not tell the time, and then the proposer counts as the youngest.
    const provenSince = provenSinceMs === 0n ? at : new Date(Number(provenSinceMs))
    const place = { signerId, proposerId, proposerDomain, kind, at }
    const row = await storeProposal(tx, audit, { ...place, provenSince, draft: toJson(draft) })
    const reason = `${kind} by ${draft.domain}`
    await audit({ action: 'trust.propose', subject: row.id, operatorId: proposerId, reason })
    return row
  })
}

/**
 * Dismisses a proposal, so that its proposer may not propose again for a while, nor operators below its domain. A
 * repeated call changes nothing.
 *
 * @returns the row of the dismissal
 * @throws ApiError PROPOSAL_NOT_FOUND, INVALID_ARGUMENT, ASSERTION_USED
 */
export function dismissTrust(
  { db, now }: Pick<StatementDeps, 'db' | 'now'>,
  { id, proposalId, reason: text }: DismissTrustProposalRequest,
  author: Author,
): Promise<Row> {
  const reason = checkReason(text)
  return change(db.prisma, author, async (tx, audit) => {
    await lockSigner(tx, id)
    const { row, isNew } = await dismissProposal(tx, id, proposalId, new Date(now()))
    if (isNew) await audit({ action: 'trust.dismiss', subject: proposalId, operatorId: id, reason })
    return row
  })
}

async function checkDraft(deps: StatementDeps, { id, draft: claims }: ProposeTrustRequest, cause: Cause) {
  const parsed = parseTrustDraft(claims)
  if (!parsed.ok) throw new ApiError('INVALID_STATEMENT', parsed.text)
  const { draft } = parsed
  if (draft.kind === 'blocks' || draft.kind === 'chains-to') {
    throw new ApiError('INVALID_STATEMENT', `A statement of the kind ${draft.kind} cannot be proposed`)
  }
  if (draft.sub !== id) throw new ApiError('INVALID_STATEMENT', `sub of the statement must be the operator ${id}`)
  const { operators, issuer } = deps
  const proposer = await requireActive(deps, id, cause)
  const { operator: signer } = await operators.lookupOperator({ by: { case: 'id', value: draft.iss } }, cause)
  checkSubject(draft, proposer, issuer)
  if (signer?.status !== 'active') {
    throw new ApiError('INVALID_STATEMENT', `iss of the statement must be an active operator of ${issuer}`)
  }
  checkSigner(draft, signer, issuer)
  return { draft, provenSinceMs: proposer.provenSinceMs }
}

/** Returns the claims of a draft as Prisma takes JSON. */
function toJson(draft: TrustDraft): Prisma.InputJsonObject {
  return JSON.parse(JSON.stringify(draftClaims(draft)))
}
