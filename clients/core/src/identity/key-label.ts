import { isVisibleText } from '../encoding/visible-text.ts'

const MAX_CHARACTERS = 64

/**
 * Tells whether a text may be the label of an operator's key: 1 to 64 visible characters in Unicode form NFC, with
 * single spaces inside. Labels stand in the audit and in terminals, so they contain no control characters, no
 * characters without a width, and none that change the direction of writing.
 *
 * @example
 * ```ts
 * import { isKeyLabel } from '@auth4agent/core/identity/key-label'
 *
 * isKeyLabel('Zoë, laptop') // true
 * isKeyLabel('bob\u202e') // false
 * ```
 */
export function isKeyLabel(text: string): boolean {
  return isVisibleText(text, MAX_CHARACTERS) && text === text.normalize('NFC')
}

/**
 * Returns the form in which labels are compared: two labels of one operator must differ in more than upper and lower
 * case and the width of characters.
 *
 * @example
 * ```ts
 * import { comparableLabel } from '@auth4agent/core/identity/key-label'
 *
 * comparableLabel('Alice') === comparableLabel('ALICE') // true
 * ```
 */
export function comparableLabel(label: string): string {
  return label.normalize('NFKC').toLowerCase()
}
