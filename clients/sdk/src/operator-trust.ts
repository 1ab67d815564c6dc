import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { draftClaims, parseTrustDraft } from '@auth4agent/core/trust/read-draft'
import type { EdgeKind, StatementVisibility, TrustDraft, TrustGrant } from '@auth4agent/core/trust/statement'
import { readAnswer, readAnswers } from './answers.ts'
import type { Caller } from './caller.ts'
import type { OperatorRequest, OperatorRequests } from './operator-request.ts'
import { items, queryOf } from './pages.ts'
import { signTrustStatement } from './sign-statement.ts'
import type { Signer } from './signer.ts'
import * as answers from './trust-answers.ts'

/** Another operator, or for `chains-to` an issuer alone. */
export interface TrustSubject {
  readonly operatorId?: string | undefined
  readonly domain?: string | undefined
  /** The issuer of its deployment; by default the one of this client. */
  readonly home?: string | undefined
}

/** A statement to sign. Members that have no meaning for its kind must be left out. */
export interface NewStatement {
  readonly kind: EdgeKind
  readonly subject: TrustSubject
  /** What the subject may call, and with which scopes. `member` and `blocks` have no grants. */
  readonly grants?: readonly TrustGrant[] | undefined
  /** How many `member` statements may follow; only in `accepts-members-of`. */
  readonly depth?: 1 | 2 | undefined
  /** Issuers of the deployments where it counts; by default the one of this client. */
  readonly aud?: readonly string[] | undefined
  /** By default `parties`. */
  readonly visibility?: StatementVisibility | undefined
}

/** When a statement counts. Times are Unix seconds. */
export interface StatementTerms {
  /** By default it begins at once. */
  readonly nbf?: number | undefined
  /** By default it expires after 90 days. */
  readonly exp?: number | undefined
  /** By default one more than the newest statement of the same kind about the same subject. */
  readonly version?: number | undefined
}

/** Which statements to list. */
export interface TrustFilter {
  /** Lists ended and expired statements too. */
  readonly withEnded?: boolean | undefined
  readonly pageSize?: number | undefined
}

/**
 * The calls for the trust statements of an operator.
 *
 * @example
 *
 * ```ts
 * const draft = await operator.trust.draft({
 *   kind: 'lets-call',
 *   subject: { operatorId: 'aaaaaaaa-1111-8111-8111-111111111111', domain: 'acme.example' },
 *   grants: [{ audience: 'https://api.cargo.example', scopes: { 'orders:read': ['read'] } }],
 * })
 * const { jti } = await operator.trust.put(await operator.trust.sign(draft))
 * await operator.trust.revoke(jti, 'the contract has ended')
 * ```
 */
export interface OperatorTrust {
  /** Completes a statement of this operator to a draft. Rejects with TypeError if no server would accept it. */
  draft(statement: NewStatement): Promise<TrustDraft>
  /**
   * Signs a draft with the root key, and sends nothing but questions. `describeStatement` of core says what it means.
   */
  sign(draft: TrustDraft, terms?: StatementTerms): Promise<string>
  /** Puts a signed statement into force. Pass approvals if the threshold of the root keys demands them. */
  put(statement: string, approvals?: readonly string[]): Promise<answers.TrustStatementRecord>
  /** Does the same as `put`, but returns the request, so that other root keys can approve it. */
  prepare(statement: string): OperatorRequest
  /** Lists the statements that the operator has signed and those that name it, newest first. */
  list(filter?: TrustFilter): AsyncGenerator<answers.TrustStatementRecord, void, undefined>
  /**
   * Ends a statement with all its versions. Online verifiers refuse what it allowed as soon as the call ends. To end a
   * block needs a root key, and approvals if the threshold of the root keys demands them.
   */
  revoke(jti: string, reason?: string, approvals?: readonly string[]): Promise<answers.TrustStatementRecord>
  /** Does the same as `revoke`, but returns the request, so that other root keys can approve the end of a block. */
  prepareRevoke(jti: string, reason?: string): OperatorRequest
  /** Asks another operator of the deployment to sign a draft about this operator. */
  propose(draft: TrustDraft): Promise<answers.TrustProposalRecord>
  /** Lists the drafts that wait for this operator's signature. `sign` signs one. */
  proposals(): Promise<readonly answers.TrustProposalRecord[]>
  /**
   * Deletes a draft that waits for this operator's signature. Its proposer may not propose to this operator again
   * until the time that the answer names, or until this operator signs a statement about it.
   */
  dismiss(proposalId: string, reason?: string): Promise<answers.TrustDismissalRecord>
}

const STATEMENT_NAMES: Names<NewStatement> = {
  kind: true,
  subject: true,
  grants: true,
  depth: true,
  aud: true,
  visibility: true,
}
const TERMS_NAMES: Names<StatementTerms> = { nbf: true, exp: true, version: true }
const FILTER_NAMES: Names<TrustFilter> = { withEnded: true, pageSize: true }

/** What the calls for trust need. */
interface TrustParts {
  readonly id: string
  readonly caller: Caller
  readonly requests: OperatorRequests
  readonly rootKey: Signer | undefined
  readonly now: () => number
  /** Resolves with the domain of the operator. */
  readonly domain: () => Promise<string>
}

/** Makes the calls for the trust statements of one operator. */
export function operatorTrust({ id, caller, requests, rootKey, now, domain }: TrustParts): OperatorTrust {
  const path = `/v1/operators/${id}/trust`
  const { issuer } = caller
  const change = (below: string, body: object) => caller.call(id, { method: 'POST', path: path + below, body })
  const prepare = (statement: string) => requests.make('POST', path, { statement })
  const prepareRevoke = (jti: string, reason?: string) =>
    requests.make('POST', `${path}/${encodeURIComponent(jti)}/revoke`, { reason })
  const list = (filter: TrustFilter = {}) => {
    refuseUnknownNames('filter', filter, FILTER_NAMES)
    const query = queryOf({ with_ended: filter.withEnded === true ? 'true' : undefined, page_size: filter.pageSize })
    return records(items(caller, id, answers.trustStatement, { method: 'GET', path, query }, 'statements'))
  }
  return {
    async draft(statement) {
      refuseUnknownNames('statement', statement, STATEMENT_NAMES)
      return complete(statement, { iss: id, home: issuer, domain: await domain() })
    },
    async sign(draft, terms = {}) {
      refuseUnknownNames('terms', terms, TERMS_NAMES)
      if (rootKey === undefined) throw new TypeError('sign() needs a root key')
      if (draft.iss !== id || draft.home !== issuer) throw new TypeError('The draft is one of another operator')
      const version = terms.version ?? (await nextVersion(list({ withEnded: true, pageSize: 200 }), draft))
      return signTrustStatement(rootKey, { ...draft, ...terms, version, nowS: now() / 1_000 })
    },
    put: async (statement, approvals = []) => answers.readStatement(await requests.send(prepare(statement), approvals)),
    prepare,
    list,
    revoke: async (jti, reason, approvals = []) =>
      answers.readStatement(await requests.send(prepareRevoke(jti, reason), approvals)),
    prepareRevoke,
    propose: async (draft) => answers.readProposal(await change('/proposals', { draft: draftClaims(draft) })),
    async proposals() {
      const answer = await caller.call(id, { method: 'GET', path: `${path}/proposals` })
      const { proposals } = readAnswer({ proposals: 'any' }, answer)
      return readAnswers(answers.trustProposal, proposals).map(answers.readProposalRecord)
    },
    dismiss: async (proposalId, reason) => {
      const answer = await change(`/proposals/${encodeURIComponent(proposalId)}/dismiss`, { reason })
      return readAnswer(answers.trustDismissal, answer)
    },
  }
}

/** Reads each statement of a list. */
async function* records(
  statements: AsyncIterable<unknown>,
): AsyncGenerator<answers.TrustStatementRecord, void, undefined> {
  for await (const statement of statements) yield answers.readRecord(statement)
}

function complete(statement: NewStatement, signer: Pick<TrustDraft, 'iss' | 'home' | 'domain'>): TrustDraft {
  const { kind, subject, grants = [], depth, aud = [signer.home], visibility = 'parties' } = statement
  const draft: TrustDraft = {
    ...signer,
    sub: subject.operatorId ?? '',
    subHome: subject.home ?? signer.home,
    subDomain: subject.domain ?? '',
    aud,
    kind,
    ...(depth !== undefined && { depth }),
    grants,
    visibility,
  }
  const parsed = parseTrustDraft(draftClaims(draft))
  if (!parsed.ok) throw new TypeError(parsed.text)
  return parsed.draft
}

/** Returns one more than the highest version of the statements of the same signer, kind and subject. */
async function nextVersion(
  statements: AsyncGenerator<answers.TrustStatementRecord, void, undefined>,
  { iss, kind, sub, subHome }: TrustDraft,
): Promise<number> {
  let newest = 0
  for await (const { kind: known, version, signer, subject } of statements) {
    const isSame = known === kind && (sub === '' ? subject.home === subHome : subject.operator_id === sub)
    if (isSame && signer.operator_id === iss) newest = Math.max(newest, version)
  }
  return newest + 1
}
