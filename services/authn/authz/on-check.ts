import type { ApiError } from '../../platform/errors/api-error.ts'

/** How a check for a proxy can end. `undecided`: the server could not decide. */
export type CheckOutcome = 'passed' | 'unauthenticated' | 'forbidden' | 'undecided'

/** Counts how a check has ended. `fault` is the error because of which the server could not decide. */
export type OnCheck = (outcome: CheckOutcome, fault?: ApiError) => void
