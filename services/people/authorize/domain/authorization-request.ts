import { parseScopeString } from '@auth4agent/core/token/scope'
import { ApiError } from '../../../platform/errors/api-error.ts'

/** Parameters of an authorization request, each present at most once. An empty text stands for a missing one. */
export type Parameters = ReadonlyMap<string, string>

/** What an authorization request asks for (RFC 6749 section 4.1.1), besides its client, redirect URI and resource. */
export interface AuthorizationRequest {
  /** Undefined for the default scopes of the resource. */
  readonly scopes: readonly string[] | undefined
  readonly codeChallenge: string
  readonly prompt: ReadonlySet<string>
  /** Longest time since the user has signed in, in seconds (RFC 9470 section 4). */
  readonly maxAgeS: number | undefined
  readonly acrValues: string
  /** RFC 9449 section 10; empty for none. */
  readonly jkt: string
  readonly loginHint: string
}

/** Error of an authorization response (RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0 section 3.1.2.6). */
export interface AuthorizationError {
  readonly error:
    | 'invalid_request'
    | 'unsupported_response_type'
    | 'invalid_scope'
    | 'access_denied'
    | 'login_required'
    | 'request_not_supported'
    | 'request_uri_not_supported'
  readonly description: string
}

const MAX_BYTES = 8_192
const MAX_TEXT = 2_048
const SHA256_BASE64URL = /^[A-Za-z0-9_-]{43}$/
const PROMPTS: ReadonlySet<string> = new Set(['none', 'login', 'consent', 'select_account'])
const MAX_AGE = /^\d{1,9}$/
/** Says that a client wants a refresh token. It always gets one, so it asks for nothing. */
const OFFLINE_ACCESS = 'offline_access'

/**
 * Reads the query of an authorization request. Two readers could take different values of a parameter that occurs
 * twice.
 *
 * @param query without the question mark
 * @throws ApiError INVALID_ARGUMENT
 */
export function readParameters(query: string): Parameters {
  if (query.length > MAX_BYTES) throw invalid(`The query must have at most ${MAX_BYTES} bytes`)
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (parameters.has(name)) throw invalid(`${JSON.stringify(name.slice(0, 64))} must not occur more than once`)
    parameters.set(name, value)
  }
  return parameters
}

/** Returns a parameter, or an empty text for a missing one. */
export function parameter(parameters: Parameters, name: string): string {
  return parameters.get(name) ?? ''
}

/** Reads what the request asks for. Its client and redirect URI are good, so the client learns what is wrong. */
export function readRequest(parameters: Parameters): AuthorizationRequest | AuthorizationError {
  const value = (name: string) => parameter(parameters, name)
  if (parameters.has('request')) return wrong('request_not_supported', 'request must be missing')
  if (parameters.has('request_uri')) return wrong('request_uri_not_supported', 'request_uri must be missing')
  if (value('response_type') === '') return wrong('invalid_request', 'response_type must not be missing')
  if (value('response_type') !== 'code') return wrong('unsupported_response_type', 'response_type must be code')
  if (!['', 'query'].includes(value('response_mode'))) return wrong('invalid_request', 'response_mode must be query')
  if (value('code_challenge_method') !== 'S256') return wrong('invalid_request', 'code_challenge_method must be S256')
  if (!SHA256_BASE64URL.test(value('code_challenge'))) {
    return wrong('invalid_request', 'code_challenge must be a SHA-256 in base64url')
  }
  const jkt = value('dpop_jkt')
  if (jkt !== '' && !SHA256_BASE64URL.test(jkt)) return wrong('invalid_request', 'dpop_jkt must be a thumbprint')
  const texts = ['state', 'login_hint', 'acr_values', 'scope'].find((name) => value(name).length > MAX_TEXT)
  if (texts !== undefined) return wrong('invalid_request', `${texts} must have at most ${MAX_TEXT} characters`)
  const prompt = new Set(
    value('prompt')
      .split(' ')
      .filter((each) => each !== ''),
  )
  if ([...prompt].some((each) => !PROMPTS.has(each)) || (prompt.has('none') && prompt.size > 1)) {
    return wrong('invalid_request', `prompt must be none, or some of ${[...PROMPTS].slice(1).join(', ')}`)
  }
  const maxAge = value('max_age')
  if (maxAge !== '' && !MAX_AGE.test(maxAge)) return wrong('invalid_request', 'max_age must be a number of seconds')
  const scopes = readScopes(value('scope'))
  if (scopes === 'malformed') return wrong('invalid_scope', 'scope must be scope-tokens with single spaces between')
  return {
    scopes,
    codeChallenge: value('code_challenge'),
    prompt,
    maxAgeS: maxAge === '' ? undefined : Number(maxAge),
    acrValues: value('acr_values'),
    jkt,
    loginHint: value('login_hint'),
  }
}

/** Reads the scopes of a request. One for nothing but a refresh token asks for the default scopes. */
export function readScopes(text: string): readonly string[] | undefined | 'malformed' {
  if (text === '') return undefined
  const scopes = parseScopeString(text)
  if (scopes === undefined) return 'malformed'
  const wanted = scopes.filter((scope) => scope !== OFFLINE_ACCESS)
  return wanted.length === 0 ? undefined : wanted
}

/** Returns an error for the client. */
export function wrong(error: AuthorizationError['error'], description: string): AuthorizationError {
  return { error, description }
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
