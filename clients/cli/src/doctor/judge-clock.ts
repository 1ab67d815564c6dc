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
 * Returns how far this machine's clock is ahead of the server's, in milliseconds; negative if it is behind. It is the
 * smallest offset that explains the reading: the server read its clock at some moment of the round trip, somewhere
 * within that second.
 */
export function clockOffsetMs({ serverS, askedAtMs, cameAtMs }: ClockReading): number {
  const least = askedAtMs - (serverS + 1) * SECOND_MS
  const most = cameAtMs - serverS * SECOND_MS
  if (least > 0) return least
  return most < 0 ? most : 0
}

/** Judges the clock by the clock skew that the server allows, in seconds. */
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

/** Compares two clocks of the server. If they differ, a cache between tool and server has answered. */
export function judgeCache(dateHeader: string | null, serverS: number): Finding | undefined {
  const dateMs = Date.parse(dateHeader ?? '')
  if (Number.isNaN(dateMs) || Math.abs(dateMs / SECOND_MS - serverS) <= 2) return undefined
  return warning(
    'clock',
    `the Date header says ${String(dateHeader)}, but /health says another time`,
    'A proxy before the server must not cache its answers, and its own clock must be right.',
  )
}
