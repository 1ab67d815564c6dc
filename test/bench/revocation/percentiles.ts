/** Percentiles of many durations. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
}

/** Returns the percentiles of durations in milliseconds, in any order. */
export function percentilesOf(durations: readonly number[]): Percentiles {
  const sorted = durations.toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}
