import type { KeyState } from '../../../gen/prisma/enums.ts'
import type { Step } from '../../../services/keys/domain/plan-rotation.ts'
import type { StandingKey } from '../../../services/keys/key-ages.ts'

/** A row, with what only the simulation knows of it. */
export interface Row extends StandingKey {
  /** One of those that an empty database begins with. */
  readonly isFirst: boolean
  /** When it came into each state, in true time. */
  readonly entered: Readonly<Partial<Record<KeyState, number>>>
  /** How far the database's clock was off when it came into its state. */
  readonly offMs: number
}

/** A moment of the database: true time in seconds, how far its clock is off, and how long before the commit it was read. */
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

/** The rows after a step. Throws where the database would: a second active key, a way back. */
export function takeStep(rows: readonly Row[], step: Step, moment: Moment): readonly Row[] {
  const { now, offMs, lagS } = moment
  const stamp = { sinceMs: (now - lagS) * 1000 + offMs, offMs }
  const changed =
    step.to === 'new'
      ? [...rows, insert(rows, step, moment, stamp)]
      : rows.map((row) => {
          if (row.kid !== step.kid) return row
          if (!FORWARD[row.state].includes(step.to)) throw new Error(`no way from ${row.state} to ${step.to}`)
          return { ...row, ...stamp, state: step.to, entered: { ...row.entered, [step.to]: now } }
        })
  const active = changed.filter(({ state }) => state === 'active').map(({ alg }) => alg)
  if (new Set(active).size < active.length) throw new Error(`two active keys among ${active.join()}`)
  return changed
}

function insert(
  rows: readonly Row[],
  { alg, state }: Extract<Step, { to: 'new' }>,
  { now }: Moment,
  stamp: Pick<Row, 'sinceMs' | 'offMs'>,
): Row {
  const entered = { prepared: now, [state]: now }
  return { ...stamp, kid: `${alg} ${rows.length}`, alg, state, isFirst: state === 'active', entered }
}
