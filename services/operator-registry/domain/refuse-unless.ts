import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../platform/errors/reasons.ts'

/** What an active or lapsed operator is refused is what only a suspended one may have. */
const REFUSALS = {
  pending: 'OPERATOR_NOT_ACTIVE',
  active: 'OPERATOR_NOT_SUSPENDED',
  lapsed: 'OPERATOR_NOT_SUSPENDED',
  suspended: 'OPERATOR_SUSPENDED',
  superseded: 'OPERATOR_NOT_ACTIVE',
  released: 'OPERATOR_RELEASED',
} as const satisfies Record<OperatorStatus, ReasonCode>

/**
 * Refuses what an operator in another status may not do, or may not have done to it.
 *
 * @throws ApiError OPERATOR_NOT_ACTIVE, OPERATOR_NOT_SUSPENDED, OPERATOR_SUSPENDED, OPERATOR_RELEASED
 */
export function refuseUnless(
  { status }: { readonly status: OperatorStatus },
  allowed: readonly OperatorStatus[],
): void {
  if (!allowed.includes(status)) throw new ApiError(REFUSALS[status], `the operator is ${status}`)
}
