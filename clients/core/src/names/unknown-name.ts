import { nearest } from './nearest.ts'

/**
 * A name that is safe to print. Other text may be a secret in the wrong place: keys are longer or have other
 * characters.
 */
const PLAIN_NAME = /^[A-Za-z_][\w-]{0,39}$/

/**
 * Returns a sentence that says that a name is unknown and suggests the nearest known name, or lists all if none is
 * near.
 *
 * @param what the kind of name, such as `option`
 * @param path the path to the name, including the name
 * @example
 * ```ts
 * import { unknownName } from '@auth4agent/core/names/unknown-name'
 *
 * unknownName('field', 'scopes', 'scopes', ['did', 'allowed_scopes'])
 * // 'Unknown field "scopes": the nearest known one is "allowed_scopes"'
 * ```
 */
export function unknownName(what: string, path: string, name: string, known: readonly string[]): string {
  const shown = PLAIN_NAME.test(name) ? ` ${JSON.stringify(path)}` : ''
  return `Unknown ${what}${shown}: ${suggestion(name, known)}`
}

function suggestion(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'this call accepts none'
  const near = nearest(name, known)
  if (near !== undefined) return `the nearest known one is ${JSON.stringify(near)}`
  return `the known ones are ${known.map((each) => JSON.stringify(each)).join(', ')}`
}

/**
 * A table of the names of a type's members. The compiler reports a missing name.
 *
 * @example
 * ```ts
 * import type { Names } from '@auth4agent/core/names/unknown-name'
 *
 * const NAMES: Names<{ issuer: string; audience: string }> = { issuer: true, audience: true }
 * ```
 */
export type Names<T> = Readonly<Record<keyof T & string, true>>

/**
 * Throws TypeError for a member with an unknown name. Ignoring a misspelt restriction would lift the restriction.
 *
 * @param what the kind of member, such as `option of createVerifier`
 * @example
 * ```ts
 * import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
 *
 * refuseUnknownNames('option of connect', options, { issuer: true, audience: true })
 * ```
 */
export function refuseUnknownNames(what: string, given: object, names: Readonly<Record<string, true>>): void {
  for (const name in given) {
    if (!Object.hasOwn(names, name)) throw new TypeError(unknownName(what, name, name, Object.keys(names)))
  }
}
