import type { Capabilities } from '@auth4agent/core/delegation/constraint'
import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { hasCanonicalNumbers } from '@auth4agent/core/encoding/canonical-numbers'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import type { ChallengeContent } from '@auth4agent/core/identity/challenge'
import { parseAudience } from '@auth4agent/core/token/audience'
import type { CreateChallengeRequest } from '../../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { audiencesOf } from '../../domain/split-capability.ts'
import { parseTtl, type TtlBounds } from '../../domain/token-request.ts'

/** Capabilities that a request asks for. */
export interface WantedCapabilities {
  readonly capabilities: Capabilities
  /** SHA-256 of the text of the request, base64url. A challenge is bound to it. */
  readonly digest: string
}

/** Terms of a grant that a request asks for. A term is undefined when the request does not contain it. */
export interface RequestedGrant {
  readonly wanted: WantedCapabilities
  /** Seconds. */
  readonly ttl: number | undefined
  readonly depth: number | undefined
  /** Thumbprint of the key that the request wants to hold the grant. Undefined if the request names none. */
  readonly holder?: string
}

type Request = Pick<CreateChallengeRequest, 'authorizationDetails' | 'ttl' | 'maxDepth'>

/** A grant has at most this many bytes, so a longer text cannot become a grant. */
const MAX_TEXT = 4096
const MAX_DEPTH = 8
/** The owner of each host is looked up. */
const MAX_HOSTS = 8
const NOT_BOTH =
  'authorization_details and max_depth must not come with scope, audience or may_act, because a challenge gives a ' +
  'grant or a token'
/** Refusals of capabilities that have a reason of their own. The others are MALFORMED_GRANT. */
const OWN_REASONS = ['UNKNOWN_DETAIL_TYPE', 'UNKNOWN_CONSTRAINT', 'MALFORMED_CONSTRAINT'] as const

/**
 * Parses the terms of a grant.
 *
 * @throws ApiError MALFORMED_GRANT, UNKNOWN_DETAIL_TYPE, UNKNOWN_CONSTRAINT, MALFORMED_CONSTRAINT, INVALID_TTL,
 *   INVALID_ARGUMENT
 */
export function parseGrantRequest(request: Request, bounds: TtlBounds): RequestedGrant {
  return {
    wanted: parseDetails(request.authorizationDetails),
    ttl: parseTtl(request.ttl, bounds),
    depth: parseDepth(request.maxDepth),
  }
}

/**
 * Returns the members that bind a challenge to a grant. Without authorization_details and max_depth there are none.
 *
 * @throws ApiError as parseGrantRequest does; INVALID_ARGUMENT when the request is for a token too
 */
export function grantBindingOf(
  request: Omit<Request, 'ttl'> & Pick<CreateChallengeRequest, 'scope' | 'audience'> & { mayAct?: string },
): Pick<ChallengeContent, 'details' | 'depth'> {
  const { authorizationDetails: text, maxDepth } = request
  const depth = parseDepth(maxDepth)
  if (text === '' && depth === undefined) return {}
  const { scope, audience, mayAct = '' } = request
  if (scope !== undefined || audience.length > 0 || mayAct !== '') throw new ApiError('INVALID_ARGUMENT', NOT_BOTH)
  return { ...(text !== '' && { details: parseDetails(text).digest }), ...(depth !== undefined && { depth }) }
}

/**
 * Parses the capabilities that a request asks for.
 *
 * @throws ApiError MALFORMED_GRANT, UNKNOWN_DETAIL_TYPE, UNKNOWN_CONSTRAINT, MALFORMED_CONSTRAINT
 */
export function parseDetails(text: string): WantedCapabilities {
  if (text.length > MAX_TEXT) throw malformed(`authorization_details must have at most ${MAX_TEXT} characters`)
  // The strict parser reads objects only. A text that is more than one value would give more than one member.
  const json = parseStrictJsonText(`{"details":${text}}`)
  if (!json.ok || Object.keys(json.value).length !== 1) {
    throw malformed('authorization_details must be a list in unambiguous JSON (RFC 7493)')
  }
  if (!hasCanonicalNumbers(text)) {
    throw malformed('Each number of authorization_details must have the shortest form, such as 1 and not 1.0')
  }
  const read = parseCapabilities(json.value.details)
  if (read.ok) {
    if (hostsOf(read.value).size > MAX_HOSTS)
      throw malformed(`The audiences in authorization_details must have at most ${MAX_HOSTS} different hosts`)
    return { capabilities: read.value, digest: sha256Text(text, 'base64url') }
  }
  throw new ApiError(OWN_REASONS.find((each) => each === read.reason) ?? 'MALFORMED_GRANT', sentenceOf(read.rule))
}

function hostsOf(capabilities: Capabilities): ReadonlySet<string> {
  return new Set(audiencesOf(capabilities).map((audience) => parseAudience(audience)?.host ?? audience))
}

function sentenceOf(rule: string): string {
  const text = rule.includes('authorization_details') ? rule : `in authorization_details, ${rule}`
  return text.startsWith('authorization_details') ? text : `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

function parseDepth(depth: number | undefined): number | undefined {
  if (depth === undefined || (depth >= 0 && depth <= MAX_DEPTH)) return depth
  throw new ApiError('INVALID_ARGUMENT', `max_depth must be between 0 and ${MAX_DEPTH}`)
}

function malformed(detail: string): ApiError {
  return new ApiError('MALFORMED_GRANT', detail)
}
