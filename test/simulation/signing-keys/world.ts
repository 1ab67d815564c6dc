import type { KeyFacts, RotationTimes } from '../../../services/keys/domain/plan-rotation.ts'
import type { Random } from '../revocation/random.ts'
import type { Moment, Row } from './database.ts'
import type { Parts } from './parts.ts'
import type { Timeline } from './timeline.ts'

/** A client's copy of the JWKS, with which it verifies tokens. */
interface Copy {
  readonly kids: ReadonlySet<string>
  /** When the client stops using it, in true time. */
  readonly until: number
}

/** Settings of a run, in seconds. */
export interface Settings {
  readonly times: RotationTimes
  readonly maxAgeS: number
  /** How long a process serves the keys that it remembers. */
  readonly servedS: number
  /** The mean time between two passes of an instance. The longest is twice as much. */
  readonly passS: number
}

/** A process that maintains the keys. */
export interface Instance {
  readonly startedAt: number
  /** Whether it underestimated the age of a state when it started, because the database's clock had been set back. */
  readonly isSlow: boolean
  isDead: boolean
  /** The point at which the next transaction of this process crashes; undefined if it does not crash. */
  crashes: 'before' | 'between' | 'after' | undefined
  /** Reads the committed rows. */
  look(): KeyFacts[]
  /** The rows that the process read last. */
  readonly remembered: readonly Row[]
  /** Returns the keys to publish from memory. Reads them again if the memory is too old. */
  published(): readonly Row[]
}

/** The state of a run. */
export interface World {
  readonly parts: Parts
  readonly settings: Settings
  readonly random: Random
  readonly timeline: Timeline
  readonly instances: (Instance | undefined)[]
  readonly copies: Copy[]
  /** The committed rows. */
  rows: readonly Row[]
  /** The error of the database's clock, in milliseconds. */
  offMs: number
  /** When the last token of a key expires. */
  readonly expires: Map<string, number>
  /**
   * When prepared keys of a kind left the reserve, or new keys entered it, by the name of the kind. For some time
   * after that, it is possible that no key is ready.
   */
  readonly unsettled: Map<string, number[]>
  readonly violations: string[]
  /** How often each kind of event happened. */
  readonly seen: Record<string, number>
}

/** Returns the current moment, for a transaction that takes up to two seconds. */
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
