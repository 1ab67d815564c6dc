/** A value that a constraint names. Stricter than the draft, lists hold scalars only, so equality is simple. */
export type Scalar = string | number | boolean | null

/** The constraints of one argument by type, in the form of the wire. */
export interface Constraints {
  readonly wildcard: { readonly constraint_type: 'wildcard' }
  readonly exact: { readonly constraint_type: 'exact'; readonly value: Scalar }
  readonly one_of: { readonly constraint_type: 'one_of'; readonly values: readonly Scalar[] }
  readonly not_one_of: { readonly constraint_type: 'not_one_of'; readonly excluded: readonly Scalar[] }
  readonly range: Range
  /** Characters, not segments: `/data` is also the beginning of `/database`. The prefix of a folder ends with `/`. */
  readonly prefix: { readonly constraint_type: 'prefix'; readonly prefix: string }
  readonly contains: { readonly constraint_type: 'contains'; readonly required: readonly Scalar[] }
  readonly subset: { readonly constraint_type: 'subset'; readonly allowed: readonly Scalar[] }
  readonly all: { readonly constraint_type: 'all'; readonly constraints: readonly Constraint[] }
  readonly any: { readonly constraint_type: 'any'; readonly constraints: readonly Constraint[] }
}

/** A range of numbers. A bound is inclusive unless its flag is false; a missing bound does not limit. */
export interface Range {
  readonly constraint_type: 'range'
  readonly min?: number
  readonly min_inclusive?: boolean
  readonly max?: number
  readonly max_inclusive?: boolean
}

/** The type of a constraint (draft-niyikiza-oauth-attenuating-agent-tokens-02 section 3.4, and `prefix`). */
export type ConstraintType = keyof Constraints

/** A constraint of one argument. */
export type Constraint = Constraints[ConstraintType]

/** Types of constraints. A grant with another type is refused. */
export const CONSTRAINT_TYPES: readonly ConstraintType[] = [
  'wildcard',
  'exact',
  'one_of',
  'not_one_of',
  'range',
  'prefix',
  'contains',
  'subset',
  'all',
  'any',
]

/** The constraint of an argument, and whether a call may leave the argument out. */
export interface ArgumentConstraint {
  readonly constraint: Constraint
  readonly optional: boolean
}

/** The name in an {@link ArgumentMap} that stands for every argument that the map does not name. */
export const UNNAMED = '*'

/**
 * The arguments of a capability by name. A call may have no other arguments, unless the map has the name `*`, whose
 * constraint is a wildcard. A map of a grant is never empty: `{}` on the wire is read as `{"*": wildcard}`.
 */
export type ArgumentMap = ReadonlyMap<string, ArgumentConstraint>

/** What a grant allows: the arguments of each capability. A capability is `<audience>#<scope>`. */
export type Capabilities = ReadonlyMap<string, ArgumentMap>

/**
 * Tells whether a constraint has a type.
 *
 * @example
 * ```ts
 * import { hasType } from '@auth4agent/core/delegation/constraint'
 *
 * hasType({ constraint_type: 'range', max: 500 }, 'range') // true
 * ```
 */
export function hasType<T extends ConstraintType>(constraint: Constraint, type: T): constraint is Constraints[T] {
  return constraint.constraint_type === type
}

/**
 * Tells whether a value can stand in a constraint and can be compared with one: valid Unicode text, a boolean, null,
 * or a number from -(2^53-1) to 2^53-1. Beyond these numbers, a double does not show the digits that were written.
 *
 * @example
 * ```ts
 * import { isScalar } from '@auth4agent/core/delegation/constraint'
 *
 * isScalar(0.5) // true
 * isScalar(2 ** 53) // false
 * ```
 */
export function isScalar(value: unknown): value is Scalar {
  if (typeof value === 'string') return value.isWellFormed()
  return value === null || typeof value === 'boolean' || isExactNumber(value)
}

/**
 * Tells whether a value is a number from -(2^53-1) to 2^53-1.
 *
 * @example
 * ```ts
 * import { isExactNumber } from '@auth4agent/core/delegation/constraint'
 *
 * isExactNumber(Number.NaN) // false
 * ```
 */
export function isExactNumber(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER
}

/**
 * Tells whether a capability allows every argument with any value: its map is exactly `{"*": wildcard}`.
 *
 * @example
 * ```ts
 * import { isUnconstrained } from '@auth4agent/core/delegation/constraint'
 *
 * const scopes = [...capabilities].filter(([, map]) => isUnconstrained(map))
 * ```
 */
export function isUnconstrained(map: ArgumentMap): boolean {
  return map.size === 1 && map.get(UNNAMED)?.constraint.constraint_type === 'wildcard'
}
