import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { type HmacKey, hmacSha256, verifyHmacSha256 } from '../platform/crypto/hmac.ts'
import type { AuthnDeps } from './config.ts'

type NonceDeps = Pick<AuthnDeps, 'challengeKeys' | 'now'>

/** Seconds for which a client may use a nonce. */
const LIFETIME_S = 300
const NONCE = /^([\w-]{1,64})\.(\d{1,12})\.([\w-]{43})$/

/**
 * Creates a nonce for DPoP proofs (RFC 9449 section 8): the id of a challenge key, the expiry in Unix seconds, and a
 * MAC over both. So the server stores no nonces, and every process of the deployment accepts them.
 *
 * @throws ApiError UNAVAILABLE
 */
export async function createNonce({ challengeKeys, now }: NonceDeps): Promise<string> {
  const { id, key } = await challengeKeys.current()
  const text = `${id}.${Math.floor(now() / 1000) + LIFETIME_S}`
  return `${text}.${encodeBase64url(macOf(key, text))}`
}

/** Returns whether a text is a nonce of this deployment that has not expired. */
export async function checkNonce({ challengeKeys, now }: NonceDeps, nonce: string | undefined): Promise<boolean> {
  const [, id = '', exp = '', macText = ''] = NONCE.exec(nonce ?? '') ?? []
  const mac = decodeBase64url(macText)
  if (id === '' || mac === undefined || now() >= Number(exp) * 1000) return false
  const key = await challengeKeys.find(id)
  return key !== undefined && verifyHmacSha256(key.key, mac, input(`${id}.${exp}`))
}

function macOf(key: HmacKey, text: string): Buffer {
  return hmacSha256(key, input(text))
}

/** The same keys seal challenges, whose MAC covers a text that begins with a brace. The prefix keeps the two apart. */
function input(text: string): Buffer {
  return Buffer.from(`auth4agent-dpop-nonce:${text}`)
}
