import { parseDuration } from '@auth4agent/core/encoding/duration'

/** A problem with one variable, in words for the person who set it. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
}

/** Turns the text of a variable into its value. Throws SettingError with what is wrong with it. */
export type Parse<T> = (text: string) => T

/** Any text. */
export const text: Parse<string> = (value) => value

/** A port number; 0 lets the system choose. */
export const port: Parse<number> = (value) => wholeNumber(0, 65_535)(value)

/** A whole number within bounds. */
export function wholeNumber(min: number, max: number): Parse<number> {
  return (value) => {
    const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= min && number <= max)) throw new SettingError(`must be a whole number from ${min} to ${max}`)
    return number
  }
}

/** A duration in seconds, such as 90s, 15m or 24h, within bounds in seconds. */
export function duration(min: number, max: number): Parse<number> {
  return (value) => {
    const seconds = parseDuration(value)
    if (seconds === undefined || seconds < min || seconds > max) {
      throw new SettingError(`must be a duration from ${min}s to ${max}s, such as 90s, 15m or 24h`)
    }
    return seconds
  }
}

/** A duration in milliseconds, such as 250ms, 2s or 1m, within bounds in milliseconds. */
export function durationMs(min: number, max: number): Parse<number> {
  return (value) => {
    const [, digits] = /^(\d{1,9})ms$/.exec(value) ?? []
    const ms = digits === undefined ? (parseDuration(value) ?? Number.NaN) * 1000 : Number(digits)
    if (!(ms >= min && ms <= max)) {
      throw new SettingError(`must be a duration from ${min}ms to ${max}ms, such as 250ms, 2s or 1m`)
    }
    return ms
  }
}

/** What another parser takes, or the word off, which is undefined. */
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

/** true or false. */
export const flag: Parse<boolean> = (value) => {
  if (value !== 'true' && value !== 'false') throw new SettingError('must be true or false')
  return value === 'true'
}

/** One of a few words. */
export function oneOf<T extends string>(...words: readonly T[]): Parse<T> {
  return (value) => {
    const word = words.find((candidate) => candidate === value)
    if (word === undefined) throw new SettingError(`must be one of ${words.join(', ')}`)
    return word
  }
}

/** Comma-separated entries, each parsed; white space around them is dropped. */
export function list<T>(parse: Parse<T>): Parse<readonly T[]> {
  return (value) => value.split(',').map((entry) => parse(entry.trim()))
}
