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
import { type CheckedStatement, MAX_LIVE_STATEMENTS, type StoreOutcome, storeStatement } from './store.ts'

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
  const { statement, thumbprint } = verified
  const { db, now, issuer, operators, foreign, settings } = deps
  const signer = await requireActive(deps, id, call)
  checkSigner(statement, signer, issuer)
  if (findKey(signer, thumbprint)?.isRoot !== true) {
    throw new ApiError('INVALID_STATEMENT', 'A root key of the operator must have signed the statement')
  }
  checkTimes(statement, Math.floor(now() / 1_000), settings.skewS)
  const { kind, sub, subHome, subDomain } = statement
  if (kind !== 'chains-to' && subHome === issuer) {
    const { operator } = await operators.lookupOperator({ by: { case: 'id', value: sub } }, call)
    checkSubject(statement, operator, issuer)
  }
  const row = await store(deps, call, { statement, text, kid: thumbprint }, signer.version)
  if (kind === 'chains-to' || subHome === issuer) return row
  // The issuer of a subject elsewhere may be admitted later. Until its domain is proven, the statement waits.
  const admitted = await db.prisma.issuer.findUnique({ where: { issuer: subHome, status: 'enabled' } })
  if (admitted !== null) foreign.proveNow(admitted.id, subDomain)
  return row
}

function store(
  { db, now }: StatementDeps,
  author: Author,
  checked: Pick<CheckedStatement, 'statement' | 'text' | 'kid'>,
  signerVersion: number,
): Promise<Row> {
  const { iss: signerId, sub: proposerId, kind, version, subDomain, subHome, jti } = checked.statement
  return change(db.prisma, author, async (tx, audit) => {
    const at = new Date(now())
    await lockVersion(tx, signerId, signerVersion)
    const result = await storeStatement(tx, { ...checked, at })
    if (result.outcome === 'known' && result.row.statement === checked.text) return result.row
    if (result.outcome !== 'stored') throw refusalOf(result)
    if (proposerId !== '') await deleteProposals(tx, { signerId, proposerId, proposerDomain: subDomain, kind, at })
    const reason = `${kind} ${subDomain === '' ? subHome : subDomain}, version ${version}`
    await audit({ action: 'trust.put', subject: jti, operatorId: signerId, reason })
    return result.row
  })
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
