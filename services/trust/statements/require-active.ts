import type { OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
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
): Promise<OperatorSnapshot> {
  const { operator } = await operators.lookupOperator({ by: { case: 'id', value: id } })
  if (operator === undefined) throw new ApiError('OPERATOR_NOT_FOUND')
  if (operator.status === 'active') return operator
  throw new ApiError('OPERATOR_NOT_ACTIVE', `The operator is ${operator.status} but must be active`)
}
