import { type Finding, ok, problem, warning } from './finding.ts'

/** A moment of the server's clock, in whole Unix seconds, and when by this machine's it was asked for and came, in Unix milliseconds. */
export interface ClockReading {
  readonly serverS: number
  readonly askedAtMs: number
  readonly cameAtMs: number
}

const SECOND_MS = 1000

/**
 * How far this machine's clock is ahead of the server's, in milliseconds: the smallest number that the reading leaves possible, negative
 * when it is behind. The server's clock stood somewhere within that second at some moment of the round trip.
 */
export function clockOffsetMs({ serverS, askedAtMs, cameAtMs }: ClockReading): number {
  const least = askedAtMs - (serverS + 1) * SECOND_MS
  const most = cameAtMs - serverS * SECOND_MS
  if (least > 0) return least
  return most < 0 ? most : 0
}

/** Judges the clock by what server and tool allow each other, in seconds. */
export function judgeClock(reading: ClockReading, allowedS: number): Finding {
  const offsetMs = clockOffsetMs(reading)
  const roundTrip = `round trip ${Math.round(reading.cameAtMs - reading.askedAtMs)} ms`
  if (offsetMs === 0) return ok('clock', `agrees with the server's (${roundTrip})`)
  const direction = offsetMs > 0 ? 'ahead of' : 'behind'
  const message = `this machine's clock is ${(Math.abs(offsetMs) / SECOND_MS).toFixed(1)} s ${direction} the server's (${roundTrip})`
  const isTooFar = Math.abs(offsetMs) > allowedS * SECOND_MS
  if (!isTooFar) return warning('clock', message, `${CURE} The server allows ${allowedS} s.`)
  return problem('clock', `${message}, and ${allowedS} s are allowed: what you sign is refused`, CURE)
}

const CURE = 'Set the clock by NTP: `sudo timedatectl set-ntp true` on Linux, `sudo sntp -sS time.apple.com` on macOS.'

/** What two clocks of the server say of each other: where they differ, a cache in between has answered. */
export function judgeCache(dateHeader: string | null, serverS: number): Finding | undefined {
  const dateMs = Date.parse(dateHeader ?? '')
  if (Number.isNaN(dateMs) || Math.abs(dateMs / SECOND_MS - serverS) <= 2) return undefined
  return warning(
    'clock',
    `the Date header says ${String(dateHeader)} and /health another time`,
    'Whatever stands before the server must neither cache its answers nor have a clock of its own that is wrong.',
  )
}
