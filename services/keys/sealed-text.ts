import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { hmacSha256, verifyHmacSha256 } from '../platform/crypto/hmac.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { ChallengeKeyring } from './challenge-keyring.ts'

/** What a sealed text is for. A text that is sealed for one purpose does not open for another. */
type Purpose = 'dpop-nonce' | 'trust-view' | 'sign-in' | 'sign-in-request' | 'flow' | 'form' | 'code'
/** What a secret is for that only the server can compute from a sealed text. No text is sealed for these purposes. */
type SecretPurpose = 'pkce' | 'nonce'

/** Dependencies of sealText and openText. */
export type SealDeps = { readonly challengeKeys: Pick<ChallengeKeyring, 'current' | 'find'> }

/** Longest text that is sealed. */
const MAX_CHARACTERS = 4_096
const SEALED = /^([\w-]{1,64})\.([\w.-]{1,4096})\.([\w-]{43})$/

/**
 * Seals a text of letters, digits and `_.-`: the id of a challenge key, the text, and a MAC over both. So the server
 * stores nothing, and every process of the deployment can open it. Anybody can read the text.
 *
 * @throws ApiError UNAVAILABLE; INVALID_ARGUMENT for a text that would not open
 */
export async function sealText({ challengeKeys }: SealDeps, purpose: Purpose, text: string): Promise<string> {
  const { id, key } = await challengeKeys.current()
  if (text.length > MAX_CHARACTERS) throw new ApiError('INVALID_ARGUMENT', 'The request is too long')
  const mac = hmacSha256(key, input(purpose, `${id}.${text}`))
  return `${id}.${text}.${encodeBase64url(mac)}`
}

/** Opens a sealed text. Returns undefined if this deployment did not seal it for the purpose, or too long ago. */
export async function openText(
  { challengeKeys }: SealDeps,
  purpose: Purpose,
  sealed: string,
): Promise<string | undefined> {
  const [, id = '', text = '', macText = ''] = SEALED.exec(sealed) ?? []
  const mac = decodeBase64url(macText)
  const key = mac === undefined || id === '' ? undefined : await challengeKeys.find(id)
  if (mac === undefined || key === undefined) return undefined
  return verifyHmacSha256(key.key, mac, input(purpose, `${id}.${text}`)) ? text : undefined
}

/**
 * Returns a secret that belongs to a sealed text: 43 characters, base64url of 32 bytes. Readers of the sealed text
 * cannot compute it. It is the same at each call. Returns undefined if the key of the text has gone.
 */
export async function secretOf(
  { challengeKeys }: Pick<SealDeps, 'challengeKeys'>,
  purpose: SecretPurpose,
  sealed: string,
): Promise<string | undefined> {
  const key = await challengeKeys.find(SEALED.exec(sealed)?.[1] ?? '')
  return key && encodeBase64url(hmacSha256(key.key, input(purpose, sealed)))
}

/** The same keys seal challenges, whose MAC covers a text that begins with a brace. The prefix keeps them apart. */
function input(purpose: Purpose | SecretPurpose, text: string): Buffer {
  return Buffer.from(`auth4agent-${purpose}:${text}`)
}
