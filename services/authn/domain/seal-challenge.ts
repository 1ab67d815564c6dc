import { decodeBase64url, encodeBase64url } from '@auth4agent/core/base64'
import { type HmacKey, hmacSha256, verifyHmacSha256 } from '../../shared/crypto/hmac.ts'

/** What a challenge says of itself. A client can read it; only the server can have written it. */
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

/** Bytes of a nonce: a UUID, for it names the row that makes the challenge single-use. */
export const NONCE_BYTES = 16
const MAC_BYTES = 32
const MAX_CHALLENGE_BYTES = 24_576

/** Seals a challenge: base64url(JSON || HMAC-SHA256(key, JSON || nonce)). Needs no row in the database. */
export function sealChallenge(content: ChallengeContent, nonce: Uint8Array, key: HmacKey): string {
  const json = Buffer.from(JSON.stringify(content))
  return encodeBase64url(Buffer.concat([json, hmacSha256(key, json, nonce)]))
}

/** A challenge whose MAC has not been checked: only good for finding the key that checks it. */
export interface SealedChallenge {
  readonly content: ChallengeContent
  readonly json: Uint8Array
  readonly mac: Uint8Array
  readonly nonce: Uint8Array
}

/** Takes a challenge and its nonce apart. Undefined unless both are in their one canonical form. */
export function parseChallenge(challenge: string, nonceText: string): SealedChallenge | undefined {
  if (challenge.length > MAX_CHALLENGE_BYTES) return undefined
  const bytes = decodeBase64url(challenge)
  const nonce = decodeBase64url(nonceText)
  if (bytes === undefined || bytes.length <= MAC_BYTES || nonce?.length !== NONCE_BYTES) return undefined
  const json = bytes.subarray(0, -MAC_BYTES)
  const content = parseContent(json)
  return content && { content, json, mac: bytes.subarray(-MAC_BYTES), nonce }
}

/** Whether this server sealed the challenge with this nonce under this key. */
export function isAuthentic({ json, nonce, mac }: SealedChallenge, key: HmacKey): boolean {
  return verifyHmacSha256(key, mac, json, nonce)
}

/** The bytes that the agent signs. */
export function challengeMessage(challenge: string, nonce: string): Uint8Array {
  return Buffer.from(`auth4agents-challenge:${challenge}:${nonce}`)
}

/** The fields are ours once the MAC holds; until then only `kid` is used, so only that is checked here. */
function parseContent(json: Uint8Array): ChallengeContent | undefined {
  try {
    const content: unknown = JSON.parse(Buffer.from(json).toString('utf8'))
    return isContent(content) ? content : undefined
  } catch {
    return undefined
  }
}

function isContent(value: unknown): value is ChallengeContent {
  return typeof value === 'object' && value !== null && 'kid' in value && typeof value.kid === 'string'
}
