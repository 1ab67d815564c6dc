import type { LookupAudienceOwnerResponse } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../../shared/errors/api-error.ts'
import type { Audience } from '../../shared/token/audience.ts'
import type { Subject } from './decide-issue.ts'

/**
 * An audience under a domain that another operator owns is that operator's to give: it must have listed the
 * audience, or its host, for the caller's domain. Throws AUDIENCE_NOT_ALLOWED.
 */
export function decideAudience(audience: Audience, owner: LookupAudienceOwnerResponse, { operator }: Subject): void {
  if (owner.operatorId === '' || owner.operatorId === operator.id) return
  const isListed = owner.rules.some(
    (rule) =>
      (rule.audience === audience.text || rule.audience === audience.host) &&
      rule.callers.some((caller) => caller === '*' || caller === operator.domain),
  )
  if (!isListed) throw new ApiError('AUDIENCE_NOT_ALLOWED', `audience not allowed: ${audience.text}`)
}
