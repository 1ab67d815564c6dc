import type { Constraint } from '@auth4agent/core/delegation/constraint'
import type { Random } from '../revocation/random.ts'
import { drawChanged, drawConstraint, drawNarrower, drawNear } from './draw-constraints.ts'
import { SCALARS, STRANGE } from './values.ts'
import type { CallArguments, Tools, WireArguments } from './wire.ts'

type Entry = WireArguments[string]

/** Both spellings of é are names, and two audiences have a capability of the same scope. */
const NAMES = ['a', 'b', '\u00e9', 'e\u0301']
const CAPABILITIES = ['https://a.test#pay', 'https://b.test#pay', 'a.test#pay', 'https://a.test#pay:all']
const ANY: Entry = { constraint_type: 'wildcard' }

/** Draws the grants of a chain, root first. About half of the children break no rule. */
export function drawChain(random: Random): readonly Tools[] {
  const hops = [drawTools(random)]
  const length = 2 + random.below(3)
  while (hops.length < length) hops.push(drawChild(random, hops.at(-1) ?? {}))
  return hops
}

function drawTools(random: Random): Tools {
  const capabilities = random.shuffle(CAPABILITIES).slice(0, 1 + random.below(2))
  return Object.fromEntries(capabilities.map((capability) => [capability, drawArguments(random)]))
}

function drawArguments(random: Random): WireArguments {
  if (random.chance(0.1)) return {}
  const names = random.shuffle(NAMES).slice(0, random.below(3))
  const entries = names.map((name) => [name, drawEntry(random, drawConstraint(random))] as const)
  const isOpen = names.length === 0 || random.chance(0.3)
  return Object.fromEntries([...entries, ...(isOpen ? [['*', ANY] as const] : [])])
}

function drawEntry(random: Random, constraint: Constraint): Entry {
  return random.chance(0.4) ? { ...constraint, optional: true } : constraint
}

function withoutOptional(entry: Entry): Constraint {
  const constraint = { ...entry }
  delete constraint.optional
  return constraint
}

function drawChild(random: Random, parent: Tools): Tools {
  const kept = Object.entries(parent).filter((_, at) => at === 0 || random.chance(0.7))
  const child = kept.map(([capability, map]) => {
    const narrowed = drawNarrowerArguments(random, map)
    return [capability, random.chance(0.3) ? changeArguments(random, narrowed) : narrowed] as const
  })
  const added = random.chance(0.05) ? [[random.pick(CAPABILITIES), drawArguments(random)] as const] : []
  return Object.fromEntries([...child, ...added])
}

function drawNarrowerArguments(random: Random, written: WireArguments): WireArguments {
  const isOpen = Object.keys(written).length === 0 || '*' in written
  const staysOpen = isOpen && random.chance(0.6)
  const named = Object.entries(written).filter(([name]) => name !== '*')
  const kept = named.filter(([, { optional }]) => staysOpen || optional !== true || random.chance(0.7))
  const narrowed = kept.map(([name, entry]) => [name, narrowEntry(random, entry)] as const)
  const added =
    isOpen && random.chance(0.5) ? [[random.pick(NAMES), drawEntry(random, drawConstraint(random))] as const] : []
  const entries = [...added, ...narrowed]
  const open = staysOpen || entries.length === 0 ? [['*', ANY] as const] : []
  return Object.fromEntries(random.shuffle([...entries, ...open]))
}

function narrowEntry(random: Random, entry: Entry): Entry {
  const constraint = drawNarrower(random, withoutOptional(entry))
  return entry.optional === true && random.chance(0.7) ? { ...constraint, optional: true } : constraint
}

/** Breaks at most one rule. */
function changeArguments(random: Random, map: WireArguments): WireArguments {
  const [name, entry] = random.pick([...Object.entries(map), ['*', ANY] as const])
  const others = Object.fromEntries(Object.entries(map).filter(([each]) => each !== name))
  if (random.chance(0.15)) return { ...map, [random.pick(NAMES)]: drawEntry(random, drawConstraint(random)) }
  if (random.chance(0.15)) return { ...map, '*': ANY }
  if (name === '*') return map
  if (random.chance(0.2)) return others
  if (random.chance(0.2)) return { ...map, [name]: { ...entry, optional: entry.optional !== true } }
  const changed = drawChanged(random, withoutOptional(entry))
  return { ...map, [name]: entry.optional === true ? { ...changed, optional: true } : changed }
}

/** A call that a chain may permit. */
export interface Call {
  readonly capability: string
  readonly args: CallArguments
}

/** Draws a call whose arguments are near the edges of the constraints of some grants. */
export function drawCall(random: Random, hops: readonly Tools[]): Call {
  const leaf = hops.at(-1) ?? {}
  const capability = random.pick(random.chance(0.95) ? Object.keys(leaf) : CAPABILITIES)
  if (random.chance(0.05)) return { capability, args: undefined }
  const args: Record<string, unknown> = {}
  for (const [name, entry] of Object.entries(leaf[capability] ?? {})) {
    if (name === '*' || random.chance(entry.optional === true ? 0.4 : 0.05)) continue
    args[name] = drawValue(random, hops, capability, name)
  }
  if (random.chance(0.3)) {
    const name = random.pick([...NAMES, ...NAMES, '*', 'c', '\ud800', '__proto__'])
    Object.defineProperty(args, name, { value: drawAny(random), enumerable: true })
  }
  return { capability, args }
}

function drawValue(random: Random, hops: readonly Tools[], capability: string, name: string): unknown {
  if (random.chance(0.1)) return drawAny(random)
  const hop = random.chance(0.7) ? hops.at(-1) : random.pick(hops)
  const entry = hop?.[capability]?.[name]
  return entry === undefined ? drawAny(random) : drawNear(random, entry)
}

function drawAny(random: Random): unknown {
  return random.chance(0.4) ? STRANGE[random.below(STRANGE.length)] : random.pick(SCALARS)
}
