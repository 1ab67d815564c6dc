import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import { ApiError } from '../../platform/errors/api-error.ts'
import { repeatedMember } from './json-refusal.ts'
import { hasRepeatedMember } from './repeated-member.ts'

const JSON_MEDIA_TYPE = /^\s*application\/json\s*(?:;|$)/i
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i

const NOT_JSON = 'The body must be JSON in UTF-8: send Content-Type: application/json'

/**
 * Parses the body of a request as JSON. Returns undefined for an empty body. Accepts a body without a content type,
 * because old clients send none. Throws UNSUPPORTED_MEDIA_TYPE for another content type and for a content coding.
 * Throws INVALID_ARGUMENT if the body is not JSON in UTF-8 (RFC 8259 section 8.1), or if an object in it has two
 * members of one name. Parsers disagree which of the two counts, but a signed body must have one meaning.
 */
export function parseBody(headers: IncomingHttpHeaders, body: Buffer): unknown {
  if (body.length === 0) return undefined
  demandJson(headers)
  if (!isUtf8(body)) throw new ApiError('INVALID_ARGUMENT', 'The body must be UTF-8')
  const text = body.toString('utf8')
  const value = parseJson(text)
  if (hasRepeatedMember(text, value)) throw repeatedMember()
  return value
}

/** Throws UNSUPPORTED_MEDIA_TYPE for the headers of a body that is not plain JSON. */
export function demandJson(headers: IncomingHttpHeaders): void {
  if (!isJson(headers['content-type'])) throw new ApiError('UNSUPPORTED_MEDIA_TYPE', NOT_JSON)
  const coding = headers['content-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'The body must have no content coding')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', 'The body must be JSON', { cause })
  }
}

function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === 'application/json') return true
  if (!JSON_MEDIA_TYPE.test(contentType)) return false
  const charset = CHARSET.exec(contentType)?.[1]?.toLowerCase()
  return charset === undefined || charset === 'utf-8' || charset === 'utf8'
}
