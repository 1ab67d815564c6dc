const MAX_TOKENS = 64
/** RFC 6749 section 3.3 without `*`, which is refused today so that a wildcard of tomorrow widens nothing. */
const SCOPE_TOKEN = /^[\x21\x23-\x29\x2b-\x5b\x5d-\x7e]{1,128}$/

/** Tokens with one space between them; the longest text that cannot be too many. */
const SCOPE_TEXT = /^[\x21\x23-\x29\x2b-\x5b\x5d-\x7e]{1,128}(?: [\x21\x23-\x29\x2b-\x5b\x5d-\x7e]{1,128})*$/
const CERTAINLY_FEW = 2 * MAX_TOKENS

/**
 * Reads scope-tokens (RFC 6749 section 3.3) as a set: case-sensitive, each at most 128 characters, at most 64 of them.
 *
 * @returns the tokens without duplicates in the order of their code points, or undefined when any is malformed or holds
 * `*`, or there are too many.
 */
export function parseScopeList(tokens: readonly string[]): string[] | undefined {
  if (!tokens.every((token) => SCOPE_TOKEN.test(token))) return undefined
  const scopes = new Set(tokens)
  return scopes.size > MAX_TOKENS ? undefined : [...scopes].toSorted()
}

/**
 * Reads the text form of a scope: scope-tokens separated by one space each. The empty text is the empty set.
 *
 * @returns as {@link parseScopeList}; undefined also for other white space, and spaces that separate nothing.
 */
export function parseScopeString(text: string): string[] | undefined {
  return text === '' ? [] : parseScopeList(text.split(' '))
}

/** Whether {@link parseScopeString} would read a text, for whoever has no use for the tokens. */
export function isScopeString(text: string): boolean {
  if (text === '') return true
  return SCOPE_TEXT.test(text) && (text.length < CERTAINLY_FEW || new Set(text.split(' ')).size <= MAX_TOKENS)
}
