import { ApiError } from '../errors/api-error.ts'

const MAX_LABEL = 100
const MAX_REASON = 500
const CONTROL = /\p{Cc}/u
/** A reason may have paragraphs, so tabs and line ends are allowed. */
const CONTROL_BUT_LAYOUT = /[^\P{Cc}\t\n\r]/u

/**
 * Checks the label of an agent: at most 100 characters without control characters. Returns it unchanged.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function checkLabel(label: string): string {
  return checkText('label', label, MAX_LABEL, CONTROL)
}

/**
 * Checks the reason of a change, which the audit stores: at most 500 characters, and no control characters except
 * tab and line ends. Returns it unchanged.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function checkReason(reason: string): string {
  return checkText('reason', reason, MAX_REASON, CONTROL_BUT_LAYOUT)
}

/**
 * Checks a text of a caller: at most `max` characters (code points), and no forbidden character. Returns it unchanged.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function checkText(field: string, text: string, max: number, forbidden: RegExp = CONTROL): string {
  if (!text.isWellFormed()) throw new ApiError('INVALID_ARGUMENT', `${field} must be well-formed Unicode text`)
  // Counting the characters of a huge text is slow, so check the UTF-16 units first. A character has at most two.
  if (text.length > 2 * max || Array.from(text).length > max) {
    throw new ApiError('INVALID_ARGUMENT', `${field} must have at most ${max} characters`)
  }
  if (forbidden.test(text)) throw new ApiError('INVALID_ARGUMENT', `${field} must not contain control characters`)
  return text
}
