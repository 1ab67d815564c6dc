import { planCompromise, planRotateNow, planSchedule } from '../../../services/keys/domain/plan-rotation.ts'
import { createKeyAges } from '../../../services/keys/key-ages.ts'

/** What the simulation puts to the test; mutants break one of them. */
export interface Parts {
  readonly planSchedule: typeof planSchedule
  readonly planRotateNow: typeof planRotateNow
  readonly planCompromise: typeof planCompromise
  readonly createKeyAges: typeof createKeyAges
  /** Who says which key signs: the statement that redeems a challenge, or what the process remembers. */
  readonly signerBy: 'statement' | 'memory'
  /** Whether a process believes a clock that was set forward before it started. */
  readonly isDeceived: boolean
}

/**
 * The real thing. What it does not promise is left out: a process that starts after the database's clock was set forward
 * takes each state that began before for as much older as the clock was set; here it is told how old it is.
 */
export const REAL: Parts = {
  planSchedule,
  planRotateNow,
  planCompromise,
  createKeyAges,
  signerBy: 'statement',
  isDeceived: false,
}
