import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { TrustStatement as Row } from '../../../gen/prisma/client.ts'
import type { RevokeTrustStatementRequest } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call } from '../../calls/call.ts'
import { change, inTurn } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { checkReason } from '../../platform/requests/check-text.ts'
import type { StatementDeps } from './deps.ts'
import { justChanged, lockVersion, requireActive } from './require-active.ts'
import { lockSigner } from './store.ts'

/**
 * Revokes a statement with all versions of it: those of the same signer, kind and subject. Tokens of a replaced
 * version may still be valid, so they end too. A repeated call changes nothing. The end of a block gives authority, so
 * it demands what putting one does.
 *
 * @returns the row of the named statement.
 * @throws ApiError STATEMENT_NOT_FOUND, ASSERTION_USED, OPERATOR_NOT_ACTIVE, INVALID_ARGUMENT, and what a root
 *   operation throws
 */
export async function revokeStatement(
  deps: StatementDeps,
  { id, jti, reason: text }: Omit<RevokeTrustStatementRequest, '$typeName'>,
  call: Call,
): Promise<Row> {
  const { db, now, issuer: home } = deps
  const reason = checkReason(text)
  const where = { home, signerId: id, jti }
  // The kind of a statement never changes, so it can be read before the transaction.
  const named = isUuid(jti) ? await inTurn(call, () => db.prisma.trustStatement.findFirst({ where })) : null
  if (named === null) throw new ApiError('STATEMENT_NOT_FOUND')
  const { signerId, kind, subjectId } = named
  const { author, version } = kind === 'blocks' ? await demandRoot(deps, id, call) : { author: call }
  return change(db.prisma, author, async (tx, audit) => {
    if (version !== undefined) await lockVersion(tx, id, version)
    await lockSigner(tx, id)
    const at = new Date(now())
    const { count } = await tx.trustStatement.updateMany({
      where: { home, signerId, kind, subjectId, endedAt: null, expiresAt: { gt: at } },
      data: { endedAt: at, end: 'revoked' },
    })
    if (count > 0) await audit({ action: 'trust.revoke', subject: jti, operatorId: id, reason })
    return (await tx.trustStatement.findFirst({ where })) ?? named
  })
}

/** Returns the author of a change that gives authority, and the version of the operator whose root keys agree. */
async function demandRoot(deps: StatementDeps, id: string, call: Call) {
  const principal = call.asRoot?.('to end a statement of the kind blocks')
  if (principal?.root === undefined) throw new Error('A call that ends a statement must have an operator as its author')
  const { version, manifestSeq } = await requireActive(deps, id, call)
  if (manifestSeq !== principal.root.manifestSeq) throw justChanged()
  return { author: { ...call, principal }, version }
}
