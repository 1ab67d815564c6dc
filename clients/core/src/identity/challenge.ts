import { decodeBase64url } from '../encoding/base64.ts'
import { parseStrictJson } from '../encoding/strict-json.ts'
import { encodeUtf8 } from '../encoding/utf8.ts'
import { isUnixSeconds } from '../jose/numeric-date.ts'
import { parseDid } from './did.ts'

/** Content of a challenge. Everyone can read it, but only the server can seal it, with a challenge key. */
export interface ChallengeContent {
  readonly v: 1
  readonly iss: string
  readonly did: string
  /** Unix seconds. */
  readonly exp: number
  /** Id of the challenge key. */
  readonly kid: string
  /** Bound scopes, separated by spaces and sorted; absent in an unbound challenge. */
  readonly scope?: string
  /** Bound audiences, sorted; absent in an unbound challenge. */
  readonly aud?: readonly string[]
  /** Bound lifetime of the token in seconds; absent in an unbound challenge. */
  readonly ttl?: number
  /** DID of the agent that may exchange the token and then act for this one; absent if none may. */
  readonly may_act?: string
  /** SHA-256 of the bound authorization details, base64url. Such a challenge gives a grant and no token. */
  readonly details?: string
  /** Bound delegation depth of the grant. Such a challenge gives a grant and no token. */
  readonly depth?: number
}

/** The parts of a challenge: JSON in UTF-8, and the MAC over JSON and nonce. Only the server can check the MAC. */
export interface ChallengeParts {
  readonly json: Uint8Array
  readonly mac: Uint8Array
}

/** Bytes of a nonce. A nonce is a UUID, because it is the key of the row that makes its challenge single-use. */
export const NONCE_BYTES = 16
const MAC_BYTES = 32
const MAX_CHALLENGE_BYTES = 24_576

/**
 * Returns the bytes that an agent signs to redeem a challenge.
 *
 * @example
 * ```ts
 * import { challengeMessage } from '@auth4agent/core/identity/challenge'
 *
 * const signature = privateKey.sign(challengeMessage(challenge, nonce))
 * ```
 */
export function challengeMessage(challenge: string, nonce: string): Uint8Array {
  return encodeUtf8(`auth4agents-challenge:${challenge}:${nonce}`)
}

/**
 * Splits a challenge, base64url(JSON || MAC), into its parts. Returns undefined unless the form is canonical.
 *
 * @example
 * ```ts
 * import { splitChallenge } from '@auth4agent/core/identity/challenge'
 *
 * const parts = splitChallenge(challenge)
 * if (parts === undefined) throw new TypeError('The challenge is malformed')
 * ```
 */
export function splitChallenge(challenge: string): ChallengeParts | undefined {
  if (challenge.length > MAX_CHALLENGE_BYTES) return undefined
  const bytes = decodeBase64url(challenge)
  if (bytes === undefined || bytes.length <= MAC_BYTES) return undefined
  return { json: bytes.subarray(0, -MAC_BYTES), mac: bytes.subarray(-MAC_BYTES) }
}

/**
 * Reads a challenge as a client: checks each known member and ignores unknown ones. Only the server can tell whether a
 * challenge is genuine, so a client must compare the content with its own request before it signs.
 *
 * @returns the content, or undefined if the text is not a challenge of this version.
 * @example
 * ```ts
 * import { readChallenge } from '@auth4agent/core/identity/challenge'
 *
 * const content = readChallenge(challenge)
 * if (content?.iss !== issuer || content.did !== did) throw new Error('The challenge is for another agent')
 * ```
 */
export function readChallenge(challenge: string): ChallengeContent | undefined {
  const parts = splitChallenge(challenge)
  const json = parts && parseStrictJson(parts.json)
  if (!json?.ok) return undefined
  const { v, iss, did, exp, kid, scope, aud, ttl, may_act, details, depth } = json.value
  if (v !== 1 || typeof iss !== 'string' || typeof did !== 'string' || parseDid(did) === undefined) return undefined
  if (!isUnixSeconds(exp) || typeof kid !== 'string') return undefined
  if (!isOptional(scope, isString) || !isOptional(aud, isStrings) || !isOptional(ttl, isCount)) return undefined
  if (!isOptional(may_act, isString) || !isOptional(details, isString) || !isOptional(depth, isWhole)) return undefined
  return {
    v,
    iss,
    did,
    exp,
    kid,
    ...(scope !== undefined && { scope }),
    ...(aud !== undefined && { aud }),
    ...(ttl !== undefined && { ttl }),
    ...(may_act !== undefined && { may_act }),
    ...(details !== undefined && { details }),
    ...(depth !== undefined && { depth }),
  }
}

function isOptional<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isString)
}

function isCount(value: unknown): value is number {
  return isWhole(value) && value > 0
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
