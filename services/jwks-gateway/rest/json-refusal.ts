import { unknownName } from '@auth4agent/core/names/unknown-name'
import type { DescField } from '@bufbuild/protobuf'
import { ApiError } from '../../platform/errors/api-error.ts'

/** The refusal of the value at a path; the empty path is the body as a whole. */
export function invalid(at: string, problem: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', at === '' ? `The body ${problem}` : `${at} ${problem}`)
}

/** The refusal of an empty list where a demand stands (`refuse_empty`): whoever demands nothing leaves it out. */
export function emptyDemand(at: string): ApiError {
  return invalid(at, 'must not be empty: leave it out to demand nothing')
}

/** The refusal of a name that the contract does not have; `path` is where it stands, with the name itself. */
export function unknownField(
  kind: 'field' | 'query parameter',
  path: string,
  name: string,
  known: Iterable<DescField>,
) {
  const names = new Set(Array.from(known, (field) => field.name))
  return new ApiError('UNKNOWN_FIELD', unknownName(kind, path, name, [...names]))
}

/** The refusal of a value that is not what its field holds. */
export function wrongType(at: string, expected: string): ApiError {
  return invalid(at, `must be ${expected}`)
}
