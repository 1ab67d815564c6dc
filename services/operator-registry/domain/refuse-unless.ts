import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../platform/errors/reasons.ts'

/** Reason of a refusal by the operator's status. Only reinstatement is refused to active and lapsed operators. */
const REFUSALS = {
  pending: 'OPERATOR_NOT_ACTIVE',
  active: 'OPERATOR_NOT_SUSPENDED',
  lapsed: 'OPERATOR_NOT_SUSPENDED',
  suspended: 'OPERATOR_SUSPENDED',
  superseded: 'OPERATOR_NOT_ACTIVE',
  released: 'OPERATOR_RELEASED',
} as const satisfies Record<OperatorStatus, ReasonCode>

/**
 * Throws unless the operator has one of the allowed statuses.
 *
 * @throws ApiError OPERATOR_NOT_ACTIVE, OPERATOR_NOT_SUSPENDED, OPERATOR_SUSPENDED, OPERATOR_RELEASED
 */
export function refuseUnless(
  { status }: { readonly status: OperatorStatus },
  allowed: readonly OperatorStatus[],
): void {
  if (!allowed.includes(status))
    throw new ApiError(REFUSALS[status], `The operator is ${status} but must be ${allowed.join(' or ')}`)
}
