import type { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Policies } from '../chain/policy.ts'

/**
 * Policies of RevocationService. The holder of a token may revoke it; its operator may revoke it by jti. Operators
 * and the administrator may watch the log: a verifier belongs to an operator, and the log shows only ids of other
 * operators.
 */
export const revocationPolicies: Policies<typeof RevocationService> = {
  revokeToken: {
    callers: ['anyone', 'operator'],
    own: 'none',
    limit: 'manage',
    action: 'token.revoke',
    endsTokens: true,
  },
  watchRevocations: { callers: ['operator', 'admin'], own: 'none', limit: 'watch' },
  endAllTokensOfDeployment: {
    callers: ['admin'],
    limit: 'manage',
    action: 'deployment.end-all-tokens',
    endsTokens: true,
  },
}
