import type { KeyState } from '../../../gen/prisma/enums.ts'
import { nameOf } from '../../../services/keys/domain/key-kinds.ts'
import type { Step } from '../../../services/keys/domain/plan-rotation.ts'
import type { StandingKey } from '../../../services/keys/key-ages.ts'

/** A row of a key, with facts that only the simulation knows. */
export interface Row extends StandingKey {
  /** Whether the key is one of the first keys of an empty database. Such a key signs at once. */
  readonly isFirst: boolean
  /** When the key entered each state, in true time. */
  readonly entered: Readonly<Partial<Record<KeyState, number>>>
  /** The error of the database's clock when the key entered its state, in milliseconds. */
  readonly offMs: number
}

/**
 * A moment of the database: true time in seconds, the error of its clock, and how long before the commit the clock was
 * read.
 */
export interface Moment {
  readonly now: number
  readonly offMs: number
  readonly lagS: number
}

const FORWARD: Readonly<Record<KeyState, readonly KeyState[]>> = {
  prepared: ['active', 'compromised'],
  active: ['retiring', 'compromised'],
  retiring: ['retired', 'compromised'],
  retired: ['compromised'],
  compromised: [],
}

/**
 * Returns the rows after a step. Throws Error if the database would refuse the step: for a second active key, or for a
 * forbidden change of state.
 */
export function takeStep(rows: readonly Row[], step: Step, moment: Moment): readonly Row[] {
  const { now, offMs, lagS } = moment
  const stamp = { sinceMs: (now - lagS) * 1000 + offMs, offMs }
  const changed =
    step.to === 'new'
      ? [...rows, insert(rows, step, moment, stamp)]
      : rows.map((row) => {
          if (row.kid !== step.kid) return row
          if (!FORWARD[row.state].includes(step.to)) throw new Error(`a key cannot go from ${row.state} to ${step.to}`)
          return { ...row, ...stamp, state: step.to, entered: { ...row.entered, [step.to]: now } }
        })
  const active = changed.filter(({ state }) => state === 'active').map(nameOf)
  if (new Set(active).size < active.length) throw new Error(`two active keys among ${active.join()}`)
  return changed
}

function insert(
  rows: readonly Row[],
  { purpose, alg, state }: Extract<Step, { to: 'new' }>,
  { now }: Moment,
  stamp: Pick<Row, 'sinceMs' | 'offMs'>,
): Row {
  const entered = { prepared: now, [state]: now }
  const kid = `${nameOf({ purpose, alg })} ${rows.length}`
  return { ...stamp, kid, purpose, alg, state, isFirst: state === 'active', entered }
}
