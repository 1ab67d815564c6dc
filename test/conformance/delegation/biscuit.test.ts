import type { Constraint, Scalar } from '@auth4agent/core/delegation/constraint'
import { compareCapabilities } from '@auth4agent/core/delegation/order'
import { isSafeText } from '@auth4agent/core/delegation/path-text'
import { readConstraint } from '@auth4agent/core/delegation/read-constraint'
import { expect, it } from 'vitest'
import { drawChanged, drawConstraint, drawNarrower, drawNear } from '../../simulation/delegation/draw-constraints.ts'
import { SCALARS } from '../../simulation/delegation/values.ts'
import type { Tools, WireArguments } from '../../simulation/delegation/wire.ts'
import { createRandom, type Random } from '../../simulation/revocation/random.ts'
import { capabilitiesOf, oneOf, prefix, range } from '../../support/delegation/constraints.ts'
import { CORE, checkWith } from '../../support/delegation/library.ts'
import { biscuitOf } from './biscuit.ts'

const CHAINS = 500
const CALLS = 6
const CAPABILITIES = ['https://a.test#pay', 'https://b.test#pay'] as const
/** The arguments: amount is a number, and file a text, because a Biscuit compares values of one type only. */
const NAMES = ['amount', 'file'] as const
type Name = (typeof NAMES)[number]

/** Biscuit has whole numbers only, no lists of scalars of several types, and no escapes for control characters. */
function isCommonScalar(value: unknown, name: Name): value is Scalar {
  if (typeof value === 'number') return name === 'amount' && Number.isSafeInteger(value)
  return typeof value === 'string' && name === 'file' && value.isWellFormed() && !/\p{Cc}/u.test(value)
}

function isCommon(constraint: Constraint, name: Name): boolean {
  const scalars = (values: readonly Scalar[]) => values.every((value) => isCommonScalar(value, name))
  switch (constraint.constraint_type) {
    case 'wildcard':
      return true
    case 'exact':
      return scalars([constraint.value])
    case 'one_of':
      return scalars(constraint.values)
    case 'not_one_of':
      return scalars(constraint.excluded)
    case 'range':
      return name === 'amount' && scalars([constraint.min ?? 0, constraint.max ?? 0])
    case 'prefix':
      return scalars([constraint.prefix])
    case 'all':
    case 'any':
      return constraint.constraints.every((clause) => isCommon(clause, name))
    case 'contains':
    case 'subset':
    default:
      return false
  }
}

/** Draws until the result is in the common subset. */
function drawCommon(name: Name, draw: () => Constraint): Constraint {
  for (;;) {
    const drawn = draw()
    if (isCommon(drawn, name) && readConstraint(drawn).ok) return drawn
  }
}

function drawArguments(random: Random, parent: WireArguments | undefined): WireArguments {
  const mayAdd = parent === undefined || Object.keys(parent).length === 0 || '*' in parent
  const named = NAMES.flatMap((name) => {
    const limit = parent?.[name]
    const leftOut = limit === undefined ? (mayAdd ? 0.4 : 0.97) : 0.05
    if (random.chance(leftOut)) return []
    const entry: WireArguments[string] = limit ?? drawCommon(name, () => drawConstraint(random))
    const { optional = false, ...constraint } = entry
    const draw = random.chance(0.93) ? drawNarrower : drawChanged
    const drawn = limit === undefined ? constraint : drawCommon(name, () => draw(random, constraint))
    const isOptional = limit === undefined ? random.chance(0.3) : optional && random.chance(0.7)
    return [[name, isOptional ? { ...drawn, optional: true } : drawn] as const]
  })
  const isOpen = random.chance(mayAdd ? 0.4 : 0.03) || named.length === 0
  return Object.fromEntries([...named, ...(isOpen ? [['*', { constraint_type: 'wildcard' }] as const] : [])])
}

function drawHops(random: Random): readonly Tools[] {
  const hops: Tools[] = []
  while (hops.length < 3) {
    const parent = hops.at(-1)
    const kept = CAPABILITIES.filter((_, at) => at === 0 || random.chance(parent === undefined ? 0.7 : 0.9))
    hops.push(Object.fromEntries(kept.map((each) => [each, drawArguments(random, parent?.[each])])))
  }
  return hops
}

function drawArgs(random: Random, map: WireArguments | undefined): Readonly<Record<string, unknown>> {
  const drawn = NAMES.flatMap((name) => {
    if (random.chance(0.15)) return []
    const limit = map?.[name] ?? { constraint_type: 'wildcard' as const }
    const value = random.chance(0.8) ? drawNear(random, limit) : random.pick(SCALARS)
    // A prefix here also refuses path tricks, which the next test names.
    return isCommonScalar(value, name) && (typeof value !== 'string' || isSafeText(value)) ? [[name, value]] : []
  })
  return Object.fromEntries(random.chance(0.1) ? [...drawn, ['more', 1]] : drawn)
}

it(`in ${CHAINS} random chains, every grant permits a call if and only if a Biscuit with the same checks permits it`, () => {
  const counts = { accepted: 0, permitted: 0, refused: 0 }
  for (let seed = 1; seed <= CHAINS; seed += 1) {
    const random = createRandom(seed)
    const hops = drawHops(random)
    const grants = hops.map(capabilitiesOf)
    const permits = biscuitOf(hops)
    const isAccepted = grants.every((grant, at) => {
      const parent = grants[at - 1]
      return parent === undefined || compareCapabilities(grant, parent) === undefined
    })
    if (isAccepted) counts.accepted += 1
    for (let call = 0; call < CALLS; call += 1) {
      const capability = random.pick(CAPABILITIES)
      const hop = random.chance(0.7) ? hops.at(-1) : random.pick(hops)
      const args = drawArgs(random, hop?.[capability])
      const about = `seed ${seed}: ${capability} with ${JSON.stringify(args)} in ${JSON.stringify(hops)}`
      const isPermitted = permits(capability, args)
      expect(checkWith(CORE, grants, capability, args) === undefined, about).toBe(isPermitted)
      // Of an accepted chain, the last grant alone permits nothing more.
      if (isAccepted) expect(checkWith(CORE, grants.slice(-1), capability, args) === undefined, about).toBe(isPermitted)
      counts[isPermitted ? 'permitted' : 'refused'] += 1
    }
  }
  expect(counts.accepted).toBeGreaterThan(CHAINS / 6)
  expect(counts.permitted).toBeGreaterThan(CHAINS / 2)
  expect(counts.refused).toBeGreaterThan(CHAINS)
})

const [PAY] = CAPABILITIES

it.each<[string, Constraint, unknown, Readonly<{ ours: boolean; biscuit: boolean }>]>([
  ['a number inside a range', range({ max: 500 }), 500, { ours: true, biscuit: true }],
  ['a number outside a range', range({ max: 500 }), 501, { ours: false, biscuit: false }],
  ['one of the values', oneOf('a', 'b'), 'b', { ours: true, biscuit: true }],
  ['a text below a prefix', prefix('/data/'), '/data/x', { ours: true, biscuit: true }],
  [
    'a path trick below a prefix, which only core refuses',
    prefix('/data/'),
    '/data/../x',
    { ours: false, biscuit: true },
  ],
])('core and a Biscuit judge %s', (_name, constraint, value, { ours, biscuit }) => {
  const tools = { [PAY]: { a: constraint } }
  expect(checkWith(CORE, [capabilitiesOf(tools)], PAY, { a: value }) === undefined).toBe(ours)
  expect(biscuitOf([tools])(PAY, { a: value })).toBe(biscuit)
})
