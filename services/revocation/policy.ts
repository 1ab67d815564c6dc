import type { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Policies } from '../calls/policy.ts'

/**
 * Policies of RevocationService. Anybody who has a token may revoke it, and the operator of a token may revoke it by
 * jti. A chain of grants may be revoked only by operators of its holders, which the handler checks. Operators may
 * watch the log, because verifiers belong to operators, and the log contains only ids of other operators' objects. The
 * administrator may watch it too.
 */
export const revocationPolicies: Policies<typeof RevocationService> = {
  revokeToken: {
    callers: ['anyone', 'operator'],
    own: 'none',
    role: 'agents.revoke',
    limit: 'urgent',
    secretField: 'token',
    action: 'token.revoke',
    endsTokens: true,
    urgent: true,
  },
  watchRevocations: { callers: ['operator', 'admin'], own: 'none', role: 'watch', limit: 'watch' },
  endAllTokensOfDeployment: {
    callers: ['admin'],
    limit: 'urgent',
    action: 'deployment.end-all-tokens',
    endsTokens: true,
    urgent: true,
  },
}
