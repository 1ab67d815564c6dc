import fc from 'fast-check'
import { type Made, type Step, step } from './build-log.ts'

/** The random choices of a fault. */
export interface Chance {
  /** Which event is wrong, which other one is used, and which variant it is. */
  readonly at: number
  readonly other: number
  readonly variant: number
  readonly step: Step
}

const number = fc.nat({ max: 10_000 })
export const chance: fc.Arbitrary<Chance> = fc.record({ at: number, other: number, variant: number, step })

/** Changes a valid log. Returns undefined if the log has no place for the fault. Some variants leave the log valid. */
export type Fault = (log: readonly Made[], chance: Chance) => readonly string[] | undefined

/** Returns the texts of a log. */
export const textsOf = (log: readonly Made[]) => log.map(({ text }) => text)

/** Replaces an event, and leaves out the events after it, because they name the replaced one. */
export function ending(log: readonly Made[], at: number, text: string): readonly string[] {
  return [...textsOf(log.slice(0, at)), text]
}

/** Chooses an event that has a property. */
export function choose(log: readonly Made[], at: number, has: (made: Made) => boolean) {
  const places = log.flatMap((made, place) => (has(made) ? [{ ...made, place }] : []))
  return places[at % Math.max(1, places.length)]
}

/** Chooses one of a list. */
export const pick = <T>(from: readonly T[], at: number): T => from[at % from.length] as T

/** Types of events that end a DID. They need the committed key, if there is one. */
export const ENDS: readonly unknown[] = ['deactivate', 'move']
