import { checkDpopProof, type DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import type { SentProof } from '../calls/call.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { AuthnDeps, AuthnSettings } from './config.ts'

/** The dependencies of checkDpop. */
export interface CheckDpopDeps extends Pick<AuthnDeps, 'now'> {
  readonly settings: Pick<AuthnSettings, 'skewS'>
}

/**
 * Checks the DPoP proof of a token request (RFC 9449 section 4.3). It may still be a replay: the redeeming statement
 * detects that.
 *
 * @throws ApiError INVALID_DPOP_PROOF
 */
export function checkDpop({ now, settings }: CheckDpopDeps, sent: SentProof): DpopProof {
  const { text, method, url } = sent
  // Node joins several headers of one name by commas.
  if (text.includes(',')) throw new ApiError('INVALID_DPOP_PROOF', 'The request must have exactly one DPoP header')
  const checked = checkDpopProof(text, { method, url, nowS: Math.floor(now() / 1000), skewS: settings.skewS })
  if (!checked.ok) throw new ApiError('INVALID_DPOP_PROOF', `In the DPoP proof, ${checked.demand}`)
  return checked
}
