import type { ParsedStatement } from '@auth4agent/core/trust/parse-statement'
import type { TrustStatement } from '@auth4agent/core/trust/statement'
import type { TrustStatement as Row } from '../../../gen/prisma/client.ts'
import type { PutTrustStatementRequest } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call } from '../../calls/call.ts'
import { findKey } from '../../calls/operator-keys.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { StatementDeps } from './deps.ts'
import { checkSigner, checkSubject, checkTimes } from './domain/check-statement.ts'
import { verifyTrustStatement } from './domain/verify-statement.ts'
import { deleteProposals } from './proposal-store.ts'
import { lockVersion, requireActive } from './require-active.ts'
import { MAX_LIVE_STATEMENTS, type StoreOutcome, storeStatement } from './store.ts'

/**
 * Puts a statement of the calling operator into force. A call that repeats the same text changes nothing.
 *
 * @throws ApiError INVALID_STATEMENT, STATEMENT_CONFLICT, STATEMENT_LIMIT, OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE,
 *   ASSERTION_USED
 */
export async function putStatement(
  deps: StatementDeps,
  { id, statement: text }: PutTrustStatementRequest,
  call: Call,
): Promise<Row> {
  const verified = verifyTrustStatement(text)
  if (!verified.ok) throw new ApiError('INVALID_STATEMENT', verified.text)
  const { statement } = verified
  const signer = await checkSignature(deps, id, verified)
  checkTimes(statement, { nowS: Math.floor(deps.now() / 1_000), skewS: deps.settings.skewS })
  // The issuer of a subject elsewhere may be admitted later. Until then the statement waits.
  if (statement.kind !== 'chains-to' && statement.subHome === deps.issuer) {
    const { operator } = await deps.operators.lookupOperator({ by: { case: 'id', value: statement.sub } })
    checkSubject(statement, operator, deps.issuer)
  }
  const row = await store(deps, call, { ...verified, signerVersion: signer.version }, text)
  await proveSubject(deps, statement)
  return row
}

/** Has the domain of a subject elsewhere proven, so that the statement can count soon. */
async function proveSubject({ db, issuer, foreign }: StatementDeps, statement: TrustStatement): Promise<void> {
  const { kind, subHome, subDomain } = statement
  if (kind === 'chains-to' || subHome === issuer) return
  const admitted = await db.prisma.issuer.findUnique({ where: { issuer: subHome, status: 'enabled' } })
  if (admitted !== null) foreign.proveNow(admitted.id, subDomain)
}

async function checkSignature(deps: StatementDeps, id: string, { statement, thumbprint }: ParsedStatement) {
  const operator = await requireActive(deps, id)
  checkSigner(statement, operator, deps.issuer)
  if (findKey(operator, thumbprint)?.isRoot !== true) {
    throw new ApiError('INVALID_STATEMENT', 'A root key of the operator must have signed the statement')
  }
  return operator
}

function store(
  { db, now }: StatementDeps,
  author: Author,
  { statement, thumbprint, signerVersion }: ParsedStatement & { readonly signerVersion: number },
  text: string,
): Promise<Row> {
  const { iss: signerId, sub: proposerId, kind, version, subDomain, subHome, jti } = statement
  return change(db.prisma, author, async (tx, audit) => {
    const at = new Date(now())
    await lockVersion(tx, signerId, signerVersion)
    const stored = rowIn(await storeStatement(tx, { statement, text, kid: thumbprint, at }), text)
    if (!stored.isNew) return stored.row
    if (proposerId !== '') await deleteProposals(tx, { signerId, proposerId, proposerDomain: subDomain, kind, at })
    const reason = `${kind} ${subDomain === '' ? subHome : subDomain}, version ${version}`
    await audit({ action: 'trust.put', subject: jti, operatorId: signerId, reason })
    return stored.row
  })
}

/** Returns the row of a statement that was stored now or before, or throws why it was not stored. */
function rowIn(result: StoreOutcome, text: string): { readonly row: Row; readonly isNew: boolean } {
  if (result.outcome === 'stored') return { row: result.row, isNew: true }
  if (result.outcome === 'known' && result.row.statement === text) return { row: result.row, isNew: false }
  throw refusalOf(result)
}

function refusalOf(result: StoreOutcome): ApiError {
  if (result.outcome === 'full') {
    return new ApiError('STATEMENT_LIMIT', `An operator may have at most ${MAX_LIVE_STATEMENTS} statements in force`)
  }
  if (result.outcome === 'older') {
    return new ApiError('STATEMENT_CONFLICT', `version of the statement must be above ${result.version}`)
  }
  if (result.outcome === 'gap') {
    const detail = `nbf of the statement must not be in the future while version ${result.version} is in force`
    return new ApiError('STATEMENT_CONFLICT', detail)
  }
  return new ApiError('STATEMENT_CONFLICT', 'jti of the statement must be new for its signer')
}
