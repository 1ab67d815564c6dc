import { isPlainObject } from '../encoding/json-value.ts'
import type { JsonObject } from '../encoding/strict-json.ts'
import {
  CONSTRAINT_TYPES,
  type Constraint,
  type ConstraintType,
  isExactNumber,
  isScalar,
  type Range,
  type Scalar,
} from './constraint.ts'
import { isSafeText } from './path-text.ts'
import { type GrantRefusal, refuseGrant } from './refusal.ts'

/** Deepest nesting. A constraint without clauses has depth 1. */
const MAX_NESTING = 4
/** Most values and clauses in all lists of one argument's constraint together. */
const MAX_ENTRIES = 64

/** How a type is written: its members, and how to read them. `demand` continues "the constraint must". */
interface Form {
  readonly members: readonly string[]
  readonly demand: string
  /** Returns undefined if a member is missing or wrong. */
  read(members: JsonObject): Constraint | undefined
}

const LEAVES: Readonly<Record<Exclude<ConstraintType, 'all' | 'any'>, Form>> = {
  wildcard: {
    members: [],
    demand: 'have no further member in wildcard',
    read: () => ({ constraint_type: 'wildcard' }),
  },
  exact: {
    members: ['value'],
    demand: 'have only the member value in exact, a scalar',
    read: ({ value }) => (isScalar(value) ? { constraint_type: 'exact', value } : undefined),
  },
  one_of: {
    members: ['values'],
    demand: 'have only the member values in one_of, a list of one or more different scalars',
    read: ({ values }) => {
      const list = readScalars(values)
      return list === undefined || list.length === 0 ? undefined : { constraint_type: 'one_of', values: list }
    },
  },
  not_one_of: {
    members: ['excluded'],
    demand: 'have only the member excluded in not_one_of, a list of different scalars',
    read: ({ excluded }) => {
      const list = readScalars(excluded)
      return list && { constraint_type: 'not_one_of', excluded: list }
    },
  },
  contains: {
    members: ['required'],
    demand: 'have only the member required in contains, a list of different scalars',
    read: ({ required }) => {
      const list = readScalars(required)
      return list && { constraint_type: 'contains', required: list }
    },
  },
  subset: {
    members: ['allowed'],
    demand: 'have only the member allowed in subset, a list of different scalars',
    read: ({ allowed }) => {
      const list = readScalars(allowed)
      return list && { constraint_type: 'subset', allowed: list }
    },
  },
  range: {
    members: ['min', 'min_inclusive', 'max', 'max_inclusive'],
    demand:
      'have one or two bounds in range and nothing else, numbers that leave a value between them, each with or without its flag',
    read: readRange,
  },
  prefix: {
    members: ['prefix'],
    demand: 'have only the member prefix in prefix, a text with which an argument can begin',
    // Without the second condition, a prefix such as https:// would be signed and then refuse every argument.
    read: ({ prefix }) =>
      typeof prefix === 'string' && prefix !== '' && prefix.isWellFormed() && canBegin(prefix)
        ? { constraint_type: 'prefix', prefix }
        : undefined,
  },
}
const FORMS: ReadonlyMap<unknown, Form> = new Map(Object.entries(LEAVES))

type Result = { readonly ok: true; readonly value: Constraint } | GrantRefusal

/**
 * Reads the constraint of one argument, without the member `optional`.
 *
 * @returns the constraint, or the refusal MALFORMED_CONSTRAINT or UNKNOWN_CONSTRAINT. Its rule continues
 *   "the constraint must".
 * @example
 * ```ts
 * import { readConstraint } from '@auth4agent/core/delegation/read-constraint'
 *
 * readConstraint({ constraint_type: 'range', min: 2, max: 1 }).ok // false
 * ```
 */
export function readConstraint(value: unknown): Result {
  const read = readNested(value, 1)
  if (!read.ok || countEntries(read.value) <= MAX_ENTRIES) return read
  return malformed(`have at most ${MAX_ENTRIES} values and clauses in all its lists`)
}

function readNested(value: unknown, depth: number): Result {
  if (depth > MAX_NESTING) return malformed(`nest at most ${MAX_NESTING} levels`)
  if (!isPlainObject(value) || typeof value['constraint_type'] !== 'string') {
    return malformed('be an object with a constraint_type')
  }
  const type = value['constraint_type']
  if (type === 'all' || type === 'any') return readComposite(type, value, depth)
  const form = FORMS.get(type)
  if (form === undefined) {
    return refuseGrant('UNKNOWN_CONSTRAINT', `have one of the types ${CONSTRAINT_TYPES.join(', ')}`)
  }
  if (hasLargeNumber(value)) return malformed('write numbers beyond 2^53-1 as strings')
  const read = hasOnly(value, form.members) ? form.read(value) : undefined
  return read === undefined ? malformed(form.demand) : { ok: true, value: read }
}

function readComposite(type: 'all' | 'any', value: JsonObject, depth: number): Result {
  const { constraints } = value
  if (!Array.isArray(constraints) || constraints.length === 0 || !hasOnly(value, ['constraints'])) {
    return malformed(`have only the member constraints in ${type}, a list of one or more constraints`)
  }
  const clauses: Constraint[] = []
  for (const clause of constraints) {
    const read = readNested(clause, depth + 1)
    if (!read.ok) return read
    clauses.push(read.value)
  }
  return { ok: true, value: { constraint_type: type, constraints: clauses } }
}

function readRange(members: JsonObject): Range | undefined {
  const { min, max, min_inclusive, max_inclusive } = members
  if (!isBound(members, 'min') || !isBound(members, 'max')) return undefined
  // A range without bounds would look like a limit, and limit nothing.
  if (min === undefined && max === undefined) return undefined
  const isOpen = min_inclusive === false || max_inclusive === false
  if (isExactNumber(min) && isExactNumber(max) && (isOpen ? min >= max : min > max)) return undefined
  return {
    constraint_type: 'range',
    ...(isExactNumber(min) && { min }),
    ...(typeof min_inclusive === 'boolean' && { min_inclusive }),
    ...(isExactNumber(max) && { max }),
    ...(typeof max_inclusive === 'boolean' && { max_inclusive }),
  }
}

/** Tells whether a bound is absent without a flag, or a number with a flag or without. */
function isBound(members: JsonObject, name: 'min' | 'max'): boolean {
  const flag = `${name}_inclusive`
  if (!Object.hasOwn(members, name)) return !Object.hasOwn(members, flag)
  return isExactNumber(members[name]) && (!Object.hasOwn(members, flag) || typeof members[flag] === 'boolean')
}

/** Refuses a repeated value, because each list has one text. Array.from shows the holes of an array. */
function readScalars(value: unknown): readonly Scalar[] | undefined {
  if (!Array.isArray(value)) return undefined
  const list = Array.from<unknown>(value)
  return list.every(isScalar) && new Set(list).size === list.length ? list : undefined
}

function hasLargeNumber(members: JsonObject): boolean {
  return Object.values(members)
    .flat()
    .some((value) => typeof value === 'number' && !isExactNumber(value))
}

function hasOnly(value: JsonObject, members: readonly string[]): boolean {
  return Object.keys(value).every((name) => name === 'constraint_type' || members.includes(name))
}

/** One more letter makes the last segment of a prefix such as `/data/.` or `/data/` complete. */
function canBegin(prefix: string): boolean {
  return isSafeText(`${prefix}x`)
}

/** Counts the entries of all lists in a constraint, its clauses and their lists. */
function countEntries(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, entry) => sum + 1 + countEntries(entry), 0)
  return isPlainObject(value) ? Object.values(value).reduce<number>((sum, member) => sum + countEntries(member), 0) : 0
}

function malformed(demand: string): GrantRefusal {
  return refuseGrant('MALFORMED_CONSTRAINT', demand)
}
