const MAX_TOKENS = 64
/** RFC 6749 section 3.3 without `*`. Refusing `*` prevents that a future wildcard widens an existing scope. */
const SCOPE_TOKEN = /^[\x21\x23-\x29\x2b-\x5b\x5d-\x7e]{1,128}$/

/** Scope-tokens with one space between them. A text shorter than CERTAINLY_FEW cannot have too many. */
const SCOPE_TEXT = /^[\x21\x23-\x29\x2b-\x5b\x5d-\x7e]{1,128}(?: [\x21\x23-\x29\x2b-\x5b\x5d-\x7e]{1,128})*$/
const CERTAINLY_FEW = 2 * MAX_TOKENS

/**
 * Reads scope-tokens (RFC 6749 section 3.3) as a set: at most 64, case-sensitive, each at most 128 characters.
 *
 * @returns the scope-tokens without duplicates, in the order of their code points, or undefined if one is malformed or
 *   contains `*`, or if there are too many.
 * @example
 * ```ts
 * import { parseScopeList } from '@auth4agent/core/token/scope'
 *
 * parseScopeList(['write', 'read', 'read']) // ['read', 'write']
 * ```
 */
export function parseScopeList(tokens: readonly string[]): string[] | undefined {
  if (!tokens.every((token) => SCOPE_TOKEN.test(token))) return undefined
  const scopes = new Set(tokens)
  return scopes.size > MAX_TOKENS ? undefined : [...scopes].toSorted()
}

/**
 * Reads the text form of a scope: scope-tokens with one space between them. The empty text is the empty set.
 *
 * @returns the same as {@link parseScopeList}, and undefined also for other white space and extra spaces.
 * @example
 * ```ts
 * import { parseScopeString } from '@auth4agent/core/token/scope'
 *
 * parseScopeString('write read') // ['read', 'write']
 * parseScopeString(' read') // undefined
 * ```
 */
export function parseScopeString(text: string): string[] | undefined {
  return text === '' ? [] : parseScopeList(text.split(' '))
}

/**
 * Tells whether {@link parseScopeString} would accept a text. It is faster, because it builds no list.
 *
 * @example
 * ```ts
 * import { isScopeString } from '@auth4agent/core/token/scope'
 *
 * isScopeString('read write') // true
 * ```
 */
export function isScopeString(text: string): boolean {
  if (text === '') return true
  return SCOPE_TEXT.test(text) && (text.length < CERTAINLY_FEW || new Set(text.split(' ')).size <= MAX_TOKENS)
}
