import type { Moment } from '@auth4agent/core/platform/moment'
import { isUsable } from './admission-copy.ts'
import type { Admitted } from './admitted.ts'
import type { Admissions } from './keep-admissions.ts'
import type { Admission, AdmittedIssuer } from './read-answer.ts'

/** Tells whether an admission may still accept a token that this key signed, as far as its own copy and times say. */
export type IsLive = (admitted: Omit<Admitted, 'here' | 'abroad'>, kid: string, now: Moment) => boolean

/** The longest use of keys, in milliseconds. The log has the record of an ended key for 65 minutes. */
const KEYS_AGE_MS = 3_000_000

/** Creates the function. A copy that the server has taken back accepts nothing more. */
export function createIsLive(admissions: Pick<Admissions, 'of'>, skewMs: number): IsLive {
  return ({ copy, admission, issuer, audience }, kid, now) => {
    const isKept = isUsable(copy, now) && admissions.of(audience, now) !== undefined
    return isKept && issuer.keys.has(kid) && now.wall < endOf(admission, issuer) - skewMs
  }
}

/** Returns when an admission, or the use of the keys of its issuer, ends by itself. */
function endOf({ expiresAt }: Admission, { keysAsOf, keysUsableUntil }: AdmittedIssuer): number {
  return Math.min(expiresAt, keysUsableUntil, keysAsOf + KEYS_AGE_MS)
}
