import { type Constraint, isScalar, type Range, type Scalar } from '@auth4agent/core/delegation/constraint'
import type { Random } from '../revocation/random.ts'
import { ENDINGS, NUMBERS, PREFIXES, SCALARS } from './values.ts'

const MAX_DEPTH = 3
const LEAVES = ['exact', 'one_of', 'not_one_of', 'range', 'range', 'prefix', 'prefix', 'contains', 'subset'] as const

function some<T>(random: Random, from: readonly T[], least: number, most: number): T[] {
  return random.shuffle(from).slice(0, least + random.below(most - least + 1))
}

/** Draws different values: 0 and -0 are the same. */
function scalars(random: Random, least: number, most: number): Scalar[] {
  return [...new Set(some(random, SCALARS, least, most))]
}

/** Draws a valid constraint. */
export function drawConstraint(random: Random, depth = MAX_DEPTH): Constraint {
  if (depth > 1 && random.chance(0.25)) {
    const clauses = Array.from({ length: 1 + random.below(3) }, () => drawConstraint(random, depth - 1))
    return { constraint_type: random.chance(0.5) ? 'all' : 'any', constraints: clauses }
  }
  if (random.chance(0.08)) return { constraint_type: 'wildcard' }
  const type = random.pick(LEAVES)
  switch (type) {
    case 'exact':
      return { constraint_type: type, value: random.pick(SCALARS) }
    case 'one_of':
      return { constraint_type: type, values: scalars(random, 1, 4) }
    case 'not_one_of':
      return { constraint_type: type, excluded: scalars(random, 0, 3) }
    case 'contains':
      return { constraint_type: type, required: scalars(random, 0, 3) }
    case 'subset':
      return { constraint_type: type, allowed: scalars(random, 0, 4) }
    case 'prefix':
      return { constraint_type: type, prefix: random.pick(PREFIXES) }
    case 'range':
    default:
      return drawRange(random, {})
  }
}

/** Takes the place of a range without bounds, which is malformed. */
const ANY_RANGE: Range = { constraint_type: 'range', max: 500 }

/** Draws a range, or moves, adds, removes or flips some bounds of a range. Returns the given one if it gets empty. */
function drawRange(random: Random, from: Partial<Range>): Range {
  const bound = (name: 'min' | 'max') => {
    const [value, flag] = [from[name], from[`${name}_inclusive`]]
    const keeps = value === undefined ? random.chance(0.3) : random.chance(0.5)
    if (!keeps && random.chance(0.15)) return {}
    const drawn = keeps ? value : random.pick(NUMBERS)
    const isInclusive = random.chance(0.6) ? flag : [true, false, undefined][random.below(3)]
    return drawn === undefined
      ? {}
      : { [name]: drawn, ...(isInclusive !== undefined && { [`${name}_inclusive`]: isInclusive }) }
  }
  const drawn: Range = { constraint_type: 'range', ...bound('min'), ...bound('max') }
  if (isPossible(drawn)) return drawn
  return isPossible({ constraint_type: 'range', ...from }) ? { ...from, constraint_type: 'range' } : ANY_RANGE
}

function isPossible({ min, max, min_inclusive, max_inclusive }: Range): boolean {
  if (min === undefined && max === undefined) return false
  if (min === undefined || max === undefined) return true
  return min < max || (min === max && min_inclusive !== false && max_inclusive !== false)
}

/** Draws a constraint that is mostly narrower by the rules. */
export function drawNarrower(random: Random, parent: Constraint): Constraint {
  if (random.chance(0.15)) return parent
  switch (parent.constraint_type) {
    case 'wildcard':
      return drawConstraint(random)
    case 'exact':
      return parent.value === 0 ? { constraint_type: 'exact', value: random.pick([0, -0]) } : parent
    case 'one_of':
      return random.chance(0.4)
        ? { constraint_type: 'exact', value: random.pick(parent.values) }
        : { constraint_type: 'one_of', values: some(random, parent.values, 1, parent.values.length - 1) }
    case 'not_one_of':
      return { constraint_type: 'not_one_of', excluded: union(parent.excluded, scalars(random, 0, 2)) }
    case 'contains':
      return { constraint_type: 'contains', required: union(parent.required, scalars(random, 0, 2)) }
    case 'subset':
      return { constraint_type: 'subset', allowed: some(random, parent.allowed, 0, parent.allowed.length) }
    case 'range':
      return random.chance(0.3) ? { constraint_type: 'exact', value: random.pick(NUMBERS) } : drawRange(random, parent)
    case 'prefix':
      return drawBelow(random, parent.prefix)
    case 'all':
      return { constraint_type: 'all', constraints: drawAll(random, parent.constraints) }
    case 'any':
    default: {
      const clauses = some(random, parent.constraints, 1, parent.constraints.length)
      return { constraint_type: 'any', constraints: clauses.map((clause) => drawNarrower(random, clause)) }
    }
  }
}

function union(one: readonly Scalar[], other: readonly Scalar[]): Scalar[] {
  return [...new Set([...one, ...other])]
}

function drawBelow(random: Random, prefix: string): Constraint {
  const below = () => `${prefix}${random.pick(ENDINGS)}`
  const type = random.pick(['exact', 'one_of', 'prefix'] as const)
  if (type === 'exact') return { constraint_type: 'exact', value: below() }
  if (type === 'one_of') return { constraint_type: 'one_of', values: [...new Set([below(), below()])] }
  return { constraint_type: 'prefix', prefix: `${prefix}${random.pick(['', 'x', 'b', 'x/', '.', '\u0301'])}` }
}

/** One clause may be below several clauses of the parent, and further clauses may be added. */
function drawAll(random: Random, limits: readonly Constraint[]): Constraint[] {
  const clauses = limits.map((limit) => drawNarrower(random, limit))
  const added = random.chance(0.3) ? [drawConstraint(random, 1)] : []
  return random.shuffle([...clauses, ...added])
}

/** Changes one thing in a constraint. The result is mostly wider. */
export function drawChanged(random: Random, from: Constraint): Constraint {
  if (random.chance(0.1)) return drawConstraint(random, 2)
  if (random.chance(0.2)) return drawOther(random, drawNamed(random, from))
  const without = <T>(list: readonly T[]) => list.filter((_, at) => at !== index)
  const index = random.below(4)
  switch (from.constraint_type) {
    case 'wildcard':
      return drawConstraint(random)
    case 'exact':
      return { constraint_type: 'exact', value: random.pick(SCALARS) }
    case 'one_of':
      return { constraint_type: 'one_of', values: union(from.values, scalars(random, 1, 1)) }
    case 'not_one_of':
      return { constraint_type: 'not_one_of', excluded: without(from.excluded) }
    case 'contains':
      return { constraint_type: 'contains', required: without(from.required) }
    case 'subset':
      return { constraint_type: 'subset', allowed: union(from.allowed, scalars(random, 1, 1)) }
    case 'range':
      return drawRange(random, from)
    case 'prefix':
      return { constraint_type: 'prefix', prefix: drawSimilar(random, from.prefix) || random.pick(PREFIXES) }
    case 'all':
    case 'any':
    default:
      return { constraint_type: from.constraint_type, constraints: changeOne(random, from) }
  }
}

/** Draws a text that is shorter, differs only in its form, or has the given text inside. */
function drawSimilar(random: Random, text: string): string {
  return random.pick([text.slice(0, -1), text.toUpperCase(), text.normalize('NFC'), text.normalize('NFD'), `x${text}`])
}

/** Draws a scalar that a constraint names, if it names one. */
function drawNamed(random: Random, constraint: Constraint): Scalar {
  const near = constraint.constraint_type === 'not_one_of' ? constraint.excluded : [drawNear(random, constraint)].flat()
  return random.pick([...near.filter(isScalar), random.pick(SCALARS)])
}

/** Draws a constraint of any type around one value. */
function drawOther(random: Random, value: Scalar): Constraint {
  const exact = { constraint_type: 'exact', value } as const
  return random.pick<Constraint>([
    exact,
    { constraint_type: 'one_of', values: [value] },
    { constraint_type: 'not_one_of', excluded: [value] },
    { constraint_type: 'contains', required: [value] },
    { constraint_type: 'subset', allowed: [value] },
    { constraint_type: 'all', constraints: [exact] },
    { constraint_type: 'any', constraints: [exact] },
    ...(typeof value === 'number' ? [{ constraint_type: 'range', min: value, max: value } as const] : []),
    ...(typeof value === 'string' && value !== '' ? [{ constraint_type: 'prefix', prefix: value } as const] : []),
  ])
}

function changeOne(
  random: Random,
  { constraint_type, constraints }: Constraint & { constraints: readonly Constraint[] },
) {
  const at = random.below(constraints.length)
  if (random.chance(0.5)) return constraints.map((clause, i) => (i === at ? drawChanged(random, clause) : clause))
  if (constraint_type === 'any') return [...constraints, drawConstraint(random, 1)]
  return constraints.length === 1 ? [drawConstraint(random, 1)] : constraints.filter((_, i) => i !== at)
}

/** Draws a value near the edge of a constraint. */
export function drawNear(random: Random, constraint: Constraint): unknown {
  switch (constraint.constraint_type) {
    case 'wildcard':
      return random.pick(SCALARS)
    case 'exact':
      return constraint.value
    case 'one_of':
      return random.pick(constraint.values)
    case 'not_one_of':
      return random.pick(random.chance(0.3) && constraint.excluded.length > 0 ? constraint.excluded : SCALARS)
    case 'contains':
      return random.shuffle(union(constraint.required, scalars(random, 0, 2)))
    case 'subset':
      return some(random, constraint.allowed, 0, constraint.allowed.length)
    case 'prefix':
      return `${random.chance(0.1) ? drawSimilar(random, constraint.prefix) : constraint.prefix}${random.pick(ENDINGS)}`
    case 'range':
      return random.pick([constraint.min, constraint.max, random.pick(NUMBERS)].filter((bound) => bound !== undefined))
    case 'all':
    case 'any':
    default:
      return drawNear(random, random.pick(constraint.constraints))
  }
}
