import { isUuid } from '../encoding/uuid.ts'

/**
 * Largest number of edges of a token or grant. A grant has at most 32, one for each of its capabilities. A token that
 * was exchanged for it has these, and one for each of its 8 audiences and 2 parties.
 */
export const MAX_EDGES = 48

/**
 * Tells whether a value is the claim `edges`: 1 to 48 different UUIDs in lower case.
 *
 * @example
 * ```ts
 * import { isEdges } from '@auth4agent/core/token/edges'
 *
 * isEdges(['0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b']) // true
 * isEdges([]) // false
 * ```
 */
export function isEdges(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= MAX_EDGES &&
    value.every((entry) => typeof entry === 'string' && entry.length === UUID_LENGTH && isUuid(entry)) &&
    new Set(value).size === value.length
  )
}

const UUID_LENGTH = 36
