import { isRedirectUri } from '../../people/clients/domain/redirect-uri.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const MAX_REDIRECT_URIS = 16
const MAX_LENGTH = 512

/**
 * Checks the redirect URIs of an agent by the rule for the documents of URL clients. Returns each once.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function parseRedirectUris(uris: readonly string[]): readonly string[] {
  if (uris.length > MAX_REDIRECT_URIS) {
    throw new ApiError('INVALID_ARGUMENT', `redirect_uris must have at most ${MAX_REDIRECT_URIS} entries`)
  }
  if (uris.every((uri) => uri.length <= MAX_LENGTH && isRedirectUri(uri))) return [...new Set(uris)]
  const form = 'https, or http with 127.0.0.1, [::1] or localhost'
  const detail = `Each of redirect_uris must be a URL in normal form of at most ${MAX_LENGTH} characters: ${form}`
  throw new ApiError('INVALID_ARGUMENT', detail)
}
