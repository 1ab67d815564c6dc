import { expect } from 'vitest'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { isDetail } from '../../support/documents/detail-style.ts'
import type { GrpcAnswer } from './grpc.ts'
import type { HttpAnswer } from './http.ts'
import { published, publishedOAuthErrors, publishedTexts } from './published-reasons.ts'

/** Matches texts that no answer may contain: code, paths and SQL statements. */
const LEAK = /node_modules|\.ts\b|\bat \w+ \(|prisma|SELECT |INSERT |postgres/i
/** Matches the characters that `error_description` may have (RFC 6749 section 5.2). */
const DESCRIPTION = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/
/** HTTP statuses that errors of an OAuth endpoint keep. For every other mistake of the caller the status is 400. */
const KEPT = new Set([404, 405, 408, 413, 415, 429, 431])
/** Reasons with such a status, which is not that of HTTP itself. */
const NOT_OF_HTTP: ReadonlySet<ReasonCode> = new Set<ReasonCode>(['AGENT_NOT_FOUND', 'ATTESTOR_NOT_FOUND'])

/** Expects the status of a refused call over gRPC, gRPC-Web or Connect, with this reason. */
export function expectStatus(answer: GrpcAnswer, reason: ReasonCode, requestId: string): void {
  expect(answer).toMatchObject({ code: published[reason][1], reason, domain: 'auth4agent', requestId })
  expect(answer.details).not.toMatch(LEAK)
  expect(answer.details).toSatisfy(isDetail)
  expectNonce(answer.dpopNonce, reason)
}

/** Expects a problem document (RFC 9457) with this reason. */
export function expectProblem(answer: HttpAnswer, reason: ReasonCode, requestId?: string): void {
  const { status, headers, text } = answer
  const problem = JSON.parse(text) as Record<string, unknown>
  expect({ status, reason: problem['reason'] }).toEqual({ status: published[reason][0], reason })
  expect(headers['content-type']).toBe('application/problem+json')
  expect(problem).toEqual({
    type: `urn:auth4agent:reason:${reason}`,
    title: expect.any(String),
    status,
    detail: expect.any(String),
    reason,
    error: publishedTexts[reason] ?? problem['detail'],
    // If the headers are too large, the server has not read the caller's id.
    request_id: reason === 'HEADERS_TOO_LARGE' ? headers['x-request-id'] : (requestId ?? headers['x-request-id']),
  })
  expect(problem['detail']).toSatisfy(isDetail)
  if (status === 401) expect(headers['www-authenticate']).toMatch(/^Bearer realm="auth4agent"/)
  expectHeaders(answer, reason)
}

/** The errors of a DID resolution, by reason (DID Core 1.0 section 7.1.2). */
const RESOLUTION_ERRORS: Partial<Readonly<Record<ReasonCode, string>>> = {
  INVALID_DID: 'invalidDid',
  INVALID_ARGUMENT: 'invalidOptions',
  AGENT_NOT_FOUND: 'notFound',
}

/** Expects a DID resolution result with the error of this reason, or for every other reason a problem document. */
export function expectResolutionError(answer: HttpAnswer, reason: ReasonCode, requestId: string): void {
  const error = RESOLUTION_ERRORS[reason]
  // A path with malformed percent-encoding reaches no call.
  const isUnread = reason === 'INVALID_ARGUMENT' && answer.headers['content-type'] === 'application/problem+json'
  if (error === undefined || isUnread) {
    expectProblem(answer, reason, requestId)
    return
  }
  expect(answer.status).toBe(published[reason][0])
  expect(answer.headers['content-type']).toBe('application/did-resolution')
  expect(JSON.parse(answer.text)).toEqual({
    didDocument: null,
    didResolutionMetadata: { error },
    didDocumentMetadata: {},
  })
  expectHeaders(answer, reason)
}

/** The request whose refusal is an error of RFC 6749. */
export interface OAuthRequest {
  readonly path: string
  readonly requestId?: string
  readonly authorization?: string | undefined
}

/** Expects an error of an OAuth endpoint (RFC 6749 section 5.2) with this reason. */
export function expectOAuthError(answer: HttpAnswer, reason: ReasonCode, request: OAuthRequest): void {
  const { status, headers, text } = answer
  const body = JSON.parse(text) as Record<string, unknown>
  const wanted = oauthStatus(reason, request)
  expect({ status, ...body }).toEqual({
    status: wanted,
    error: publishedOAuthErrors[reason],
    error_description: expect.stringMatching(DESCRIPTION),
    reason,
    request_id: request.requestId ?? headers['x-request-id'],
  })
  expect(headers['content-type']).toBe('application/json')
  expect(body['error_description']).toSatisfy(isDetail)
  if (wanted === 401) expect(headers['www-authenticate']).toBe(challengeFor(request))
  else expect(headers['www-authenticate']).toBeUndefined()
  expectHeaders(answer, reason)
}

/** Expects an error of a federation endpoint (OpenID Federation 1.0 section 8.9) with this reason. */
export function expectFederationError(answer: HttpAnswer, reason: ReasonCode, requestId?: string): void {
  const { status, headers, text } = answer
  const body = JSON.parse(text) as Record<string, unknown>
  expect({ status, ...body }).toEqual({
    status: published[reason][0],
    error: reason === 'UNKNOWN_FIELD' ? 'unsupported_parameter' : publishedOAuthErrors[reason],
    error_description: expect.stringMatching(DESCRIPTION),
    reason,
    request_id: requestId ?? headers['x-request-id'],
  })
  expect(headers['content-type']).toBe('application/json')
  expect(body['error_description']).toSatisfy(isDetail)
  expectHeaders(answer, reason)
}

/** RFC 6749 section 5.2 and RFC 7662 section 2.3 want 401 for a request that used a scheme, and at introspection. */
function oauthStatus(reason: ReasonCode, { path, authorization }: OAuthRequest): number {
  const isClient = publishedOAuthErrors[reason] === 'invalid_client'
  if (isClient && (authorization !== undefined || path === '/oauth/introspect')) return 401
  const [status] = published[reason]
  return status >= 500 || (KEPT.has(status) && !NOT_OF_HTTP.has(reason)) ? status : 400
}

function challengeFor({ authorization = '' }: OAuthRequest): string {
  return `${/^\w+/.exec(authorization)?.[0] ?? 'Bearer'} realm="auth4agent"`
}

function expectHeaders({ status, headers, text }: HttpAnswer, reason: ReasonCode): void {
  expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  expect(text).not.toMatch(LEAK)
  if (status === 429 || status === 503) expect(headers['retry-after']).toMatch(/^[1-9]\d*$/)
  expectNonce(headers['dpop-nonce']?.toString(), reason)
}

/** Expects a nonce exactly when the next proof must contain one (RFC 9449 section 8). */
function expectNonce(nonce: string | undefined, reason: ReasonCode): void {
  expect(nonce).toEqual(reason === 'DPOP_NONCE_REQUIRED' ? expect.stringMatching(/^[\w.-]{60,}$/) : undefined)
}
