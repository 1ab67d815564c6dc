import type { Rates } from './limits.ts'

/** Returns all rates, multiplied by one factor. A deployment sets only this factor, so the proportions are fixed. */
export function scaleRates(factor: number): Rates {
  const rate = (perMinute: number, burst: number) => ({
    perMinute: perMinute * factor,
    burst: Math.max(1, burst * factor),
  })
  return {
    read: { source: rate(1_200, 200), subject: rate(1_200, 200) },
    register: { source: rate(20, 20), subject: rate(120, 60) },
    confirm: { source: rate(60, 20), subject: rate(20, 10) },
    challenge: { source: rate(6_000, 1_000), subject: rate(600, 100) },
    token: { source: rate(6_000, 1_000), subject: rate(600, 100) },
    verify: { source: rate(60_000, 10_000), subject: rate(60_000, 10_000) },
    manage: { source: rate(600, 200), subject: rate(600, 200) },
    // Watchers that get no stream ask again every one or two seconds.
    watch: { source: rate(6_000, 1_000), subject: rate(1_200, 200) },
    // The process that serves a forwarded call counts it again in the call's own group. The gateway need not be
    // stricter, so this rate equals the highest rate of the other groups.
    forward: { source: rate(60_000, 10_000), subject: rate(60_000, 10_000) },
  }
}
