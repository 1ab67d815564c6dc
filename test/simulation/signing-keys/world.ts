import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { KeyFacts, RotationTimes } from '../../../services/keys/domain/plan-rotation.ts'
import type { Random } from '../revocation/random.ts'
import type { Moment, Row } from './database.ts'
import type { Parts } from './parts.ts'
import type { Timeline } from './timeline.ts'

/** A copy of the key set that somebody verifies tokens by. */
interface Copy {
  readonly kids: ReadonlySet<string>
  /** Until when it is used, in true time. */
  readonly until: number
}

/** How a run is laid out, all of it in seconds. */
export interface Settings {
  readonly times: RotationTimes
  readonly maxAgeS: number
  /** For how long a process serves what it remembers. */
  readonly servedS: number
  /** The mean between two passes of an instance; at most it is twice that. */
  readonly passS: number
}

/** A process that looks after the keys. */
export interface Instance {
  readonly startedAt: number
  /** Whether it took something for younger than it was when it started, the database's clock having been set back. */
  readonly isSlow: boolean
  isDead: boolean
  /** Where its next transaction ends with it, if it does. */
  crashes: 'before' | 'between' | 'after' | undefined
  /** Reads what is committed. */
  look(): KeyFacts[]
  /** What it remembers of that. */
  readonly remembered: readonly Row[]
  /** The same, read again where it is too old to be served. */
  published(): readonly Row[]
}

/** All that there is. */
export interface World {
  readonly parts: Parts
  readonly settings: Settings
  readonly random: Random
  readonly timeline: Timeline
  readonly instances: (Instance | undefined)[]
  readonly copies: Copy[]
  /** What is committed. */
  rows: readonly Row[]
  /** How far the database's clock is off. */
  offMs: number
  /** When the last token of a key expires. */
  readonly expires: Map<string, number>
  /** When prepared keys of an algorithm were taken, or made without one having been taken: then one is not ready for a while. */
  readonly unsettled: Map<TokenAlgorithm, number[]>
  readonly violations: string[]
  /** How often each thing happened. */
  readonly seen: Record<string, number>
}

/** The present, for a transaction that takes up to two seconds. */
export function momentOf({ timeline, offMs, random }: World): Moment {
  return { now: timeline.now(), offMs, lagS: random.between(0, 2) }
}

/** Counts an event. */
export function note(world: World, what: string): void {
  world.seen[what] = (world.seen[what] ?? 0) + 1
}

/** Records a broken promise. */
export function blame(world: World, what: string): void {
  world.violations.push(`at ${world.timeline.now().toFixed(1)} s: ${what}`)
}
