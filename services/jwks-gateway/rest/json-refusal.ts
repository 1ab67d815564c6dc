import { unknownName } from '@auth4agent/core/names/unknown-name'
import type { DescField } from '@bufbuild/protobuf'
import { ApiError } from '../../platform/errors/api-error.ts'

/** Makes the error for the value at a path. The empty path means the whole body. */
export function invalid(at: string, problem: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', at === '' ? `The body ${problem}` : `${at} ${problem}`)
}

/** Makes the error for an object with two members of one name. */
export function repeatedMember(): ApiError {
  return invalid('', 'must not have two members of one name in an object')
}

/** Makes the error for an object that has the same field under both of its names. `path` ends with one of them. */
export function bothNames(path: string, { name, jsonName }: DescField): ApiError {
  return invalid(path, `must not be sent twice: send ${name} or ${jsonName}, not both`)
}

/** Makes the error for an empty list of requirements (`refuse_empty`). */
export function emptyDemand(at: string): ApiError {
  return invalid(at, 'must not be empty: leave it out if nothing is required')
}

/** Makes the error for an unknown name. `path` is the complete path and ends with the name. */
export function unknownField(
  kind: 'field' | 'query parameter',
  path: string,
  name: string,
  known: Iterable<DescField>,
) {
  const names = new Set(Array.from(known, (field) => field.name))
  return new ApiError('UNKNOWN_FIELD', unknownName(kind, path, name, [...names]))
}

/** Makes the error for a value of the wrong type. */
export function wrongType(at: string, expected: string): ApiError {
  return invalid(at, `must be ${expected}`)
}
