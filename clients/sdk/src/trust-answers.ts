import { type Answer, readAnswer, type Shape } from './answers.ts'

const party = { operator_id: 'text', domain: 'text', home: 'text' } as const satisfies Shape
/** An operator at its deployment, `home`. For the subject of `chains-to` only `home` is set. */
export type TrustPartyRecord = Answer<typeof party>

export const trustStatement = {
  jti: 'text',
  edge_id: 'text',
  kind: 'text',
  signer: 'any',
  subject: 'any',
  depth: 'count?',
  grants: 'any',
  aud: 'texts',
  visibility: 'text',
  version: 'count',
  state: 'text',
  issued_at: 'text',
  not_before: 'text',
  expires_at: 'text',
  ended_at: 'text?',
  statement: 'text',
} as const satisfies Shape
/**
 * A trust statement as the server keeps it. `state` is waiting, active, replaced, revoked or expired. `statement` is
 * the signed text itself: `parseTrustStatement` of `@auth4agent/core` reads its grants.
 */
export interface TrustStatementRecord extends Omit<Answer<typeof trustStatement>, 'signer' | 'subject'> {
  readonly signer: TrustPartyRecord
  readonly subject: TrustPartyRecord
}

export const trustProposal = {
  proposal_id: 'text',
  proposer: 'any',
  signer_id: 'text',
  draft: 'any',
  created_at: 'text',
  expires_at: 'text',
} as const satisfies Shape
/** A draft that waits for the signature of an operator. `parseTrustDraft` of `@auth4agent/core` reads `draft`. */
export interface TrustProposalRecord extends Omit<Answer<typeof trustProposal>, 'proposer'> {
  readonly proposer: TrustPartyRecord
}

export const trustDismissal = { proposer_id: 'text', refused_until: 'text' } as const satisfies Shape
/** A dismissed draft. Until `refused_until` its proposer may not propose to the operator again. */
export type TrustDismissalRecord = Answer<typeof trustDismissal>

/** Checks a statement in an answer. */
export function readRecord(value: unknown): TrustStatementRecord {
  const read = readAnswer(trustStatement, value)
  return { ...read, signer: readAnswer(party, read.signer), subject: readAnswer(party, read.subject) }
}

/** Checks an answer that contains one statement. */
export function readStatement(value: unknown): TrustStatementRecord {
  return readRecord(readAnswer({ statement: 'any' }, value).statement)
}

/** Checks a proposal in an answer. */
export function readProposalRecord(value: unknown): TrustProposalRecord {
  const read = readAnswer(trustProposal, value)
  return { ...read, proposer: readAnswer(party, read.proposer) }
}

/** Checks an answer that contains one proposal. */
export function readProposal(value: unknown): TrustProposalRecord {
  return readProposalRecord(readAnswer({ proposal: 'any' }, value).proposal)
}
