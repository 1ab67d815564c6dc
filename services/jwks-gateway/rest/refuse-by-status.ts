import { ApiError } from '../../platform/errors/api-error.ts'
import { splitUnquoted, unquote } from './negotiate.ts'

/** What an answer says that heeded the preference (RFC 7240 section 3). */
export const PREFERENCE_APPLIED = 'status=refuse'

/**
 * Whether a Prefer header (RFC 7240) asks for `status=refuse`: then an answer that says no is 401 or 403 and not 200, for callers
 * that look at nothing else. Other preferences are ignored, as the RFC says. Another value of `status` is INVALID_ARGUMENT: whoever
 * mistypes it would take every answer for a yes.
 */
export function prefersRefusal(prefer: string | readonly string[] | undefined): boolean {
  const values = splitUnquoted([prefer ?? []].flat().join(','), ',').flatMap(statusPreference)
  if (values.some((value) => value !== 'refuse')) {
    throw new ApiError('INVALID_ARGUMENT', 'The preference status must be "refuse", or left out')
  }
  return values.length > 0
}

/** The value of a preference that is named `status`. */
function statusPreference(preference: string): string[] {
  const [text = ''] = splitUnquoted(preference, ';')
  const cut = text.indexOf('=')
  const name = cut < 0 ? text : text.slice(0, cut)
  return name.trim().toLowerCase() === 'status' ? [cut < 0 ? '' : unquote(text.slice(cut + 1).trim())] : []
}
