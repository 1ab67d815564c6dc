import { isJsonValue } from '../encoding/json-value.ts'
import type { CallArguments } from './call-arguments.ts'
import {
  type ArgumentMap,
  type Capabilities,
  type Constraint,
  isExactNumber,
  isScalar,
  isUnconstrained,
  type Range,
  type Scalar,
  UNNAMED,
} from './constraint.ts'
import { isSafeText } from './path-text.ts'
import { type ChainRefusal, type GrantRefusal, quote, refuseGrant } from './refusal.ts'

/**
 * Tells whether a constraint admits the value of an argument. Values are equal if their JSON types and their values
 * are: 1 is 1.0 and 0 is -0; text is compared without Unicode normalisation. A wildcard admits every JSON value. Every
 * other constraint admits only numbers from -(2^53-1) to 2^53-1, because a service may see other digits of larger
 * ones.
 *
 * @example
 * ```ts
 * import { admits } from '@auth4agent/core/delegation/permits'
 *
 * admits({ constraint_type: 'range', max: 500 }, 499.5) // true
 * admits({ constraint_type: 'prefix', prefix: '/data/' }, '/data/../x') // false
 * ```
 */
export function admits(constraint: Constraint, value: unknown): boolean {
  return isJsonValue(value) && holds(constraint, value)
}

function holds(constraint: Constraint, value: unknown): boolean {
  switch (constraint.constraint_type) {
    case 'wildcard':
      return true
    case 'exact':
      return isScalar(value) && value === constraint.value
    case 'one_of':
      return isScalar(value) && constraint.values.includes(value)
    case 'not_one_of':
      // Only scalars, because a service may read ["prod"] as "prod".
      return isScalar(value) && !constraint.excluded.includes(value)
    case 'range':
      return isExactNumber(value) && isInside(constraint, value)
    case 'prefix':
      return typeof value === 'string' && isBelow(constraint.prefix, value)
    case 'contains':
      return isScalarList(value) && constraint.required.every((scalar) => value.includes(scalar))
    case 'subset':
      return isScalarList(value) && value.every((scalar) => constraint.allowed.includes(scalar))
    case 'all':
      return constraint.constraints.every((clause) => holds(clause, value))
    case 'any':
    default:
      return constraint.constraints.some((clause) => holds(clause, value))
  }
}

function isInside({ min, min_inclusive, max, max_inclusive }: Range, value: number): boolean {
  if (min !== undefined && (min_inclusive === false ? value <= min : value < min)) return false
  return max === undefined || (max_inclusive === false ? value < max : value <= max)
}

/** A text may be used as a path, even if the prefix ends before the first `/`. */
function isBelow(prefix: string, text: string): boolean {
  return text.startsWith(prefix) && isSafeText(text)
}

function isScalarList(value: unknown): value is readonly Scalar[] {
  return Array.isArray(value) && value.every(isScalar)
}

/**
 * Checks the arguments of a call against the constraints of one grant.
 *
 * @param args the arguments on which the service acts; undefined if they are not known. Only an unconstrained
 *   capability allows a call whose arguments are not known.
 * @returns undefined if the call is allowed.
 * @example
 * ```ts
 * import { readArguments } from '@auth4agent/core/delegation/call-arguments'
 * import { checkArguments } from '@auth4agent/core/delegation/permits'
 *
 * const amount = { constraint: { constraint_type: 'range', max: 500 }, optional: false } as const
 * const read = readArguments({ amount: 501 })
 * if (read.ok) checkArguments(new Map([['amount', amount]]), read.args)?.reason // 'ARGUMENT_REFUSED'
 * ```
 */
export function checkArguments(map: ArgumentMap, args: CallArguments | undefined): GrantRefusal | undefined {
  if (args === undefined) {
    if (isUnconstrained(map)) return undefined
    return refuseGrant('ARGUMENTS_NEEDED', 'the arguments of the call must be known, because the grant limits them')
  }
  for (const [name, value] of args.values) {
    const refusal = checkArgument(map, name, value)
    if (refusal !== undefined) return refusal
  }
  for (const [name, { optional }] of map) {
    if (name === UNNAMED || optional || args.values.has(name)) continue
    return refuseGrant('ARGUMENT_REFUSED', `the argument ${quote(name)} must be present`)
  }
  return undefined
}

function checkArgument(map: ArgumentMap, name: string, value: unknown): GrantRefusal | undefined {
  const entry = map.get(name) ?? map.get(UNNAMED)
  if (entry === undefined) {
    return refuseGrant('ARGUMENT_REFUSED', `the call must not have the argument ${quote(name)}`)
  }
  if (holds(entry.constraint, value)) return undefined
  const type = entry.constraint.constraint_type
  return refuseGrant('ARGUMENT_REFUSED', `the argument ${quote(name)} must satisfy its constraint ${type}`)
}

/**
 * Checks a call against every grant of a chain. A child is no wider than its parent, so the last grant would be
 * enough. With every grant, a mistake in the comparison of grants cannot widen a right.
 *
 * @param hops the capabilities of each grant, root first.
 * @param capability `<audience>#<scope>`.
 * @param args as in {@link checkArguments}.
 * @returns undefined if every grant allows the call.
 * @example
 * ```ts
 * import { checkCall } from '@auth4agent/core/delegation/permits'
 *
 * const refusal = checkCall([root, child], 'https://pay.acme.test#pay', undefined)
 * ```
 */
export function checkCall(
  hops: readonly Capabilities[],
  capability: string,
  args: CallArguments | undefined,
): ChainRefusal | undefined {
  // An empty list of grants would otherwise allow every call.
  if (hops.length === 0) return { ...missing(capability), hop: undefined }
  for (const [hop, capabilities] of hops.entries()) {
    const map = capabilities.get(capability)
    const refusal = map === undefined ? missing(capability) : checkArguments(map, args)
    if (refusal !== undefined) return { ...refusal, hop }
  }
  return undefined
}

function missing(capability: string): GrantRefusal {
  return refuseGrant('CAPABILITY_MISSING', `every grant must have the capability ${quote(capability)}`)
}
