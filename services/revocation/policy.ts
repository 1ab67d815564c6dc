import type { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Policies } from '../shared/rpc/policy.ts'

/** Who may call RevocationService. Whoever holds a token may revoke it; by jti, its operator may. */
export const revocationPolicies: Policies<typeof RevocationService> = {
  revokeToken: { callers: ['anyone', 'operator'], own: 'none', limit: 'manage', action: 'token.revoke' },
}
