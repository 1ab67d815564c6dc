import type { IssueTokenRequest } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { Call } from '../calls/call.ts'
import type { AuthnSettings } from './config.ts'
import { parseRequestedTerms } from './domain/token-request.ts'
import { type IssueDeps, type IssuedToken, issueToken } from './issue-token.ts'
import { openChallenge } from './open-challenge.ts'

/** The dependencies of redeemChallenge. */
interface ChallengeDeps extends IssueDeps {
  readonly settings: IssueDeps['settings'] & Pick<AuthnSettings, 'ttlS'>
}

/**
 * Redeems a signed challenge for a token.
 *
 * @throws ApiError INVALID_DID, INVALID_SCOPE, INVALID_AUDIENCE, INVALID_TTL, CHALLENGE_NOT_FOUND, CHALLENGE_EXPIRED,
 *   CHALLENGE_USED, and as issueToken does
 */
export async function redeemChallenge(
  deps: ChallengeDeps,
  request: IssueTokenRequest,
  call: Call,
): Promise<IssuedToken> {
  deps.subjects.of(request.did, call)
  const requested = parseRequestedTerms(request, deps.settings.ttlS)
  return issueToken(deps, { proof: await openChallenge(deps, request), evidence: request.attestation, requested }, call)
}
