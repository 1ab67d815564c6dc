import { ApiError } from '../errors/api-error.ts'

const MAX_LABEL = 100
const MAX_REASON = 500
const CONTROL = /\p{Cc}/u
/** People write paragraphs, so a reason may hold tabs and line ends. */
const CONTROL_BUT_LAYOUT = /[^\P{Cc}\t\n\r]/u

/**
 * The label of an agent as it will be stored: at most 100 characters, none of them a control character.
 *
 * @throws ApiError INVALID_ARGUMENT.
 */
export function checkLabel(label: string): string {
  return checkText('label', label, MAX_LABEL, CONTROL)
}

/**
 * The reason of a change as it will stand in the audit: at most 500 characters, no control characters but tab and line end.
 *
 * @throws ApiError INVALID_ARGUMENT.
 */
export function checkReason(reason: string): string {
  return checkText('reason', reason, MAX_REASON, CONTROL_BUT_LAYOUT)
}

/**
 * A text that a caller wrote: at most `max` characters (code points), none of them one that is forbidden.
 *
 * @throws ApiError INVALID_ARGUMENT.
 */
export function checkText(field: string, text: string, max: number, forbidden: RegExp = CONTROL): string {
  if (!text.isWellFormed()) throw new ApiError('INVALID_ARGUMENT', `${field} is not Unicode text`)
  // UTF-16 units first: they are never fewer than characters, and counting those of a huge text would cost.
  if (text.length > 2 * max || Array.from(text).length > max) {
    throw new ApiError('INVALID_ARGUMENT', `${field} has more than ${max} characters`)
  }
  if (forbidden.test(text)) throw new ApiError('INVALID_ARGUMENT', `${field} holds a control character`)
  return text
}
