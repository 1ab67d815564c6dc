import {
  type ArgumentMap,
  type Capabilities,
  type Constraint,
  type Constraints,
  type ConstraintType,
  hasType,
  type Range,
  type Scalar,
  UNNAMED,
} from './constraint.ts'
import { admits } from './permits.ts'
import { type GrantRefusal, refuseGrant } from './refusal.ts'

type Rule<P extends ConstraintType, C extends ConstraintType> = (
  child: Constraints[C],
  parent: Constraints[P],
) => boolean
type Row = (child: Constraint, parent: Constraint) => boolean

/**
 * All pairs that can be narrower: parent, child, and when the parent admits every value that the child admits. A pair
 * without a row is refused. A parent `wildcard` needs no rows.
 */
const ROWS: readonly Row[] = [
  row('exact', 'exact', isAdmitted),
  row('one_of', 'exact', isAdmitted),
  row('one_of', 'one_of', (child, parent) => includesAll(parent.values, child.values)),
  row('not_one_of', 'not_one_of', (child, parent) => includesAll(child.excluded, parent.excluded)),
  row('range', 'exact', isAdmitted),
  row('range', 'range', isInside),
  row('prefix', 'exact', isAdmitted),
  row('prefix', 'one_of', (child, parent) => child.values.every((value) => admits(parent, value))),
  row('prefix', 'prefix', (child, parent) => child.prefix.startsWith(parent.prefix)),
  row('contains', 'contains', (child, parent) => includesAll(child.required, parent.required)),
  row('subset', 'subset', (child, parent) => includesAll(parent.allowed, child.allowed)),
  row('all', 'all', (child, parent) => parent.constraints.every((limit) => hasNarrower(child.constraints, limit))),
  row('any', 'any', (child, parent) => child.constraints.every((clause) => hasWider(parent.constraints, clause))),
]

function row<P extends ConstraintType, C extends ConstraintType>(parentType: P, childType: C, rule: Rule<P, C>): Row {
  return (child, parent) => hasType(child, childType) && hasType(parent, parentType) && rule(child, parent)
}

/**
 * Tells whether a constraint is certainly as narrow as the constraint of the parent: the parent admits every value
 * that the child admits. As the draft demands (section 4.5), some pairs are refused although the child is narrower,
 * for example `one_of ["dev"]` under `not_one_of ["prod"]`.
 *
 * @example
 * ```ts
 * import { isNarrower } from '@auth4agent/core/delegation/order'
 *
 * isNarrower({ constraint_type: 'range', min: 1, max: 100 }, { constraint_type: 'range', max: 500 }) // true
 * isNarrower({ constraint_type: 'range', min: 1 }, { constraint_type: 'range', max: 500 }) // false
 * ```
 */
export function isNarrower(child: Constraint, parent: Constraint): boolean {
  return hasType(parent, 'wildcard') || ROWS.some((narrows) => narrows(child, parent))
}

function isAdmitted({ value }: Constraints['exact'], parent: Constraint): boolean {
  return admits(parent, value)
}

function hasNarrower(clauses: readonly Constraint[], limit: Constraint): boolean {
  return clauses.some((clause) => isNarrower(clause, limit))
}

function hasWider(limits: readonly Constraint[], clause: Constraint): boolean {
  return limits.some((limit) => isNarrower(clause, limit))
}

function includesAll(all: readonly Scalar[], some: readonly Scalar[]): boolean {
  return some.every((value) => all.includes(value))
}

/** A bound as a number that grows with tightness. Undefined is no bound. */
interface Bound {
  readonly tightness: number | undefined
  readonly isInclusive: boolean
}

function lower({ min, min_inclusive }: Range): Bound {
  return { tightness: min, isInclusive: min_inclusive !== false }
}

function upper({ max, max_inclusive }: Range): Bound {
  return { tightness: max === undefined ? undefined : -max, isInclusive: max_inclusive !== false }
}

function isInside(child: Range, parent: Range): boolean {
  return isTighter(lower(child), lower(parent)) && isTighter(upper(child), upper(parent))
}

function isTighter(child: Bound, parent: Bound): boolean {
  if (parent.tightness === undefined) return true
  if (child.tightness === undefined) return false
  if (child.tightness === parent.tightness) return parent.isInclusive || !child.isInclusive
  return child.tightness > parent.tightness
}

/**
 * Compares the arguments of a capability with those of the parent's capability (draft section 4.5).
 *
 * @returns undefined if every call that the child allows is a call that the parent allows.
 * @example
 * ```ts
 * import { compareArguments } from '@auth4agent/core/delegation/order'
 *
 * const upTo = (max: number) =>
 *   new Map([['amount', { constraint: { constraint_type: 'range', max }, optional: false } as const]])
 * compareArguments(upTo(501), upTo(500))?.reason // 'CONSTRAINT_WIDENED'
 * ```
 */
export function compareArguments(child: ArgumentMap, parent: ArgumentMap): GrantRefusal | undefined {
  return findAdded(child, parent) ?? findDropped(child, parent) ?? findWidened(child, parent)
}

function findAdded(child: ArgumentMap, parent: ArgumentMap): GrantRefusal | undefined {
  for (const name of child.keys()) {
    if (parent.has(name) || parent.has(UNNAMED)) continue
    return refuseGrant('ARGUMENT_ADDED', `the argument ${JSON.stringify(name)} must be one that the parent allows`)
  }
  return undefined
}

/** An argument that only the parent names is forbidden by the child, unless the child allows unnamed arguments. */
function findDropped(child: ArgumentMap, parent: ArgumentMap): GrantRefusal | undefined {
  for (const [name, { optional }] of parent) {
    if (name === UNNAMED) continue
    const narrowed = child.get(name)
    if (narrowed === undefined ? optional && !child.has(UNNAMED) : optional || !narrowed.optional) continue
    const demand = narrowed === undefined ? 'named, as the parent names it' : 'required, as the parent requires it'
    return refuseGrant('CONSTRAINT_DROPPED', `the argument ${JSON.stringify(name)} must be ${demand}`)
  }
  return undefined
}

function findWidened(child: ArgumentMap, parent: ArgumentMap): GrantRefusal | undefined {
  for (const [name, { constraint }] of child) {
    const limit = parent.get(name) ?? parent.get(UNNAMED)
    if (limit !== undefined && isNarrower(constraint, limit.constraint)) continue
    return refuseGrant(
      'CONSTRAINT_WIDENED',
      `the constraint of the argument ${JSON.stringify(name)} must be as narrow as the parent's`,
    )
  }
  return undefined
}

/**
 * Compares what a grant allows with what its parent allows.
 *
 * @returns undefined if the parent allows every call that the child allows.
 * @example
 * ```ts
 * import { compareCapabilities } from '@auth4agent/core/delegation/order'
 *
 * const refusal = compareCapabilities(child, parent)
 * if (refusal !== undefined) throw new Error(`${refusal.reason}: ${refusal.rule}`)
 * ```
 */
export function compareCapabilities(child: Capabilities, parent: Capabilities): GrantRefusal | undefined {
  for (const [capability, narrowed] of child) {
    const limit = parent.get(capability)
    if (limit === undefined) {
      return refuseGrant('CAPABILITY_ADDED', `the parent must have the capability ${JSON.stringify(capability)}`)
    }
    const refusal = compareArguments(narrowed, limit)
    if (refusal !== undefined) return { ...refusal, rule: `in ${JSON.stringify(capability)}, ${refusal.rule}` }
  }
  return undefined
}
