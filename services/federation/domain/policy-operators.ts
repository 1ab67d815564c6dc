import { areEqual, contains, intersection, isEntry, isSubset, isValueList, union } from './policy-values.ts'

/** The standard operators in their order of application (OpenID Federation 1.0 section 6.1.3.1). */
export const OPERATOR_NAMES = ['value', 'add', 'default', 'one_of', 'subset_of', 'superset_of', 'essential'] as const

/** One of {@link OPERATOR_NAMES}. */
export type OperatorName = (typeof OPERATOR_NAMES)[number]

/** The policy for one metadata parameter: operators with their operands. */
export type ParameterPolicy = Readonly<Partial<Record<OperatorName, unknown>>>

/**
 * What an operator does. A metadata parameter is undefined while it is absent, an operand never is.
 * `change` and `check` only get parameters that `takes` has accepted, or absent ones.
 */
interface Operator {
  /** Says what would be right if a JSON value cannot be the operand. */
  readonly objection: (operand: unknown) => string | undefined
  /** Tells whether the operator works on a parameter of this value. */
  readonly takes: (parameter: unknown) => boolean
  /** Merges the operand of a superior with the operand of its subordinate; undefined for a conflict. */
  readonly merge: (superior: unknown, subordinate: unknown) => unknown
  readonly change?: (parameter: unknown, operand: unknown) => unknown
  readonly check?: {
    readonly holds: (parameter: unknown, operand: unknown) => boolean
    /** What would be right. */
    readonly demand: string
  }
}

const anything = () => true
const listObjection = (operand: unknown) =>
  isValueList(operand) ? undefined : 'must be a list of texts, numbers or objects'
const sameOrConflict = (one: unknown, other: unknown) => (areEqual(one, other) ? one : undefined)

/** Applies a function for lists. All operands have been checked before, so other values cannot occur. */
function onLists<T>(work: (one: readonly unknown[], other: readonly unknown[]) => T) {
  return (one: unknown, other: unknown): T => work(isValueList(one) ? one : [], isValueList(other) ? other : [])
}

export const OPERATORS: Readonly<Record<OperatorName, Operator>> = {
  value: {
    objection: () => undefined,
    takes: anything,
    merge: sameOrConflict,
    // null is the only operand that removes the parameter.
    change: (_, operand) => operand ?? undefined,
  },
  add: {
    objection: listObjection,
    takes: isValueList,
    merge: onLists(union),
    change: (parameter, operand) => (parameter === undefined ? operand : onLists(union)(parameter, operand)),
  },
  default: {
    objection: (operand) => (operand === null ? 'must not be null' : undefined),
    takes: anything,
    merge: sameOrConflict,
    change: (parameter, operand) => parameter ?? operand,
  },
  one_of: {
    objection: (operand) =>
      isValueList(operand) && operand.length > 0 ? undefined : 'must be a list of at least one text, number or object',
    takes: isEntry,
    merge: (one, other) => {
      const common = onLists(intersection)(one, other)
      return common.length === 0 ? undefined : common
    },
    check: {
      holds: (parameter, operand) => parameter === undefined || (isValueList(operand) && contains(operand, parameter)),
      demand: 'must be one of the values in one_of',
    },
  },
  subset_of: {
    objection: listObjection,
    takes: isValueList,
    merge: onLists(intersection),
    change: (parameter, operand) => (parameter === undefined ? undefined : onLists(intersection)(parameter, operand)),
  },
  superset_of: {
    objection: listObjection,
    takes: isValueList,
    merge: onLists(union),
    check: {
      holds: (parameter, operand) => parameter === undefined || onLists(isSubset)(operand, parameter),
      demand: 'must contain all values in superset_of',
    },
  },
  essential: {
    objection: (operand) => (typeof operand === 'boolean' ? undefined : 'must be true or false'),
    takes: anything,
    merge: (one, other) => one === true || other === true,
    check: {
      holds: (parameter, operand) => parameter !== undefined || operand === false,
      demand: 'must be present',
    },
  },
}

/** When two operators may be combined, and what would be right. Pairs that are not listed may always be combined. */
interface Pair {
  readonly names: readonly [OperatorName, OperatorName]
  readonly may: (one: unknown, other: unknown) => boolean
  readonly rule: string
}

/** Conditions in "Combination with other operators" of sections 6.1.3.1.1 to 6.1.3.1.7. */
const PAIRS: readonly Pair[] = [
  { names: ['value', 'add'], may: (value, add) => isPart(add, value), rule: 'value must contain all values in add' },
  { names: ['value', 'default'], may: (value) => value !== null, rule: 'value must not be null beside default' },
  {
    names: ['value', 'one_of'],
    may: (value, list) => isValueList(list) && contains(list, value),
    rule: 'value must be one of the values in one_of',
  },
  { names: ['value', 'subset_of'], may: isPart, rule: 'value must be a list of values in subset_of' },
  {
    names: ['value', 'superset_of'],
    may: (value, list) => isPart(list, value),
    rule: 'value must contain all values in superset_of',
  },
  {
    names: ['value', 'essential'],
    may: (value, essential) => value !== null || essential === false,
    rule: 'value must not be null if essential is true',
  },
  { names: ['add', 'one_of'], may: () => false, rule: 'add must not be combined with one_of' },
  { names: ['add', 'subset_of'], may: isPart, rule: 'all values in add must be in subset_of' },
  { names: ['one_of', 'subset_of'], may: () => false, rule: 'one_of must not be combined with subset_of' },
  { names: ['one_of', 'superset_of'], may: () => false, rule: 'one_of must not be combined with superset_of' },
  {
    names: ['subset_of', 'superset_of'],
    may: (subset, superset) => isPart(superset, subset),
    rule: 'all values in superset_of must be in subset_of',
  },
]

function isPart(part: unknown, whole: unknown): boolean {
  return isValueList(part) && isValueList(whole) && isSubset(part, whole)
}

/** Returns what would be right if two operators of a policy must not be combined, and undefined if all may be. */
export function findForbiddenPair(policy: ParameterPolicy): string | undefined {
  return PAIRS.find(({ names: [one, other], may }) => {
    const [first, second] = [policy[one], policy[other]]
    return first !== undefined && second !== undefined && !may(first, second)
  })?.rule
}
