import { isInnerList, parseDictionary } from 'structured-headers'
import { ApiError } from '../../platform/errors/api-error.ts'
import { requireBody } from '../body-digest.ts'
import type { RequestBody } from '../request-body.ts'
import { valueOf } from './find-signature.ts'
import { demand, refusedSignature } from './refuse-signature.ts'
import type { SignableRequest } from './signable-request.ts'

const ALGORITHM = 'sha-256'
/** A byte sequence contains no hyphen, so this text is always the name of a member. */
const MEMBER = /sha-256\s*=/g

/**
 * Checks that Content-Digest (RFC 9530) contains the SHA-256 of the body. Ignores digests of other algorithms.
 * @throws ApiError INVALID_REQUEST_SIGNATURE, BODY_DIGEST_MISMATCH; UNAVAILABLE if an older gateway has not sent the
 *   body
 */
export function checkContentDigest(request: SignableRequest, body: RequestBody | undefined): void {
  const claimed = readDigest(valueOf(request, 'content-digest'))
  const received = requireBody(body)
  if (Buffer.from(claimed).toString('base64url') === received.digest()) return
  throw new ApiError(
    'BODY_DIGEST_MISMATCH',
    `Content-Digest must be ${ALGORITHM}=:${base64Of(received.digest())}:, the digest of the ${received.bytes().length} bytes of the body as received`,
  )
}

function readDigest(text: string): ArrayBuffer {
  const members = text.match(MEMBER)?.length ?? 0
  demand(members === 1, `Content-Digest must contain the algorithm ${ALGORITHM} exactly once`)
  const member = parsed(text).get(ALGORITHM)
  const bytes = member === undefined || isInnerList(member) ? undefined : member[0]
  demand(
    bytes instanceof ArrayBuffer && bytes.byteLength === 32,
    `The member ${ALGORITHM} of Content-Digest must be a byte sequence of 32 bytes`,
  )
  return bytes
}

function parsed(text: string) {
  try {
    return parseDictionary(text)
  } catch (cause) {
    throw refusedSignature('Content-Digest must be a dictionary of structured fields (RFC 9530)', cause)
  }
}

function base64Of(digest: string): string {
  return Buffer.from(digest, 'base64url').toString('base64')
}
