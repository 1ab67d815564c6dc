import { planCompromise, planRotateNow, planSchedule } from '../../../services/keys/domain/plan-rotation.ts'
import { createKeyAges } from '../../../services/keys/key-ages.ts'

/** The code under test. Each mutant breaks one part. */
export interface Parts {
  readonly planSchedule: typeof planSchedule
  readonly planRotateNow: typeof planRotateNow
  readonly planCompromise: typeof planCompromise
  readonly createKeyAges: typeof createKeyAges
  /** Whether the statement that redeems a challenge or the memory of the process decides which key signs. */
  readonly signerBy: 'statement' | 'memory'
  /**
   * From where a process knows the introspection key that is active: from a memory of limited age that it checks for
   * ended keys, from the same memory without the check, or from a memory without a limit.
   */
  readonly answersBy: 'checked memory' | 'unchecked memory' | 'endless memory'
  /** Whether a process trusts a clock that was set forward before the process started. */
  readonly isDeceived: boolean
}

/**
 * The real code, without a case that it does not promise to handle. A process that starts after the database's clock
 * was set forward overestimates the age of each earlier state by that much. Here such a process gets the right age.
 */
export const REAL: Parts = {
  planSchedule,
  planRotateNow,
  planCompromise,
  createKeyAges,
  signerBy: 'statement',
  answersBy: 'checked memory',
  isDeceived: false,
}
