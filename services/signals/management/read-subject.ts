import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import { isJti } from '@auth4agent/core/token/claims'
import { ApiError } from '../../platform/errors/api-error.ts'
import { jtiKey, subKey } from '../store/subjects.ts'

type Texts = Readonly<Record<string, string>>

/** Formats of subject identifiers that events of this server have, with their members and the key of the subject. */
const FORMATS: Readonly<
  Record<string, { readonly members: readonly string[]; keyOf(texts: Texts, issuer: string): string | undefined }>
> = {
  iss_sub: {
    members: ['iss', 'sub'],
    keyOf: ({ iss, sub = '' }, issuer) => (iss === issuer && isSub(sub) ? subKey(sub) : undefined),
  },
  did: { members: ['url'], keyOf: ({ url = '' }) => (parseDid(url) === undefined ? undefined : subKey(url)) },
  jwt_id: {
    members: ['iss', 'jti'],
    keyOf: ({ iss, jti = '' }, issuer) => (iss === issuer && isJti(jti) ? jtiKey(jti) : undefined),
  },
}

/** An event's `sub` is an agent or an operator. */
function isSub(sub: string): boolean {
  return parseDid(sub) !== undefined || isUuid(sub)
}

/**
 * Reads a subject identifier (RFC 9493, SSF section 3) and returns the key of the subject.
 *
 * @throws ApiError INVALID_ARGUMENT, or SUBJECT_NOT_RECOGNIZED if no event can have this subject
 */
export function readSubject(subject: JsonObject | undefined, issuer: string): string {
  const { format, ...members } = subject ?? {}
  if (typeof format !== 'string' || format === '') throw invalid('must be an object with the member format')
  const known = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  if (known === undefined) {
    throw new ApiError('SUBJECT_NOT_RECOGNIZED', `subject.format must be one of ${Object.keys(FORMATS).join(', ')}`)
  }
  const names = Object.keys(members)
  const isExact = names.length === known.members.length && known.members.every((name) => names.includes(name))
  if (!isExact || !areTexts(members))
    throw invalid(`of the format ${format} must have the texts ${known.members.join(' and ')}, and nothing else`)
  const key = known.keyOf(members, issuer)
  if (key === undefined) throw new ApiError('SUBJECT_NOT_RECOGNIZED')
  return key
}

function areTexts(members: Readonly<Record<string, unknown>>): members is Texts {
  return Object.values(members).every((value) => typeof value === 'string' && value !== '')
}

function invalid(problem: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', `subject ${problem}`)
}
