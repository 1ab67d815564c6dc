import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import {
  type ChallengeContent,
  type ChallengeParts,
  NONCE_BYTES,
  splitChallenge,
} from '@auth4agent/core/identity/challenge'
import { type HmacKey, hmacSha256, verifyHmacSha256 } from '../../platform/crypto/hmac.ts'

/**
 * Seals a challenge as base64url(JSON || HMAC-SHA256(key, JSON || nonce)), so the server need not store the challenge.
 */
export function sealChallenge(content: ChallengeContent, nonce: Uint8Array, key: HmacKey): string {
  const json = Buffer.from(JSON.stringify(content))
  return encodeBase64url(Buffer.concat([json, hmacSha256(key, json, nonce)]))
}

/** A challenge whose MAC is not checked yet. Its content may be used only to find the key that checks the MAC. */
export interface SealedChallenge extends ChallengeParts {
  readonly content: ChallengeContent
  readonly nonce: Uint8Array
}

/** Parses a challenge and its nonce. Returns undefined when one of them is not in its canonical form. */
export function parseChallenge(challenge: string, nonceText: string): SealedChallenge | undefined {
  const parts = splitChallenge(challenge)
  const nonce = decodeBase64url(nonceText)
  if (parts === undefined || nonce?.length !== NONCE_BYTES) return undefined
  const content = parseContent(parts.json)
  return content && { content, ...parts, nonce }
}

/** Returns whether the challenge was sealed with this nonce under this key. */
export function isAuthentic({ json, nonce, mac }: SealedChallenge, key: HmacKey): boolean {
  return verifyHmacSha256(key, mac, json, nonce)
}

/** Parses the JSON. It checks only `kid`, because nothing else is used before the MAC is checked. */
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
