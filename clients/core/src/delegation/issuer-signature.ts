import type { UnreadJws } from '../jose/jws.ts'
import { isSigning, type VerificationKey } from '../token/access-token.ts'
import { type GrantReason, type GrantRefusal, refuseGrant } from './refusal.ts'

/** The public half of a key that signs roots and holder statements. */
export type GrantKey = Pick<VerificationKey, 'kid' | 'alg' | 'state' | 'verify'>

/**
 * Finds the issuer's keys that sign roots and holder statements. It must not find keys of another purpose, such as
 * keys of access tokens.
 *
 * @example
 * ```ts
 * import type { GrantKeys } from '@auth4agent/core/delegation/issuer-signature'
 *
 * const find = async (kid: string) => grantKeys.get(kid)
 * const keys: GrantKeys = { find, findNow: find }
 * ```
 */
export interface GrantKeys {
  /** Finds a key, possibly in a cache. */
  find(kid: string): Promise<GrantKey | undefined>
  /** Finds a key in the state that it has after this call began, never from a cache. */
  findNow(kid: string): Promise<GrantKey | undefined>
}

/**
 * Verifies that the issuer has signed, and that its key has not ended. It treats a prepared key as for access tokens:
 * a prepared key may have begun to sign since its state was read.
 *
 * @param invalid the reason with which a wrong signature is refused
 * @example
 * ```ts
 * import { verifyByIssuer } from '@auth4agent/core/delegation/issuer-signature'
 *
 * const signed = await verifyByIssuer(jws, keys, 'SIGNATURE_INVALID')
 * if (signed.ok) console.log(signed.key.kid)
 * ```
 */
export async function verifyByIssuer(
  { header, signingInput, signature }: UnreadJws,
  keys: GrantKeys,
  invalid: GrantReason,
): Promise<{ readonly ok: true; readonly key: GrantKey } | GrantRefusal> {
  const key = await keys.find(header.kid)
  if (key === undefined || !(key.state === 'prepared' || isSigning(key))) return refuseKey(header.kid)
  if (key.alg !== header.alg) return refuseGrant('UNSUPPORTED_ALGORITHM', `alg must be ${key.alg}, as its key demands`)
  if (!key.verify(signingInput, signature))
    return refuseGrant(invalid, 'the signature must be valid under the key that kid names')
  if (key.state === 'prepared' && !isSigning(await keys.findNow(key.kid))) return refuseKey(header.kid)
  return { ok: true, key }
}

function refuseKey(kid: string): GrantRefusal {
  return refuseGrant('UNKNOWN_KEY', `the issuer must publish the key ${kid} for grants`)
}
