import { decodeBase64url } from '../encoding/base64.ts'
import { parseStrictJson } from '../encoding/strict-json.ts'
import { encodeUtf8 } from '../encoding/utf8.ts'
import { parseDid } from './did.ts'

/** What a challenge says of itself. Anyone can read it; only the server that made it can have written it. */
export interface ChallengeContent {
  readonly v: 1
  readonly iss: string
  readonly did: string
  /** Unix seconds. */
  readonly exp: number
  /** Id of the MAC key. */
  readonly kid: string
  /** Bound scopes, space-separated and sorted; absent when unbound. */
  readonly scope?: string
  /** Bound audiences, sorted; absent when unbound. */
  readonly aud?: readonly string[]
  /** Bound token lifetime in seconds; absent when unbound. */
  readonly ttl?: number
}

/** The two parts of a challenge: JSON text in UTF-8, and the MAC over it and the nonce, which is for the server to check. */
export interface ChallengeParts {
  readonly json: Uint8Array
  readonly mac: Uint8Array
}

/** Bytes of a nonce: a UUID, for it names the row that makes the challenge single-use. */
export const NONCE_BYTES = 16
const MAC_BYTES = 32
const MAX_CHALLENGE_BYTES = 24_576

/** The bytes that an agent signs to redeem a challenge. */
export function challengeMessage(challenge: string, nonce: string): Uint8Array {
  return encodeUtf8(`auth4agents-challenge:${challenge}:${nonce}`)
}

/** Takes a challenge apart: base64url(JSON || MAC). Undefined unless it is in its one canonical form. */
export function splitChallenge(challenge: string): ChallengeParts | undefined {
  if (challenge.length > MAX_CHALLENGE_BYTES) return undefined
  const bytes = decodeBase64url(challenge)
  if (bytes === undefined || bytes.length <= MAC_BYTES) return undefined
  return { json: bytes.subarray(0, -MAC_BYTES), mac: bytes.subarray(-MAC_BYTES) }
}

/**
 * Reads, as a client, what a challenge is for, each member checked and unknown ones ignored. That it is genuine only its server
 * can tell; a client compares it with what it asked for and signs nothing else.
 *
 * @returns undefined for what is no challenge of this version.
 */
export function readChallenge(challenge: string): ChallengeContent | undefined {
  const parts = splitChallenge(challenge)
  const json = parts && parseStrictJson(parts.json)
  if (!json?.ok) return undefined
  const { v, iss, did, exp, kid, scope, aud, ttl } = json.value
  if (v !== 1 || typeof iss !== 'string' || typeof did !== 'string' || parseDid(did) === undefined) return undefined
  if (!isCount(exp) || typeof kid !== 'string') return undefined
  if (!isOptional(scope, isString) || !isOptional(aud, isStrings) || !isOptional(ttl, isCount)) return undefined
  return {
    v,
    iss,
    did,
    exp,
    kid,
    ...(scope !== undefined && { scope }),
    ...(aud !== undefined && { aud }),
    ...(ttl !== undefined && { ttl }),
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
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
