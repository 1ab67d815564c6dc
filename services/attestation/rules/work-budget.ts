/**
 * Units of work that all conditions of one call may cost. A unit is about 50 ns, so a call costs about 50 ms at worst.
 * Twenty conditions of a common size cost about 50,000.
 */
const MAX_WORK = 1_000_000

/**
 * The work that the conditions of one call may still cost. Beyond it, every condition counts as false. Conditions and
 * claims are in the hands of an operator, and all operators share the process.
 */
export class WorkBudget {
  readonly #units: number
  #spent = 0

  constructor(units = MAX_WORK) {
    this.#units = units
  }

  /** Units that have been asked for, also those beyond the budget. */
  get spent(): number {
    return this.#spent
  }

  /** Takes units. Returns false if so many were not left; from then on, nothing is left. */
  take(units: number): boolean {
    this.#spent += units
    return this.#spent <= this.#units
  }
}
