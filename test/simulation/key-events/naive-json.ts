/** Why the naive replayer refuses an event: a word of KeyEventFault. */
export class Wrong extends Error {
  readonly why: string

  constructor(why: string) {
    super(why)
    this.why = why
  }
}

export type Json = Record<string, unknown>

/** Throws Wrong unless the condition is true. */
export function must(condition: unknown, why = 'malformed'): asserts condition {
  if (!condition) throw new Wrong(why)
}

/** Decodes canonical base64url. */
export function decode(text: string): Buffer {
  must(/^[A-Za-z0-9_-]*$/.test(text))
  const bytes = Buffer.from(text, 'base64url')
  must(bytes.toString('base64url') === text)
  return bytes
}

/** Parses a JSON object as I-JSON, by JSON.parse and counting. */
export function parseObject(bytes: Buffer): Json {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    must(typeof value === 'object' && value !== null && !Array.isArray(value))
    // JSON.parse keeps one of several members with the same name, so there are fewer members than names in the text.
    const names = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined)
    must(countMembers(value, 1) === names.length)
    return { ...value }
  } catch {
    throw new Wrong('malformed')
  }
}

/** Counts the members of all objects in a value. Throws Wrong for what I-JSON forbids. */
function countMembers(value: unknown, depth: number): number {
  if (typeof value === 'string') must(value.isWellFormed())
  if (typeof value === 'number') must(Number.isFinite(value))
  if (typeof value !== 'object' || value === null) return 0
  must(depth <= 16)
  const isList = Array.isArray(value)
  let count = 0
  for (const [name, inner] of Object.entries(value)) {
    must(isList || (name !== '__proto__' && name.isWellFormed()))
    count += (isList ? 0 : 1) + countMembers(inner, depth + 1)
  }
  return count
}
