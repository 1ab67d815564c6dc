import { ED25519_ALGORITHMS, type JwsRules, parseCompactJws } from '@auth4agent/core/jose/jws'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import type { VerificationKeys } from './verification-keys.ts'

/** `typ` of a nonce for passkeys. */
export const PASSKEY_NONCE_TYPE = 'auth4agent-passkey-nonce+jwt'
/** Seconds for which a passkey may sign with a nonce. */
export const PASSKEY_NONCE_LIFETIME_S = 300

/** The clock of the process, in Unix seconds, and how far the clocks of two processes may differ. */
interface Clock {
  readonly nowS: number
  readonly skewS: number
}

/** Tells whether a text is a nonce that this deployment has signed in the last 300 seconds. */
type IsFreshNonce = (nonce: unknown, clock: Clock) => Promise<boolean>

const RULES: JwsRules = { maxBytes: 512, algs: ED25519_ALGORITHMS, typs: [PASSKEY_NONCE_TYPE] }
/** States of keys that sign, or have signed until a moment ago. */
const STATES = new Set(['active', 'retiring'])

/**
 * Creates the check of nonces for passkeys. Processes without authn check them too, and have no secret keys. So a
 * nonce is signed, and not sealed as other texts are that the server does not store.
 */
export function createNonceCheck({ grantKeys }: Pick<VerificationKeys, 'grantKeys'>): IsFreshNonce {
  return async (nonce, { nowS, skewS }) => {
    const jws = typeof nonce === 'string' ? parseCompactJws(nonce, RULES) : undefined
    if (jws?.ok !== true) return false
    const { iat } = jws.payload
    if (!isUnixSeconds(iat) || iat > nowS + skewS || nowS > iat + PASSKEY_NONCE_LIFETIME_S) return false
    const key = await grantKeys.find(jws.header.kid)
    return key !== undefined && STATES.has(key.state) && key.verify(jws.signingInput, jws.signature)
  }
}
