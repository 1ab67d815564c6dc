/**
 * Characters that a reader cannot see, or that change the order or the look of others: controls, white space except
 * U+0020, fillers, format characters, variation selectors and tags. The table is fixed, because every replayer must
 * agree about a label for ever, whatever version of Unicode it has.
 */
const HIDDEN =
  '\\u0000-\\u001f\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f' +
  '\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff' +
  '\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}'
const LABEL = new RegExp(`^(?! )[^${HIDDEN}]{1,100}(?<! )$`, 'u')

/**
 * Tells whether a text may be the label of an added key: 1 to 100 visible code points, without a space at either end.
 *
 * @example
 * ```ts
 * import { isAddedKeyLabel } from '@auth4agent/core/key-events/added-key-label'
 *
 * isAddedKeyLabel('TPM of build-7') // true
 * isAddedKeyLabel('laptop\u202e') // false
 * ```
 */
export function isAddedKeyLabel(text: string): boolean {
  return LABEL.test(text)
}
