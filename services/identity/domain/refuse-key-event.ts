import type { KeyEventFault, KeyEventRefusal } from '@auth4agent/core/key-events/refusal'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../platform/errors/reasons.ts'

/** The reason for each fault of a key event. */
const REASONS: Readonly<Record<KeyEventFault, ReasonCode>> = {
  malformed: 'INVALID_KEY_EVENT',
  conflict: 'KEY_EVENT_CONFLICT',
  signature: 'INVALID_KEY_EVENT',
  'not-committed': 'KEY_NOT_COMMITTED',
  reused: 'KEY_REUSED',
  full: 'KEY_EVENT_LIMIT',
  'too-many-keys': 'ADDED_KEY_LIMIT',
  'unknown-key': 'ADDED_KEY_NOT_FOUND',
  ended: 'AGENT_REVOKED',
}

/** Returns the error for a refused key event. */
export function refusalError({ why, demand }: KeyEventRefusal): ApiError {
  return new ApiError(REASONS[why], demandText(demand, 'key event'))
}

/**
 * Makes a sentence of a demand. Most demands begin with the name of a claim, which keeps its small letter.
 *
 * @param what the text that has the claim
 */
export function demandText(demand: string, what: string): string {
  return /^(the|an|a|only) /.test(demand)
    ? `${demand.slice(0, 1).toUpperCase()}${demand.slice(1)}`
    : `In the ${what}, ${demand}`
}
