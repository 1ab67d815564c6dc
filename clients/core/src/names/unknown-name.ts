import { nearest } from './nearest.ts'

/** A name that may be repeated. Anything else may be a secret in the wrong place: a key is longer, or has other characters. */
const PLAIN_NAME = /^[A-Za-z_][\w-]{0,39}$/

/**
 * Says in one sentence that a name is unknown, and which known one was meant: the nearest, or all where none is near.
 * @param what what is unknown, such as `option`
 * @param path where the name stands, with the name itself
 */
export function unknownName(what: string, path: string, name: string, known: readonly string[]): string {
  const shown = PLAIN_NAME.test(name) ? ` ${JSON.stringify(path)}` : ''
  return `Unknown ${what}${shown}: ${suggestion(name, known)}`
}

function suggestion(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'this call takes none'
  const near = nearest(name, known)
  if (near !== undefined) return `the nearest known one is ${JSON.stringify(near)}`
  return `the known ones are ${known.map((each) => JSON.stringify(each)).join(', ')}`
}

/** Names that are known: a table, so that the compiler tells of one that is missing. */
export type Names<T> = Readonly<Record<keyof T & string, true>>

/**
 * Throws TypeError for a member whose name is unknown: whatever it was to restrict would not be restricted.
 * @param what what the members are, such as `option of createVerifier`
 */
export function refuseUnknownNames(what: string, given: object, names: Readonly<Record<string, true>>): void {
  for (const name in given) {
    if (!Object.hasOwn(names, name)) throw new TypeError(unknownName(what, name, name, Object.keys(names)))
  }
}
