import { ApiError } from '../../platform/errors/api-error.ts'

/** The refusal of the value at a path; the empty path is the body as a whole. */
export function invalid(at: string, problem: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', at === '' ? `The body ${problem}` : `${at} ${problem}`)
}

/** The refusal of a value that is not what its field holds. */
export function wrongType(at: string, expected: string): ApiError {
  return invalid(at, `must be ${expected}`)
}
