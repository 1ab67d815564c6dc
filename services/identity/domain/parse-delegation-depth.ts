import { ApiError } from '../../platform/errors/api-error.ts'

const MAX_DEPTH = 8

/**
 * Checks how many times the grants of an agent may be handed on. Returns it unchanged.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function parseDelegationDepth(depth: number): number {
  if (depth >= 0 && depth <= MAX_DEPTH) return depth
  throw new ApiError('INVALID_ARGUMENT', `max_delegation_depth must be between 0 and ${MAX_DEPTH}`)
}
