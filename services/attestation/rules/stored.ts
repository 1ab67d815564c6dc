import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'

/** Reads members of a stored rule. The server has checked the rule when it stored it, so a fault is a defect. */
export interface StoredReader {
  text(name: string): string
  texts(name: string): readonly string[]
  count(name: string): number
  flag(name: string): boolean
}

/**
 * Returns a reader of the members of a stored JSON object.
 *
 * @throws Error if the content is no object; the reader throws Error if a member is missing or has another type
 */
export function readStored(content: unknown): StoredReader {
  if (!isJsonObject(content)) throw new Error('A stored rule must be an object')
  const object: JsonObject = content
  return {
    text(name) {
      const value = object[name]
      if (typeof value !== 'string') throw wrong(name)
      return value
    },
    texts(name) {
      const value: unknown = object[name]
      if (!Array.isArray(value)) throw wrong(name)
      return value.map((each: unknown) => {
        if (typeof each !== 'string') throw wrong(name)
        return each
      })
    },
    count(name) {
      const value = object[name]
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw wrong(name)
      return value
    },
    flag(name) {
      const value = object[name]
      if (typeof value !== 'boolean') throw wrong(name)
      return value
    },
  }
}

function wrong(name: string): Error {
  return new Error(`A stored rule has a wrong member ${name}`)
}
