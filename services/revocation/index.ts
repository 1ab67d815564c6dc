import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { TokenStatusService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { pruneExpired } from '../shared/db/prune.ts'
import type { InternalHandlers } from '../shared/rpc/local-client.ts'
import type { ServiceModule } from '../shared/rpc/rpc.ts'
import { revocationPolicies } from './policy.ts'
import { type RevocationDeps, revoke } from './revoke-token.ts'
import { checkToken } from './store.ts'

/** The revocation service as the composition root holds it. */
export interface Revocation {
  readonly module: ServiceModule<typeof RevocationService>
  readonly status: InternalHandlers<typeof TokenStatusService>
  /** One pass of the scheduled work: revocations of expired tokens go. */
  runSchedule(): Promise<void>
}

/** Revokes tokens, and tells other services which stand. */
export function createRevocation(deps: RevocationDeps): Revocation {
  return {
    module: {
      service: RevocationService,
      policies: revocationPolicies,
      handlers: {
        async revokeToken(request, call) {
          const { jti, revokedAt } = await revoke(deps, request, call)
          return { jti, revokedAt: timestampFromDate(revokedAt) }
        },
      },
    },
    status: {
      async checkToken(request) {
        return { reason: (await checkToken(deps.db, request)) ?? '' }
      },
    },
    runSchedule: () => pruneExpired(deps.db.pool, 'revoked_tokens', 'expires_at'),
  }
}
