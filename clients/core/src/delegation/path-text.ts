/** Characters at which servers decode, cut or split a path, or which they drop: `..;`, `..?` and `.\t.` can climb. */
const UNSAFE_CHARACTER = /[\\%;?#\p{Cc}]/u
/** Dots climb, and some systems drop spaces and dots at the end of a segment. */
const DOTS_AND_SPACES = /^[. ]*$/

/**
 * Tells whether every reader of a text with `/` stays below each of its beginnings. A path with a segment `.` or `..`,
 * with an empty segment inside, or with a character that servers decode or cut at does not.
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
  if (UNSAFE_CHARACTER.test(text)) return false
  const segments = text.split('/')
  const isOutermost = (at: number) => at === 0 || at === segments.length - 1
  return segments.every((segment, at) => !DOTS_AND_SPACES.test(segment) || (segment === '' && isOutermost(at)))
}
