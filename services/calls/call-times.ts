import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'

/** Why the times of a JWT that an operator signs for one call are wrong. */
export type CallTimesFault = 'form' | 'lifetime' | 'early' | 'expired'

/** The rules about these times, in seconds. */
export interface CallTimesRules {
  readonly nowS: number
  readonly skewS: number
  readonly maxLifetimeS: number
}

/**
 * Checks the times of an assertion or an approval, and returns when it expires, in Unix seconds. `iat` and `exp` are
 * required, and `nbf` is `iat` when it is missing. A clock may differ by the skew.
 */
export function readCallTimes(
  { iat, exp, nbf = iat }: Readonly<Partial<Record<'iat' | 'exp' | 'nbf', unknown>>>,
  { nowS, skewS, maxLifetimeS }: CallTimesRules,
): number | CallTimesFault {
  if (!isUnixSeconds(iat) || !isUnixSeconds(exp) || !isUnixSeconds(nbf)) return 'form'
  if (exp <= iat || exp - iat > maxLifetimeS) return 'lifetime'
  if (Math.max(iat, nbf) > nowS + skewS) return 'early'
  return nowS >= exp + skewS ? 'expired' : exp
}
