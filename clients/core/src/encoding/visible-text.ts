/** Letters, marks, numbers, punctuation and symbols that a reader sees, with single spaces between them. */
const VISIBLE = /^(?![\p{M} ])(?:(?![\p{DI}\u2800])[\p{L}\p{M}\p{N}\p{P}\p{S}]| (?! ))+(?<! )$/u

/**
 * Tells whether a text has 1 to `max` visible characters (code points), with single spaces inside. So it contains no
 * control characters, no characters without a width, and none that change the direction of writing.
 *
 * @example
 * ```ts
 * import { isVisibleText } from '@auth4agent/core/encoding/visible-text'
 *
 * isVisibleText('Read your orders', 120) // true
 * isVisibleText('Read\u202e', 120) // false
 * ```
 */
export function isVisibleText(text: string, max: number): boolean {
  // The length in UTF-16 units comes first, because it bounds the work of the other tests.
  return text.length <= 2 * max && VISIBLE.test(text) && Array.from(text).length <= max
}
