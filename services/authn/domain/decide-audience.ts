import { DEFAULT_TOKEN_ALGORITHM, isTokenAlgorithm, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { Audience } from '@auth4agent/core/token/audience'
import type { LookupAudienceOwnerResponse } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Subject } from './decide-issue.ts'

type Rules = LookupAudienceOwnerResponse['rules']

/**
 * Decides whether a subject may have a token for an audience other than the issuer. Returns the signing algorithm.
 *
 * When another operator owns the audience, that operator must list the audience, or its host, with the agent's domain
 * as a caller. The owner chooses the algorithm, also for its own agents: with the rule for the exact audience, else
 * with the rule for the host. Without such a rule, the default algorithm signs.
 *
 * @throws ApiError AUDIENCE_NOT_ALLOWED; UNAVAILABLE when this process does not know the owner's algorithm.
 */
export function decideAudience(
  audience: Audience,
  owner: LookupAudienceOwnerResponse,
  { operator }: Subject,
): TokenAlgorithm {
  const isForeign = owner.operatorId !== '' && owner.operatorId !== operator.id
  if (isForeign && !isListed(audience, owner.rules, operator.domain)) {
    throw new ApiError('AUDIENCE_NOT_ALLOWED', `The owner of ${audience.text} must list ${operator.domain} as a caller`)
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
  // During an upgrade the operator registry may be newer than this process. With another algorithm, the audience could
  // not verify the token. A retry may reach a newer process.
  if (!isTokenAlgorithm(alg)) {
    throw new ApiError('UNAVAILABLE', `This process does not know the signing algorithm of ${text}; try again`, {
      retryAfter: 1,
    })
  }
  return alg
}
