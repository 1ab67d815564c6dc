import { formatUuid } from '@auth4agent/core/encoding/uuid'
import { challengeMessage } from '@auth4agent/core/identity/challenge'
import type { IssueTokenRequest } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { AuthnDeps } from './config.ts'
import type { AgentProof } from './domain/agent-proof.ts'
import { isAuthentic, parseChallenge } from './domain/seal-challenge.ts'
import { isFullyBound } from './domain/token-request.ts'

type SignedChallenge = Pick<IssueTokenRequest, 'did' | 'challenge' | 'nonce' | 'signature' | 'kid'>

const REFUSALS: AgentProof['refusals'] = {
  used: () => new ApiError('CHALLENGE_USED'),
  expired: () => new ApiError('CHALLENGE_EXPIRED'),
  void: () => new ApiError('CHALLENGE_NOT_FOUND'),
  unbound: () => new ApiError('BINDING_REQUIRED'),
}

/**
 * Opens a challenge of this server. The signature is not verified yet.
 *
 * @throws ApiError CHALLENGE_NOT_FOUND, UNAVAILABLE
 */
export async function openChallenge(
  deps: Pick<AuthnDeps, 'challengeKeys' | 'issuer'>,
  { did, challenge, nonce, signature, kid }: SignedChallenge,
): Promise<AgentProof> {
  const sealed = parseChallenge(challenge, nonce)
  const key = sealed && (await deps.challengeKeys.find(sealed.content.kid))
  if (sealed === undefined || key === undefined || !isAuthentic(sealed, key.key))
    throw new ApiError('CHALLENGE_NOT_FOUND')
  const { content } = sealed
  if (content.did !== did || content.iss !== deps.issuer) throw new ApiError('CHALLENGE_NOT_FOUND')
  return {
    did,
    message: challengeMessage(challenge, nonce),
    signature,
    kid,
    alg: undefined,
    covered: content,
    isFullyBound: isFullyBound(content),
    id: formatUuid(sealed.nonce),
    exp: content.exp,
    challengeKeyId: content.kid,
    refusals: REFUSALS,
    wrongKey: (demand) => new ApiError('INVALID_SIGNATURE', `In the request, ${demand}`),
  }
}
