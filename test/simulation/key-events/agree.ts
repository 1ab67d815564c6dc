import { isDeepStrictEqual } from 'node:util'
import { KEY_EVENT_TYPES } from '@auth4agent/core/key-events/event-claims'
import type { KeyEventFault } from '@auth4agent/core/key-events/refusal'
import { type Replayed, replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import fc from 'fast-check'
import { expect } from 'vitest'
import { buildLog, type Made, recipe } from './build-log.ts'
import { type Chance, chance, ENDS } from './fault.ts'
import { FAULTS } from './faults.ts'
import { type NaiveResult, naiveReplay } from './naive-replayer.ts'

/** How often something happened, by its name. */
type Counts = Record<string, number>

/** What the random logs were. */
export interface Drawn {
  /** Logs that both replayers accepted and refused, by the fault that was put in; `none` is no fault. */
  readonly accepted: Counts
  readonly refused: Counts
  /** Refused logs by the reason of the replayers. */
  readonly reasons: Counts
  /** Events of accepted logs by type. Those that may have a key are also counted by whether they have it. */
  readonly types: Counts
}

const REASONS: readonly KeyEventFault[] = [
  'malformed',
  'conflict',
  'signature',
  'not-committed',
  'reused',
  'too-many-keys',
  'unknown-key',
  'ended',
]
const NO_FAULT = 'none'
const drawnFault = fc.oneof(
  { weight: 1, arbitrary: fc.constant(NO_FAULT) },
  { weight: 3, arbitrary: fc.constantFrom(...Object.keys(FAULTS)) },
)

const VARIANTS = 10
const variants = fc.array(fc.record({ name: drawnFault, chosen: chance }), { minLength: VARIANTS, maxLength: VARIANTS })

/**
 * Draws valid logs, derives ten logs from each by putting a fault into most of them, and compares the naive replayer
 * with the one of core. Throws an error with the log if they differ.
 */
export function agree(logs: number): Drawn {
  const drawn: Drawn = { accepted: {}, refused: {}, reasons: {}, types: {} }
  fc.assert(
    fc.property(recipe, variants, (choices, faults) => {
      const made = buildLog(choices)
      for (const { name, chosen } of faults) compare(drawn, made, name, chosen)
    }),
    { numRuns: logs / VARIANTS },
  )
  return drawn
}

function compare(drawn: Drawn, made: readonly Made[], name: string, chosen: Chance): void {
  const faulty = FAULTS[name]?.(made, chosen)
  const texts = faulty ?? made.map(({ text }) => text)
  const [ours, naive] = [replayKeyEvents(texts), naiveReplay(texts)]
  const difference = differenceOf(ours, naive)
  if (difference !== undefined) throw new Error(`${name}: ${difference}\n${texts.join('\n')}`)
  count(ours.ok ? drawn.accepted : drawn.refused, faulty === undefined ? NO_FAULT : name)
  if (!ours.ok) count(drawn.reasons, ours.why)
  else for (const each of made.slice(0, texts.length)) countType(drawn.types, each)
}

function countType(types: Counts, { claims, proven }: Made): void {
  const type = String(claims['type'])
  count(types, type)
  if (ENDS.includes(type)) count(types, nameOfEnd(type, proven !== undefined))
}

const nameOfEnd = (type: unknown, hasKey: boolean) => `${String(type)} ${hasKey ? 'with' : 'without'} the committed key`

/**
 * Expects that random logs were of every kind: about half of them wrong, with every fault, every reason and every type
 * of event. The limit of a log is too far away for random logs.
 */
export function expectVariety(drawn: Drawn, logs: number): void {
  const accepted = Object.values(drawn.accepted).reduce((sum, each) => sum + each, 0)
  expect(accepted / logs).toBeGreaterThan(0.3)
  expect(accepted / logs).toBeLessThan(0.7)
  const faults = Object.keys(FAULTS).filter((name) => name !== 'truncation')
  for (const name of faults) expect(drawn.refused[name], name).toBeGreaterThan(logs / 1_000)
  for (const name of REASONS) expect(drawn.reasons[name], name).toBeGreaterThan(logs / 1_000)
  for (const type of KEY_EVENT_TYPES) expect(drawn.types[type], type).toBeGreaterThan(logs / 100)
  for (const type of ENDS)
    for (const hasKey of [true, false]) {
      const name = nameOfEnd(type, hasKey)
      expect(drawn.types[name], name).toBeGreaterThan(logs / 200)
    }
  // A log that only ends too early is valid.
  expect(drawn.accepted['truncation']).toBeGreaterThan(logs / 100)
  expect(drawn.refused['truncation']).toBeUndefined()
}

function count(counts: Counts, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

/** Says in which point the replayers differ, or returns undefined. */
export function differenceOf(ours: Replayed, naive: NaiveResult): string | undefined {
  const told = ours.ok ? viewOf(ours) : { at: ours.at, why: ours.why }
  return isDeepStrictEqual(told, naive) ? undefined : `core: ${JSON.stringify(told)}\nnaive: ${JSON.stringify(naive)}`
}

/** Returns a state of core in the form of the naive replayer. */
function viewOf({ state }: Extract<Replayed, { ok: true }>): NaiveResult {
  const { did, previousDids, seq, head, iat, kid, key, next, usedKids, addedKeys, deactivated } = state
  const added = addedKeys.map((each) => ({ kid: each.kid, label: each.label, exp: each.exp }))
  return {
    state: { did, left: previousDids, seq, head, iat, kid, key, next, used: [...usedKids], added, ended: deactivated },
  }
}
