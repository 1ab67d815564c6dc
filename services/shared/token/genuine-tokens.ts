import type { VerificationKey, VerificationKeys } from './verification-keys.ts'
import { type GenuineToken, verifyAccessToken } from './verify-access-token.ts'

/** Decides whether a text is a genuine access token, as {@link verifyAccessToken} does; neither expiry nor revocation is looked at. */
export type GenuineTokens = (text: string) => Promise<GenuineToken>

/** A token whose signature held, under a key that signed then. */
interface Known {
  readonly genuine: GenuineToken
  readonly kid: string
  readonly verify: VerificationKey['verify']
}

const CAPACITY = 20_000
/** Longer ones are checked each time, so that few people's tokens cannot take much memory. */
const MAX_TEXT = 2_048

/**
 * Remembers tokens that were genuine, so that one which comes again costs no signature. Their texts are the key: of an issuer, a jti
 * and a signature there is one canonical text, and no other is ever remembered. The key is looked at each time, by the same rules as
 * the first.
 */
export function createGenuineTokens(issuer: string, keys: VerificationKeys, capacity = CAPACITY): GenuineTokens {
  const known = new Map<string, Known>()
  const remember = async (text: string, genuine: GenuineToken) => {
    if (!('claims' in genuine) || text.length > MAX_TEXT) return
    const key = await keys.find(genuine.kid)
    if (!isSigning(key)) return
    known.set(text, { genuine, kid: genuine.kid, verify: key.verify })
    if (known.size > capacity) known.delete(known.keys().next().value ?? text)
  }
  return async (text) => {
    const before = known.get(text)
    if (before !== undefined) {
      const key = await keys.find(before.kid)
      if (isSigning(key) && key.verify === before.verify) return before.genuine
      known.delete(text)
    }
    const genuine = await verifyAccessToken(text, issuer, keys)
    await remember(text, genuine)
    return genuine
  }
}

function isSigning(key: VerificationKey | undefined): key is VerificationKey {
  return key?.state === 'active' || key?.state === 'retiring'
}
