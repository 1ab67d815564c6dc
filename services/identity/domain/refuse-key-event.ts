import { KEY_EVENT_REASONS, type KeyEventRefusal } from '@auth4agent/core/key-events/refusal'
import { ApiError } from '../../platform/errors/api-error.ts'

/** Returns the error for a refused key event. */
export function refusalError({ why, demand }: KeyEventRefusal): ApiError {
  return new ApiError(KEY_EVENT_REASONS[why], demandText(demand, 'key event'))
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
