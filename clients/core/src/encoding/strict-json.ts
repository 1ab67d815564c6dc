/** A JSON object whose members nobody has looked at yet. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Why bytes are not a strict JSON object. `utf8`: not UTF-8 (a byte order mark is `syntax`). `duplicate-member`: two members
 * of one object share a name, of which JSON.parse would keep the last and another parser the first. `forbidden-member`:
 * `__proto__`, which turns into a prototype when an object is copied. `lone-surrogate`: a string that is no Unicode text.
 * `number-range`: a number beyond a double, which JSON.parse would make Infinity. `depth`: nested more than 16 levels.
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

/** The object, or why it is none. */
type StrictJson = { ok: true; value: JsonObject } | { ok: false; why: JsonFault }

const MAX_DEPTH = 16
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\],]/g

/**
 * Parses one JSON object as I-JSON (RFC 7493) that every parser reads the same way.
 *
 * @returns the object, or the first fault found. The caller bounds the size.
 */
export function parseStrictJson(bytes: Uint8Array): StrictJson {
  const text = decodeUtf8(bytes)
  return text === undefined ? { ok: false, why: 'utf8' } : parseStrictJsonText(text)
}

/** The same of a text that was decoded already: it must be well formed. */
export function parseStrictJsonText(text: string): StrictJson {
  const value = parseJson(text)
  if (value === undefined) return { ok: false, why: 'syntax' }
  if (!isJsonObject(value)) return { ok: false, why: 'not-an-object' }
  if (isPlain(text, value)) return { ok: true, value }
  const why = findFault(text)
  return why === undefined ? { ok: true, value } : { ok: false, why }
}

/** Whether a parsed JSON value is an object rather than null, an array or a scalar. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Whether a text can have no fault: it is what its own value is written as, so nothing of it was lost when it was read, neither a
 * second member of a name nor a number beyond a double. Without a backslash no string is spelled in another way than it reads. False
 * says nothing. Most texts that programs write are plain, and this takes a fifth of the time of looking at each token.
 */
function isPlain(text: string, value: JsonObject): boolean {
  return (
    !text.includes('\\') &&
    !text.includes('__proto__') &&
    countUpTo(text, '{', MAX_DEPTH) + countUpTo(text, '[', MAX_DEPTH) <= MAX_DEPTH &&
    JSON.stringify(value) === text
  )
}

/** How often a text has a character, or `limit` and one where that is more. */
function countUpTo(text: string, character: string, limit: number): number {
  let count = 0
  for (let at = text.indexOf(character); at >= 0 && count <= limit; at = text.indexOf(character, at + 1)) count += 1
  return count
}

/** Walks the tokens of a text that JSON.parse has already accepted, so that syntax needs no second look. */
function findFault(text: string): JsonFault | undefined {
  // One entry for every open container: the member names seen so far, or undefined for an array.
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

/** Checks a string and, when it names a member, adds it to the names of its object. */
function findStringFault(token: string, names: Set<string> | undefined): JsonFault | undefined {
  // Decoded UTF-8 is well formed: only an escape can bring in half a surrogate pair or spell a name in another way.
  const text = token.includes('\\') ? String(JSON.parse(token)) : token.slice(1, -1)
  if (!text.isWellFormed()) return 'lone-surrogate'
  if (names === undefined) return undefined
  if (text === '__proto__') return 'forbidden-member'
  if (names.has(text)) return 'duplicate-member'
  names.add(text)
  return undefined
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes)
  } catch {
    return undefined
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
