import { ApiError } from '../../shared/errors/api-error.ts'

/**
 * Checks a text that a caller wrote: at most `max` characters (code points), none of them a control character.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function checkText(field: string, text: string, max = 500): string {
  // A code point is one or two UTF-16 units, so nothing longer than twice the bound has to be counted.
  if (text.length > 2 * max || Array.from(text).length > max) {
    throw new ApiError('INVALID_ARGUMENT', `${field} has more than ${max} characters.`)
  }
  if (/\p{Cc}/u.test(text)) throw new ApiError('INVALID_ARGUMENT', `${field} has a control character.`)
  return text
}
