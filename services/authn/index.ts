import { createGenuineChains } from '@auth4agent/core/delegation/genuine-chains'
import { createGenuineDelegated } from '@auth4agent/core/delegation/genuine-delegated'
import { createReplayMemory } from '@auth4agent/core/dpop/replay-memory'
import { createGenuineTokens } from '@auth4agent/core/token/genuine-tokens'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { DelegationService } from '../../gen/proto/auth4agent/v1/delegation_pb.ts'
import { OAuthService } from '../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { Authorization } from '../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import type { VerifyAccess } from '../calls/access-token.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import { pruneExpired } from '../platform/db/prune.ts'
import { createFairShare } from '../platform/limits/fair-share.ts'
import { limitKeys } from '../platform/limits/limit-keys.ts'
import { createShares } from '../platform/limits/shares.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import { shareLookUps } from './audience-owners.ts'
import { authorizationRoutes } from './authz/routes.ts'
import type { AuthnDeps, AuthnOptions } from './config.ts'
import { issuerAudience } from './domain/token-request.ts'
import { grantRoutes } from './grants/routes.ts'
import { createKnownOwners } from './known-owners.ts'
import { oauthRoutes } from './oauth/routes.ts'
import { authnPolicies, authorizationPolicies, grantPolicies, oauthPolicies } from './policy.ts'
import { createRedeemer, MAX_STATEMENTS, REDEEM_SESSION } from './redeemer.ts'
import { authnRoutes } from './routes.ts'
import { createSubjects } from './subjects.ts'
import { createVerifyAccess } from './verify-access.ts'

/** Options of the connection pool for redemptions: number of connections and settings of their sessions. */
export const redeemPoolOptions = { poolSize: MAX_STATEMENTS, settings: REDEEM_SESSION }

/** The most DPoP proofs that a process remembers for VerifyToken. They need about 90 MB. */
const MAX_PROOFS = 1_000_000

/** The most delegated tokens that a process remembers. As objects, one takes 5 to 40 kB. */
const MAX_DELEGATED = 2_000

/**
 * Statements that issue tokens for users at the same time: those of one connection wait for each other in the
 * database, and each waits with a connection of the main pool.
 */
const USER_STATEMENTS = { total: 4, perKey: 2 } as const
const WAITING_USERS = { max: 256, part: 0.5, keptMs: 0 } as const

/** The authn part of the server: its RPC services and its jobs. */
export interface Authn {
  readonly verifyAccess: VerifyAccess
  readonly module: ServiceModule<typeof AuthnService>
  readonly oauth: ServiceModule<typeof OAuthService>
  readonly grants: ServiceModule<typeof DelegationService>
  readonly authorization: ServiceModule<typeof Authorization>
  readonly jobs: readonly Job[]
}

export { readTimeline } from './timeline.ts'

/** Creates the authn part of the server, which creates challenges, issues tokens and verifies them. */
export function createAuthn({
  redeemPool,
  agents,
  keys,
  passedTime,
  chainedRate,
  fleetRate,
  ...rest
}: AuthnOptions): Authn {
  const { issuer, verificationKeys } = rest
  const genuineChains = createGenuineChains({ issuer, keys: verificationKeys.grantKeys })
  const operators = shareLookUps(rest.operators)
  const deps: AuthnDeps = {
    ...rest,
    ...keys,
    termDefaults: { audience: issuerAudience(issuer), ttl: rest.settings.defaultTtlS },
    agents,
    subjects: createSubjects(agents, rest.timeline),
    operators,
    owners: createKnownOwners(operators, rest.timeline),
    redeem: createRedeemer(redeemPool, rest.timeline),
    genuineTokens: createGenuineTokens(issuer, verificationKeys),
    genuineChains,
    genuineDelegated: createGenuineDelegated(genuineChains, { issuer, keys: verificationKeys }, MAX_DELEGATED),
    // Each agent of another deployment is a client of its own, and its operator may have any number of agents. So
    // calls are limited by the operator, once its grant is proven to be genuine.
    limitChained: limitKeys('token', chainedRate),
    limitFleet: limitKeys('token', fleetRate),
    userTurns: createFairShare(USER_STATEMENTS, createShares(WAITING_USERS)),
    replays: createReplayMemory({ capacity: MAX_PROOFS }),
  }
  return {
    verifyAccess: createVerifyAccess(deps),
    module: { service: AuthnService, handlers: authnRoutes(deps), policies: authnPolicies },
    oauth: { service: OAuthService, handlers: oauthRoutes(deps), policies: oauthPolicies },
    grants: { service: DelegationService, handlers: grantRoutes(deps), policies: grantPolicies },
    authorization: { service: Authorization, handlers: authorizationRoutes(deps), policies: authorizationPolicies },
    jobs: [{ name: 'redemptions', run: () => pruneExpired(rest.db.pool, passedTime, 'redemptions', 'keep_until') }],
  }
}
