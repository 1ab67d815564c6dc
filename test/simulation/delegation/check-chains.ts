import { isDeepStrictEqual } from 'node:util'
import type { Capabilities, Constraint } from '@auth4agent/core/delegation/constraint'
import { DETAIL_TYPE } from '@auth4agent/core/delegation/parse-capabilities'
import { expect } from 'vitest'
import { checkWith, type Library } from '../../support/delegation/library.ts'
import { createRandom } from '../revocation/random.ts'
import { type Call, drawCall, drawChain } from './draw-chains.ts'
import { naivePermits } from './naive-evaluator.ts'
import type { Tools } from './wire.ts'

/** How often something happened, by its name. */
type Counts = Record<string, number>

/** What the random chains were. */
export interface Drawn {
  /** Chains by the reason of their refusal; `none` for accepted chains. */
  readonly chains: Counts
  /** Calls by the reason of their refusal; `none` for permitted calls. */
  readonly calls: Counts
  /** Calls that the last grant of an accepted chain permits. */
  readonly witnesses: { count: number }
  /** Pairs of types, parent first, of arguments in accepted chains. */
  readonly pairs: Counts
}

const CALLS = 8
/** Every so many chains, the forms of the grants are compared. */
const FORMS_EVERY = 16
const NONE = 'none'

/** All pairs that the specification lists; every type may follow a wildcard. */
const PAIRS = [
  'exact exact',
  'one_of exact',
  'one_of one_of',
  'not_one_of not_one_of',
  'range exact',
  'range range',
  'prefix exact',
  'prefix one_of',
  'prefix prefix',
  'contains contains',
  'subset subset',
  'all all',
  'any any',
]

/**
 * Draws chains, and looks for a chain that core accepts although a naive evaluator permits a call for the last grant
 * and not for every grant above. Also looks for a call that core and the naive evaluator judge differently.
 *
 * @returns the first violation, with the seed of its chain.
 */
export function findViolation(library: Library, chains: number, drawn: Drawn = noneDrawn()): string | undefined {
  for (let seed = 1; seed <= chains; seed += 1) {
    const violation = checkChain(library, seed, drawn)
    if (violation !== undefined) return `seed ${seed}: ${violation}`
  }
  return undefined
}

export function noneDrawn(): Drawn {
  return { chains: {}, calls: {}, witnesses: { count: 0 }, pairs: {} }
}

function checkChain(library: Library, seed: number, drawn: Drawn): string | undefined {
  const random = createRandom(seed)
  const hops = drawChain(random)
  const read = hops.map((tools) => library.parseCapabilities([{ type: DETAIL_TYPE, tools }]))
  const grants = read.flatMap((each) => (each.ok ? [each.value] : []))
  if (grants.length < hops.length) {
    count(drawn.chains, 'MALFORMED_CONSTRAINT')
    return undefined
  }
  const reason = compareHops(library, grants)
  count(drawn.chains, reason)
  if (reason === NONE) countPairs(drawn.pairs, grants)
  if (seed % FORMS_EVERY === 0 && !isFormIrrelevant(library, hops, grants)) return `the form matters in ${tell(hops)}`
  for (let calls = 0; calls < CALLS; calls += 1) {
    const violation = checkCall(library, { hops, grants, isAccepted: reason === NONE }, drawCall(random, hops), drawn)
    if (violation !== undefined) return violation
  }
  return undefined
}

interface Chain {
  readonly hops: readonly Tools[]
  readonly grants: readonly Capabilities[]
  readonly isAccepted: boolean
}

function checkCall(
  library: Library,
  { hops, grants, isAccepted }: Chain,
  { capability, args }: Call,
  drawn: Drawn,
): string | undefined {
  const isPermitted = naivePermits(hops, capability, args)
  const refusal = checkWith(library, grants, capability, args)
  count(drawn.calls, refusal?.reason ?? NONE)
  const called = () => `${capability} with ${tell(args)} in ${tell(hops)}`
  if ((refusal === undefined) !== isPermitted) return `core ${refusal ? 'refuses' : 'permits'} ${called()}`
  if (!isAccepted || !naivePermits(hops.slice(-1), capability, args)) return undefined
  drawn.witnesses.count += 1
  return isPermitted ? undefined : `the last grant alone permits ${called()}`
}

/** Returns the reason why a grant is refused under its parent. */
function compareHops(library: Library, grants: readonly Capabilities[]): string {
  for (const [at, parent] of grants.entries()) {
    const child = grants[at + 1]
    const refusal = child && library.compareCapabilities(child, parent)
    if (refusal !== undefined) return refusal.reason
  }
  return NONE
}

/** Tells whether a grant that is written again is the same, and whether the order of its members is irrelevant. */
function isFormIrrelevant(library: Library, hops: readonly Tools[], grants: readonly Capabilities[]): boolean {
  const again = grants.map((each) =>
    library.parseCapabilities(JSON.parse(JSON.stringify(library.formatCapabilities(each)))),
  )
  const isSame = again.every(
    (each, at) => each.ok && JSON.stringify([...each.value]) === JSON.stringify([...(grants[at] ?? [])]),
  )
  const turned = hops.map((tools) => library.parseCapabilities([{ type: DETAIL_TYPE, tools: turn(tools) }]))
  const turnedGrants = turned.flatMap((each) => (each.ok ? [each.value] : []))
  return (
    isSame &&
    isDeepStrictEqual(turnedGrants, grants) &&
    (compareHops(library, turnedGrants) === NONE) === (compareHops(library, grants) === NONE)
  )
}

/** Reverses the order of members. */
function turn(tools: Tools): unknown {
  return Object.fromEntries(
    Object.entries(tools)
      .map(([capability, map]) => [capability, Object.fromEntries(Object.entries(map).toReversed())])
      .toReversed(),
  )
}

function countPairs(pairs: Counts, grants: readonly Capabilities[]): void {
  for (const [at, parent] of grants.entries()) {
    for (const [capability, map] of grants[at + 1] ?? []) {
      for (const [name, { constraint }] of map) {
        const limit = parent.get(capability)?.get(name)?.constraint
        if (limit !== undefined) countPair(pairs, constraint, limit)
      }
    }
  }
}

function countPair(pairs: Counts, child: Constraint, parent: Constraint): void {
  count(pairs, `${parent.constraint_type} ${child.constraint_type}`)
}

function count(counts: Counts, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

/** Prints a value so that strange ones can be told apart. */
function tell(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (member === undefined || typeof member === 'function' || typeof member === 'bigint') return `<${String(member)}>`
    return typeof member === 'symbol' || (typeof member === 'number' && !Number.isFinite(member))
      ? `<${String(member)}>`
      : member
  })
}

/** Expects that enough chains of every kind were drawn. Otherwise, a run without violations says little. */
export function expectVariety({ chains, calls, witnesses, pairs }: Drawn, total: number): void {
  const accepted = chains[NONE] ?? 0
  expect(accepted / total).toBeGreaterThan(0.3)
  expect(accepted / total).toBeLessThan(0.7)
  expect(witnesses.count).toBeGreaterThan(total)
  const reasons = ['CAPABILITY_ADDED', 'CONSTRAINT_DROPPED', 'ARGUMENT_ADDED', 'CONSTRAINT_WIDENED']
  for (const reason of reasons) expect(chains[reason], reason).toBeGreaterThan(total / 200)
  for (const reason of [NONE, 'CAPABILITY_MISSING', 'ARGUMENT_REFUSED', 'ARGUMENTS_NEEDED']) {
    expect(calls[reason], reason).toBeGreaterThan(total / 20)
  }
  for (const pair of PAIRS) expect(pairs[pair], pair).toBeGreaterThan(total / 1_000)
  const unlisted = Object.keys(pairs).filter((pair) => !PAIRS.includes(pair) && !pair.startsWith('wildcard '))
  expect(unlisted).toEqual([])
}
