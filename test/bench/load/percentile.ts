/** Returns a percentile of sorted numbers, with `share` from 0 to 1; NaN for an empty list. */
export function percentileOf(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
