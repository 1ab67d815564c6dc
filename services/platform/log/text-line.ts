/** Width of the longest level, so that messages are aligned. */
const LEVEL_WIDTH = 5
/** A value that needs no quotes: printable ASCII without blanks, `"` and `=`. */
const BARE = /^[\x21\x23-\x3c\x3e-\x7e]+$/
/** Characters that control a terminal or the direction of text. A value from outside must not control the screen. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * Formats a line for people: local time, level, message, then each field as key=value. The stack of an error follows
 * on separate lines. `fields` must contain only values that JSON can show.
 */
export function textLine(at: Date, level: string, fields: object, message: string): string {
  const named = Object.entries(fields).filter(([, value]) => value !== undefined)
  const pairs = named.map(([name, value]) => ` ${name}=${shown(withoutStack(value))}`)
  const stacks = named.flatMap(([, value]) => stackOf(value)?.split('\n') ?? [])
  const head = `${clockTime(at)} ${level.toUpperCase().padEnd(LEVEL_WIDTH)} ${safe(message)}${pairs.join('')}`
  return [head, ...stacks.map((line) => `    ${safe(line)}`), ''].join('\n')
}

function clockTime(at: Date): string {
  const [hours, minutes, seconds] = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => pad(part, 2))
  return `${hours}:${minutes}:${seconds}.${pad(at.getMilliseconds(), 3)}`
}

const pad = (part: number, width: number): string => String(part).padStart(width, '0')

function shown(value: unknown): string {
  if (typeof value === 'string') return BARE.test(value) ? value : safe(JSON.stringify(value))
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && BARE.test(item))
    ? value.join(',')
    : safe(JSON.stringify(value))
}

const safe = (text: string): string =>
  text.replaceAll(UNSAFE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)

function stackOf(value: unknown): string | undefined {
  const isError = typeof value === 'object' && value !== null && 'stack' in value && typeof value.stack === 'string'
  return isError ? String(value.stack) : undefined
}

function withoutStack(value: unknown): unknown {
  if (stackOf(value) === undefined) return value
  return Object.fromEntries(Object.entries(value ?? {}).filter(([name]) => name !== 'stack'))
}
