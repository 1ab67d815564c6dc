import { parseDuration } from '@auth4agent/core/encoding/duration'

/** Thrown for a wrong value of one variable. The message continues the variable's name: `must be …`. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
}

/** Converts the text of a variable to its value. Throws SettingError when the text is wrong. */
export type Parse<T> = (text: string) => T

/** Reads one variable. Returns the fallback if it is not set or its value is wrong, and notes what is wrong. */
export type Value = <T>(name: string, parse: Parse<T>, fallback: T) => T

/** Accepts any text. */
export const text: Parse<string> = (value) => value

/** Parses a port number. 0 lets the system choose the port. */
export const port: Parse<number> = (value) => wholeNumber(0, 65_535)(value)

/** Returns a parser of whole numbers from `min` to `max`. */
export function wholeNumber(min: number, max: number): Parse<number> {
  return (value) => {
    const number = readWholeNumber(value, min, max)
    if (number === undefined) throw new SettingError(`must be a whole number from ${min} to ${max}`)
    return number
  }
}

/** Returns a whole number from `min` to `max`, or undefined for other text. */
export function readWholeNumber(value: string, min: number, max: number): number | undefined {
  const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN
  return number >= min && number <= max ? number : undefined
}

/** Returns a parser of durations such as 90s, 15m or 24h. Bounds and result are in seconds. */
export function duration(min: number, max: number): Parse<number> {
  return (value) => {
    const seconds = parseDuration(value)
    if (seconds === undefined || seconds < min || seconds > max || lacksUnit(value)) {
      throw new SettingError(
        `must be a duration from ${formatSeconds(min)} to ${formatSeconds(max)}, such as 90s, 15m or 24h${unitHint(value)}`,
      )
    }
    return seconds
  }
}

/** Returns a parser of durations such as 250ms, 2s or 1m. Bounds and result are in milliseconds. */
export function durationMs(min: number, max: number): Parse<number> {
  return (value) => {
    const [, digits] = /^(\d{1,9})ms$/.exec(value) ?? []
    const ms = digits === undefined ? (parseDuration(value) ?? Number.NaN) * 1000 : Number(digits)
    if (!(ms >= min && ms <= max) || lacksUnit(value)) {
      throw new SettingError(
        `must be a duration from ${formatMs(min)} to ${formatMs(max)}, such as 250ms, 2s or 1m${unitHint(value)}`,
      )
    }
    return ms
  }
}

/** Returns whether a text is a number other than 0. People mean different units by such a number. */
function lacksUnit(value: string): boolean {
  return /^\d+$/.test(value) && Number(value) !== 0
}

function unitHint(value: string): string {
  return lacksUnit(value) ? `; ${value} has no unit` : ''
}

/** Writes a duration in the largest unit that needs no fraction: 3600 as 1h, 90 as 90s. */
function formatSeconds(seconds: number): string {
  if (seconds === 0 || seconds % 60 !== 0) return `${seconds}s`
  return seconds % 3600 === 0 ? `${seconds / 3600}h` : `${seconds / 60}m`
}

function formatMs(ms: number): string {
  return ms % 1000 === 0 ? formatSeconds(ms / 1000) : `${ms}ms`
}

/** Extends a parser by the word `off`, which becomes undefined. */
export function orOff<T>(parse: Parse<T>): Parse<T | undefined> {
  return (value) => {
    if (value === 'off') return undefined
    try {
      return parse(value)
    } catch (error) {
      if (error instanceof SettingError) throw new SettingError(`${error.message}, or off`)
      throw error
    }
  }
}

/** Parses `true` or `false`. */
export const flag: Parse<boolean> = (value) => {
  if (value !== 'true' && value !== 'false') throw new SettingError('must be true or false')
  return value === 'true'
}

/** Returns a parser that accepts one of the given words. */
export function oneOf<T extends string>(...words: readonly T[]): Parse<T> {
  return (value) => {
    const word = words.find((candidate) => candidate === value)
    if (word === undefined) throw new SettingError(`must be one of ${words.join(', ')}`)
    return word
  }
}

/** Returns a parser of comma-separated entries. White space around an entry is dropped. */
export function list<T>(parse: Parse<T>): Parse<readonly T[]> {
  return (value) => value.split(',').map((entry) => parse(entry.trim()))
}
