/** Bounds how often something is done. */
export interface Budget {
  /** Returns whether it may be done once more now. */
  take(): boolean
}

/** Makes a budget of some questions a second, which grows to `burst` while nothing is asked. */
export function createBudget(perSecond: number, burst: number): Budget {
  let left = burst
  let at = performance.now()
  return {
    take() {
      const now = performance.now()
      left = Math.min(burst, left + ((now - at) / 1_000) * perSecond)
      at = now
      if (left < 1) return false
      left -= 1
      return true
    },
  }
}
