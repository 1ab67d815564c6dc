import type { OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Cause } from '../../platform/trace/span.ts'
import type { StatementDeps } from './deps.ts'

/**
 * Returns a calling operator, which must be active. A lapsed or suspended operator can make calls too, but it must not
 * give authority away.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE
 */
export async function requireActive(
  { operators }: Pick<StatementDeps, 'operators'>,
  id: string,
  cause: Cause,
): Promise<OperatorSnapshot> {
  const { operator } = await operators.lookupOperator({ by: { case: 'id', value: id } }, cause)
  if (operator === undefined) throw new ApiError('OPERATOR_NOT_FOUND')
  if (operator.status === 'active') return operator
  throw new ApiError('OPERATOR_NOT_ACTIVE', `The operator is ${operator.status} but must be active`)
}

/**
 * Keeps an operator as it was when its keys were read, until the transaction ends. A change of its keys that comes
 * later then finds what the transaction has stored.
 *
 * @throws ApiError UNAVAILABLE
 */
export async function lockVersion(tx: Tx, id: string, version: number): Promise<void> {
  const [row] = await tx.$queryRaw<{ version: number }[]>`
    SELECT version FROM operators WHERE id = ${id}::uuid FOR SHARE`
  if (row?.version === version) return
  throw justChanged()
}

/** Returns the error for a call of an operator that another call has changed meanwhile. */
export function justChanged(): ApiError {
  return new ApiError('UNAVAILABLE', 'The operator has just been changed; try again', { isFault: false, retryAfter: 1 })
}
