import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { TrustStatement as Row } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { StatementDeps } from './deps.ts'
import { lockSigner } from './store.ts'

/** A statement of an operator, and why it is revoked. */
interface Revocation {
  readonly id: string
  readonly jti: string
  readonly reason: string
}

/**
 * Revokes a statement with all versions of it: those of the same signer, kind and subject. Tokens of a replaced
 * version may still be valid, so they end too. A repeated call changes nothing.
 *
 * @returns the row of the named statement.
 * @throws ApiError STATEMENT_NOT_FOUND, ASSERTION_USED
 */
export function revokeStatement(
  { db, now, issuer: home }: StatementDeps,
  author: Author,
  { id, jti, reason }: Revocation,
): Promise<Row> {
  return change(db.prisma, author, async (tx, audit) => {
    await lockSigner(tx, id)
    const where = { home, signerId: id, jti }
    const named = isUuid(jti) ? await tx.trustStatement.findFirst({ where }) : null
    if (named === null) throw new ApiError('STATEMENT_NOT_FOUND')
    const at = new Date(now())
    const { signerId, kind, subjectId } = named
    const { count } = await tx.trustStatement.updateMany({
      where: { home, signerId, kind, subjectId, endedAt: null, expiresAt: { gt: at } },
      data: { endedAt: at, end: 'revoked' },
    })
    if (count === 0) return named
    await audit({ action: 'trust.revoke', subject: jti, operatorId: id, reason })
    return tx.trustStatement.findFirstOrThrow({ where })
  })
}
