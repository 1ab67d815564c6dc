const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const DECIMALS = 9
const PART = /(\d{1,9})(?:\.(\d{1,9}))?(ns|us|µs|μs|ms|s|m|h)/y
/** One second in billionths of a nanosecond. The ninth decimal of a nanosecond is one such unit, so sums are exact. */
const SECOND = 10n ** 18n
const WHOLE_SECONDS = /^\d{1,9}$/
const DAYS = /^(\d{1,4})d$/
const DAY_S = 86_400

/**
 * Reads a token lifetime: a Go duration (`90s`, `1h30m`) or a number of seconds (`900`).
 *
 * @returns whole seconds, or undefined if the text is neither or is not a whole number of seconds.
 * @example
 * ```ts
 * import { parseDuration } from '@auth4agent/core/encoding/duration'
 *
 * parseDuration('1h30m') // 5400
 * parseDuration('900') // 900
 * parseDuration('1.5s') // undefined
 * ```
 */
export function parseDuration(text: string): number | undefined {
  if (WHOLE_SECONDS.test(text)) return Number(text)
  if (text.length === 0 || text.length > 64) return undefined
  let total = 0n
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    PART.lastIndex = at
    const [, whole, decimals = '', unit = ''] = PART.exec(text) ?? []
    const nanoseconds = UNIT_NS[unit]
    if (whole === undefined || nanoseconds === undefined) return undefined
    total += BigInt(whole + decimals.padEnd(DECIMALS, '0')) * nanoseconds
  }
  return total % SECOND === 0n ? Number(total / SECOND) : undefined
}

/**
 * Reads a duration that may be long: whole days (`30d`), or a duration of {@link parseDuration}.
 *
 * @returns whole seconds, or undefined for anything else.
 * @example
 * ```ts
 * import { parseLongDuration } from '@auth4agent/core/encoding/duration'
 *
 * parseLongDuration('30d') // 2592000
 * parseLongDuration('90s') // 90
 * ```
 */
export function parseLongDuration(text: string): number | undefined {
  const days = DAYS.exec(text)?.[1]
  return days === undefined ? parseDuration(text) : Number(days) * DAY_S
}
