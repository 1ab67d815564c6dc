import { DEFAULT_TOKEN_ALGORITHM, isTokenAlgorithm, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { Audience } from '@auth4agent/core/token/audience'
import type { LookupAudienceOwnerResponse } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Subject } from './decide-issue.ts'

type Rules = LookupAudienceOwnerResponse['rules']

/**
 * Decides whether a subject may have a token for an audience that is not the issuer, and gives the algorithm that signs it.
 *
 * An audience under a domain that another operator owns is that operator's to give: it must have listed the audience, or its
 * host, for the caller's domain. The algorithm is the owner's to choose whoever asks, its own agents too: the rule of the exact
 * audience counts, else that of its host, else the default.
 *
 * @throws ApiError AUDIENCE_NOT_ALLOWED, or UNAVAILABLE where the owner has chosen an algorithm that this process does not know.
 */
export function decideAudience(
  audience: Audience,
  owner: LookupAudienceOwnerResponse,
  { operator }: Subject,
): TokenAlgorithm {
  const isForeign = owner.operatorId !== '' && owner.operatorId !== operator.id
  if (isForeign && !isListed(audience, owner.rules, operator.domain)) {
    throw new ApiError('AUDIENCE_NOT_ALLOWED', `audience not allowed: ${audience.text}`)
  }
  return algorithmOf(audience, owner.rules)
}

function isListed({ text, host }: Audience, rules: Rules, domain: string): boolean {
  return rules.some(
    (rule) =>
      (rule.audience === text || rule.audience === host) &&
      rule.callers.some((caller) => caller === '*' || caller === domain),
  )
}

function algorithmOf({ text, host }: Audience, rules: Rules): TokenAlgorithm {
  const rule = rules.find((each) => each.audience === text) ?? rules.find((each) => each.audience === host)
  const alg = rule?.tokenSigningAlg ?? ''
  if (alg === '') return DEFAULT_TOKEN_ALGORITHM
  // While processes are being replaced, the registry may be newer than this one. A token that its audience cannot verify
  // helps nobody; one that is asked for again may meet a newer process.
  if (!isTokenAlgorithm(alg)) {
    throw new ApiError('UNAVAILABLE', `the signing algorithm for ${text} cannot be served now`, { retryAfter: 1 })
  }
  return alg
}
