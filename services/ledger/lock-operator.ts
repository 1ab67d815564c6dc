import type { Tx } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'

/**
 * Locks an operator until the transaction ends, so that its changes happen one after the other.
 *
 * @throws ApiError OPERATOR_NOT_FOUND
 */
export async function lockOperator(tx: Tx, id: string): Promise<{ readonly status: string }> {
  const rows = await tx.$queryRaw<{ status: string }[]>`
    SELECT status::text FROM operators WHERE id = ${id}::uuid FOR NO KEY UPDATE`
  const [row] = rows
  if (row === undefined) throw new ApiError('OPERATOR_NOT_FOUND')
  return row
}

/**
 * Locks an operator that gives authority away, so it must be active.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE
 */
export async function lockActiveOperator(tx: Tx, id: string): Promise<void> {
  const { status } = await lockOperator(tx, id)
  if (status !== 'active') throw new ApiError('OPERATOR_NOT_ACTIVE', `The operator is ${status} but must be active`)
}
