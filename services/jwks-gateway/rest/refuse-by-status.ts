import { ApiError } from '../../platform/errors/api-error.ts'
import { splitUnquoted, unquote } from './negotiate.ts'

/** The header value that says that the preference was applied (RFC 7240 section 3). */
export const PREFERENCE_APPLIED = 'status=refuse'

/**
 * Returns whether a Prefer header (RFC 7240) asks for `status=refuse`. Then a negative answer is 401 or 403 instead of
 * 200, for callers that only look at the status. Other preferences are ignored, as the RFC says. Another value of
 * `status` is INVALID_ARGUMENT: after a typing mistake, the caller would take every answer as positive.
 */
export function prefersRefusal(prefer: string | readonly string[] | undefined): boolean {
  const values = splitUnquoted([prefer ?? []].flat().join(','), ',').flatMap(statusPreference)
  if (values.some((value) => value !== 'refuse')) {
    throw new ApiError('INVALID_ARGUMENT', 'The preference status must be "refuse", or left out')
  }
  return values.length > 0
}

/** Returns the value of a preference with the name `status`. */
function statusPreference(preference: string): string[] {
  const [text = ''] = splitUnquoted(preference, ';')
  const cut = text.indexOf('=')
  const name = cut < 0 ? text : text.slice(0, cut)
  return name.trim().toLowerCase() === 'status' ? [cut < 0 ? '' : unquote(text.slice(cut + 1).trim())] : []
}
