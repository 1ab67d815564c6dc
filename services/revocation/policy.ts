import type { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Policies } from '../chain/policy.ts'

/**
 * Who may call RevocationService. Whoever holds a token may revoke it; by jti, its operator may. Whoever
 * verifies tokens has an operator of its own, and the log names no more of others than their ids.
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
