import { parseLongDuration } from '@auth4agent/core/encoding/duration'
import { usageError } from './cli-error.ts'

/** RFC 3339 section 5.6. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/

/** Reads a duration: `90s`, `1h30m`, `7d` or seconds. Returns whole seconds, or undefined for anything else. */
export const readDuration = parseLongDuration

/** Reads a time in RFC 3339, or as a duration before now. Throws CliError, which names the flag. */
export function readTime(flag: string, text: string | undefined, nowMs: number): string | undefined {
  if (text === undefined) return undefined
  if (RFC_3339.test(text) && Number.isFinite(Date.parse(text))) return text
  const ago = readDuration(text)
  const time = ago === undefined ? new Date(Number.NaN) : new Date(nowMs - ago * 1000)
  if (Number.isNaN(time.getTime())) {
    throw usageError(
      `${flag} must be a duration or an RFC 3339 time`,
      `For example: ${flag} 1h, or ${flag} 2026-01-14T00:00:00Z`,
    )
  }
  return time.toISOString()
}

/** Reads a time in the future, in RFC 3339 or as a duration from now. Returns Unix seconds. Throws CliError. */
export function readFutureTime(flag: string, text: string, nowMs: number): number {
  const ahead = readDuration(text)
  const isTime = RFC_3339.test(text)
  const atMs = isTime ? Date.parse(text) : ahead === undefined ? Number.NaN : nowMs + ahead * 1000
  if (Number.isNaN(atMs) || atMs <= nowMs) {
    throw usageError(
      `${flag} must be a duration or an RFC 3339 time, and in the future`,
      `For example: ${flag} 90d, or ${flag} 2027-03-01T00:00:00Z`,
    )
  }
  return Math.floor(atMs / 1000)
}

/** Writes a time in Unix seconds as RFC 3339. Writes a number that is no time as it is. */
export function writeTime(seconds: number): string {
  const time = new Date(seconds * 1000)
  return Number.isNaN(time.getTime()) ? String(seconds) : time.toISOString().replace('.000Z', 'Z')
}
