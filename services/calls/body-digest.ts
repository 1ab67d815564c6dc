import { ApiError } from '../platform/errors/api-error.ts'
import type { RequestBody } from './request-body.ts'

/** The form of a SHA-256 digest in base64url without padding. */
const DIGEST = /^[\w-]{43}$/

/**
 * Checks the digest of the request body that an assertion or an approval contains in the claim `body`. Computes a
 * digest of the body only if there is such a claim. An absent claim is accepted; `requireBodyDigest` refuses it.
 * @throws ApiError INVALID_ASSERTION, BODY_DIGEST_MISMATCH; UNAVAILABLE if an older gateway has not sent the body
 */
export function checkBodyDigest(claim: unknown, body: RequestBody | undefined): void {
  if (claim === undefined) return
  if (typeof claim !== 'string' || !DIGEST.test(claim)) {
    throw new ApiError(
      'INVALID_ASSERTION',
      'body must be the SHA-256 of the request body, in base64url without padding',
    )
  }
  const received = requireBody(body)
  if (claim === received.digest()) return
  throw new ApiError(
    'BODY_DIGEST_MISMATCH',
    `body must be ${received.digest()}, the SHA-256 of the ${received.bytes().length} bytes of the body as received`,
  )
}

/**
 * Returns the body of a request.
 * @throws ApiError UNAVAILABLE if an older gateway has not sent the body
 */
export function requireBody(body: RequestBody | undefined): RequestBody {
  if (body !== undefined) return body
  throw new ApiError('UNAVAILABLE', 'A gateway of an older version has not forwarded the body of the request')
}

/** Returns the refusal of an assertion that does not contain the digest of the body, although it must. */
export function refuseMissingDigest(): ApiError {
  return new ApiError(
    'BODY_DIGEST_REQUIRED',
    "The operator's policy requires the claim body in every assertion for a change: the SHA-256 of the request body",
  )
}
