import { describe, expect, it } from 'vitest'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../platform/errors/reasons.ts'
import { oauthProblem } from './oauth-problem.ts'

const problem = (error: ApiError, path = '/oauth/token', authorization?: string) =>
  oauthProblem(path)(error, 'request-1', authorization)

describe('oauthProblem', () => {
  it('writes an object of RFC 6749 section 5.2 with the reason and the id of the request', () => {
    const { status, headers, body } = problem(new ApiError('SCOPE_NOT_ALLOWED', 'The grant must include "a\\é"'))
    expect(status).toBe(400)
    expect(headers).toEqual({ 'content-type': 'application/json' })
    expect(JSON.parse(body)).toEqual({
      error: 'invalid_scope',
      // RFC 6749 section 5.2 forbids quotes, backslashes and everything outside ASCII.
      error_description: "The grant must include 'a'''",
      reason: 'SCOPE_NOT_ALLOWED',
      request_id: 'request-1',
    })
  })

  it.each<[ReasonCode, string, number]>([
    ['INVALID_ARGUMENT', 'invalid_request', 400],
    ['UNSUPPORTED_GRANT_TYPE', 'unsupported_grant_type', 400],
    ['INVALID_AUDIENCE', 'invalid_target', 400],
    ['AUDIENCE_NOT_ALLOWED', 'invalid_target', 400],
    ['AGENT_NOT_FOUND', 'invalid_client', 400],
    ['AGENT_NOT_ACTIVE', 'unauthorized_client', 400],
    ['ASSERTION_USED', 'invalid_client', 400],
    ['INVALID_DPOP_PROOF', 'invalid_dpop_proof', 400],
    ['UNSUPPORTED_AUTHORIZATION_DETAILS', 'invalid_authorization_details', 400],
    ['METHOD_NOT_ALLOWED', 'invalid_request', 405],
    ['BODY_TOO_LARGE', 'invalid_request', 413],
    ['UNSUPPORTED_MEDIA_TYPE', 'invalid_request', 415],
    ['RATE_LIMITED', 'temporarily_unavailable', 429],
    ['UNAVAILABLE', 'temporarily_unavailable', 503],
    ['INTERNAL', 'server_error', 500],
  ])('maps %s to %s with status %i', (reason, error, status) => {
    const written = problem(new ApiError(reason))
    expect({ status: written.status, error: JSON.parse(written.body).error }).toEqual({ status, error })
  })

  it.each([
    ['with Basic authentication', '/oauth/token', 'Basic eDp5', 'Basic realm="auth4agent"'],
    ['with another authentication', '/oauth/revoke', 'DPoP x', 'DPoP realm="auth4agent"'],
    ['with a header that has no scheme', '/oauth/token', '"x"', 'Bearer realm="auth4agent"'],
    ['at introspection', '/oauth/introspect', undefined, 'Bearer realm="auth4agent"'],
    ['at introspection under the path of the issuer', '/base/oauth/introspect', undefined, 'Bearer realm="auth4agent"'],
  ])('answers 401 with WWW-Authenticate to a client that is not authenticated %s', (_, path, authorization, header) => {
    const { status, headers } = problem(new ApiError('UNAUTHENTICATED'), path, authorization)
    expect({ status, header: headers['www-authenticate'] }).toEqual({ status: 401, header })
  })

  it('sends Retry-After and the nonce for the next DPoP proof', () => {
    const { headers } = problem(new ApiError('DPOP_NONCE_REQUIRED', undefined, { dpopNonce: 'n', retryAfter: 0.2 }))
    expect(headers).toMatchObject({ 'dpop-nonce': 'n', 'retry-after': '1' })
  })
})
