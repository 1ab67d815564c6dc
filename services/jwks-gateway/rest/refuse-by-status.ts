import { ApiError } from '../../platform/errors/api-error.ts'
import { splitUnquoted, unquote } from './negotiate.ts'

/** The value of the header Preference-Applied, which tells that the preference was applied (RFC 7240 section 3). */
export const PREFERENCE_APPLIED = 'status=refuse'

/**
 * Returns whether a Prefer header (RFC 7240) asks for `status=refuse`. Then a negative answer is 401, 403 or 503
 * instead of 200, for callers that only look at the status. Ignores other preferences, as the RFC requires. Throws
 * INVALID_ARGUMENT for another value of `status`: if it was ignored, a caller with a typing mistake would treat every
 * answer as positive.
 */
export function prefersRefusal(prefer: string | readonly string[] | undefined): boolean {
  const values = splitUnquoted([prefer ?? []].flat().join(','), ',').flatMap(statusPreference)
  if (values.some((value) => value !== 'refuse')) {
    throw new ApiError('INVALID_ARGUMENT', 'The preference status must be "refuse", or left out')
  }
  return values.length > 0
}

/** Returns an array with the value of the preference if its name is `status`, or an empty array. */
function statusPreference(preference: string): string[] {
  const [text = ''] = splitUnquoted(preference, ';')
  const cut = text.indexOf('=')
  const name = cut < 0 ? text : text.slice(0, cut)
  return name.trim().toLowerCase() === 'status' ? [cut < 0 ? '' : unquote(text.slice(cut + 1).trim())] : []
}
