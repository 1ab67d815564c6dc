/** Servers decode, cut or split a path at some characters, and drop invisible ones: `..;` and `.\t.` can climb. */
const UNSAFE_CHARACTER = /[\\%;?#\p{C}]/u
/**
 * Dots climb, and some systems drop spaces and dots at the end of a segment. A `:` ends the name of a file where the
 * name of a stream may follow. Behind a real name it is harmless.
 */
const DOTS_AND_SPACES = /^(?:[. ]*$|[. ]+:)/
const SEPARATOR = /[\\/]/

/**
 * Tells whether every reader of a text with `/` stays below each of its beginnings. A path with a segment `.` or `..`,
 * with an empty segment inside, or with a character that servers decode or cut at does not. The same holds for
 * characters that are these in another form, such as a full-width dot: some systems normalise names.
 *
 * @example
 * ```ts
 * import { isPlainPath } from '@auth4agent/core/delegation/path-text'
 *
 * isPlainPath('/data/x') // true
 * isPlainPath('/data/../x') // false
 * ```
 */
export function isPlainPath(text: string): boolean {
  return formsOf(text).every(isPlain)
}

/**
 * Tells whether a text stays below each of its beginnings, however it is used: as one segment of a path, or as a path
 * if it has a `/`. A `\` divides a path on some systems only, so it is never safe.
 *
 * @example
 * ```ts
 * import { isSafeText } from '@auth4agent/core/delegation/path-text'
 *
 * isSafeText('INV-50%') // true
 * isSafeText('..') // false
 * ```
 */
export function isSafeText(text: string): boolean {
  return formsOf(text).every((form) => (SEPARATOR.test(form) ? isPlain(form) : !DOTS_AND_SPACES.test(form)))
}

/** Returns a text as it is sent, and as a system reads it that normalises names. */
function formsOf(text: string): readonly string[] {
  return [text, text.normalize('NFKC')]
}

function isPlain(path: string): boolean {
  if (UNSAFE_CHARACTER.test(path)) return false
  const segments = path.split('/')
  const isOutermost = (at: number) => at === 0 || at === segments.length - 1
  return segments.every((segment, at) => !DOTS_AND_SPACES.test(segment) || (segment === '' && isOutermost(at)))
}
