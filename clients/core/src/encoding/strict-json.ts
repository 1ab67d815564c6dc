import { decodeUtf8 } from './utf8.ts'

/** A JSON object with unchecked members. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Why bytes are not a strict JSON object.
 *
 * - `utf8`: the bytes are not UTF-8. A byte order mark is `syntax`.
 * - `syntax`: the text is not JSON.
 * - `not-an-object`: the text is another JSON value.
 * - `duplicate-member`: an object has two members of one name. JSON.parse keeps the last, other parsers the first.
 * - `forbidden-member`: a member is named `__proto__`, which becomes a prototype when an object is copied.
 * - `lone-surrogate`: a string is not valid Unicode text.
 * - `number-range`: a number is too large for a double. JSON.parse would read Infinity.
 * - `depth`: the nesting is deeper than 16 levels.
 */
export type JsonFault =
  | 'utf8'
  | 'syntax'
  | 'not-an-object'
  | 'duplicate-member'
  | 'forbidden-member'
  | 'lone-surrogate'
  | 'number-range'
  | 'depth'

/** The object, or the reason why the text is not one. */
type StrictJson = { ok: true; value: JsonObject } | { ok: false; why: JsonFault }

const MAX_DEPTH = 16
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\],]/g

/**
 * Parses one JSON object as I-JSON (RFC 7493), which every parser reads the same way.
 *
 * @returns the object, or the first fault. The caller limits the size.
 * @example
 * ```ts
 * import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
 *
 * const json = parseStrictJson(bytes)
 * if (!json.ok) throw new TypeError(`The text is not strict JSON: ${json.why}`)
 * console.log(json.value)
 * ```
 */
export function parseStrictJson(bytes: Uint8Array): StrictJson {
  const text = decodeUtf8(bytes)
  return text === undefined ? { ok: false, why: 'utf8' } : parseStrictJsonText(text)
}

/**
 * Parses a decoded text as {@link parseStrictJson} parses bytes. The text must not contain lone surrogates.
 *
 * @example
 * ```ts
 * import { parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
 *
 * parseStrictJsonText('{"a":1,"a":2}') // { ok: false, why: 'duplicate-member' }
 * ```
 */
export function parseStrictJsonText(text: string): StrictJson {
  const value = parseJson(text)
  if (value === undefined) return { ok: false, why: 'syntax' }
  if (!isJsonObject(value)) return { ok: false, why: 'not-an-object' }
  if (isPlain(text, value)) return { ok: true, value }
  const why = findFault(text)
  return why === undefined ? { ok: true, value } : { ok: false, why }
}

/**
 * Tells whether a parsed JSON value is an object, not null, an array or a scalar.
 *
 * @example
 * ```ts
 * import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
 *
 * isJsonObject({}) // true
 * isJsonObject([]) // false
 * ```
 */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Tells quickly whether a text certainly has no fault; false means that every token must be checked.
 * If stringifying the parsed value gives the same text, parsing lost no duplicate member and no large number.
 * Without a backslash, every string is spelled as it reads. Most texts from programs pass, in a fifth of the time.
 */
function isPlain(text: string, value: JsonObject): boolean {
  return (
    !text.includes('\\') &&
    !text.includes('__proto__') &&
    countUpTo(text, '{', MAX_DEPTH) + countUpTo(text, '[', MAX_DEPTH) <= MAX_DEPTH &&
    JSON.stringify(value) === text
  )
}

/** Counts a character in a text, but stops at `limit` + 1. */
function countUpTo(text: string, character: string, limit: number): number {
  let count = 0
  for (let at = text.indexOf(character); at >= 0 && count <= limit; at = text.indexOf(character, at + 1)) count += 1
  return count
}

/** Checks the tokens of a text that JSON.parse has accepted, so the syntax is known to be right. */
function findFault(text: string): JsonFault | undefined {
  // One entry per open container: the member names so far, or undefined for an array.
  const open: (Set<string> | undefined)[] = []
  let previous = ''
  for (const [token] of text.matchAll(TOKEN)) {
    const names = open.at(-1)
    const isName = names !== undefined && (previous === '{' || previous === ',')
    previous = token
    if (token === '{' || token === '[') {
      if (open.push(token === '{' ? new Set() : undefined) > MAX_DEPTH) return 'depth'
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (token.startsWith('"')) {
      const fault = findStringFault(token, isName ? names : undefined)
      if (fault !== undefined) return fault
    } else if (token !== ',' && !Number.isFinite(Number(token))) {
      return 'number-range'
    }
  }
  return undefined
}

/** Checks a string. If the string is a member's name, adds it to the names of its object. */
function findStringFault(token: string, names: Set<string> | undefined): JsonFault | undefined {
  // Decoded UTF-8 is well formed. Only an escape can add a lone surrogate or spell a name differently.
  const text = token.includes('\\') ? String(JSON.parse(token)) : token.slice(1, -1)
  if (!text.isWellFormed()) return 'lone-surrogate'
  if (names === undefined) return undefined
  if (text === '__proto__') return 'forbidden-member'
  if (names.has(text)) return 'duplicate-member'
  names.add(text)
  return undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
