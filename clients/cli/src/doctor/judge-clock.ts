import { type Finding, ok, problem, warning } from './finding.ts'

/**
 * A reading of the server's clock in whole Unix seconds. `askedAtMs` and `cameAtMs` are the times of request and
 * answer by this machine's clock, in Unix milliseconds.
 */
export interface ClockReading {
  readonly serverS: number
  readonly askedAtMs: number
  readonly cameAtMs: number
}

const SECOND_MS = 1000

/**
 * Returns how far this machine's clock is ahead of the server's, in milliseconds; negative if it is behind. The server
 * read its clock at an unknown moment of the round trip, and `serverS` is a whole second. So the result is the
 * smallest offset that explains the reading.
 */
export function clockOffsetMs({ serverS, askedAtMs, cameAtMs }: ClockReading): number {
  const least = askedAtMs - (serverS + 1) * SECOND_MS
  const most = cameAtMs - serverS * SECOND_MS
  if (least > 0) return least
  return most < 0 ? most : 0
}

/** Compares the offset of the clock with the clock skew that the server allows, in seconds. */
export function judgeClock(reading: ClockReading, allowedS: number): Finding {
  const offsetMs = clockOffsetMs(reading)
  const roundTrip = `round trip ${Math.round(reading.cameAtMs - reading.askedAtMs)} ms`
  if (offsetMs === 0) return ok('clock', `the clock agrees with the server's (${roundTrip})`)
  const direction = offsetMs > 0 ? 'ahead of' : 'behind'
  const message = `this machine's clock is ${(Math.abs(offsetMs) / SECOND_MS).toFixed(1)} s ${direction} the server's (${roundTrip})`
  const isTooFar = Math.abs(offsetMs) > allowedS * SECOND_MS
  if (!isTooFar) return warning('clock', message, `${CURE} The server allows ${allowedS} s.`)
  return problem('clock', `${message}; the server allows ${allowedS} s and refuses what you sign`, CURE)
}

const CURE = 'Set the clock by NTP: `sudo timedatectl set-ntp true` on Linux, `sudo sntp -sS time.apple.com` on macOS.'

/** Compares the Date header with the timestamp of /health. If they differ by more than 2 s, a cache has answered. */
export function judgeCache(dateHeader: string | null, serverS: number): Finding | undefined {
  const dateMs = Date.parse(dateHeader ?? '')
  if (Number.isNaN(dateMs) || Math.abs(dateMs / SECOND_MS - serverS) <= 2) return undefined
  return warning(
    'clock',
    `the Date header is ${String(dateHeader)}, but the timestamp of /health is another time`,
    'A proxy in front of the server must not cache answers of the server, and the clock of the proxy must be right.',
  )
}
