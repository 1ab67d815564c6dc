import { checkDpopClaims, checkDpopProof, type DpopProof, type DpopRules } from '@auth4agent/core/dpop/dpop-proof'
import { checkBinding } from '@auth4agent/core/token/check-binding'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { AuthnDeps, AuthnSettings } from './config.ts'
import type { RequestProof } from './domain/verify-request.ts'

/** The dependencies of checkProof. */
export interface CheckProofDeps extends Pick<AuthnDeps, 'now' | 'replays'> {
  readonly settings: Pick<AuthnSettings, 'skewS'>
}

/**
 * Checks whether a request with this proof, or without one, may use a token (RFC 9449 section 7.1).
 *
 * @param bound `cnf` of the token, if it is bound to a key
 * @param accessToken the text that the client sent as its token
 * @throws ApiError UNAVAILABLE
 */
export function checkProof(
  { now, settings, replays }: CheckProofDeps,
  bound: Pick<AccessTokenClaims, 'cnf'>,
  accessToken: string,
  sent: RequestProof | undefined,
): Verdict | undefined {
  if (sent === undefined) return checkBinding(bound, undefined)
  if (bound.cnf === undefined) return 'TOKEN_NOT_BOUND'
  const proof = checkDpopProof(sent.text, rulesOf({ now, settings }, accessToken, sent))
  if (!proof.ok) return 'PROOF_INVALID'
  return checkBinding(bound, proof) ?? (isFirstUse(replays, proof) ? undefined : 'PROOF_REPLAYED')
}

/**
 * Does the checks of a proof that need no signature, for a token that must have a proof. A proof that passes is not
 * valid yet.
 */
export function checkProofClaims(
  deps: Pick<CheckProofDeps, 'now' | 'settings'>,
  accessToken: string,
  sent: RequestProof | undefined,
): Verdict | undefined {
  if (sent === undefined) return 'PROOF_REQUIRED'
  return checkDpopClaims(sent.text, rulesOf(deps, accessToken, sent)) === undefined ? undefined : 'PROOF_INVALID'
}

function rulesOf(
  { now, settings }: Pick<CheckProofDeps, 'now' | 'settings'>,
  accessToken: string,
  { method, url }: RequestProof,
): DpopRules {
  return { method, url, nowS: Math.floor(now() / 1000), skewS: settings.skewS, accessToken }
}

function isFirstUse(replays: CheckProofDeps['replays'], { id, expiresAtS }: DpopProof): boolean {
  try {
    return replays.use(id, expiresAtS)
  } catch (cause) {
    // Without room to remember the proof, a replay could not be detected.
    throw new ApiError('UNAVAILABLE', 'This process remembers too many DPoP proofs; try again', {
      cause,
      retryAfter: 1,
    })
  }
}
