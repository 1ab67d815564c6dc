import { IssuerService } from '../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { TrustService } from '../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { ServiceModule } from '../chain/rpc.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import type { TrustDeps, TrustOptions } from './config.ts'
import { explainRoutes } from './explain/routes.ts'
import { createForeignJobs } from './foreign/foreign-jobs.ts'
import { issuerRoutes } from './issuers/routes.ts'
import { createKnowledge } from './knowledge/knowledge.ts'
import { issuerPolicies, trustPolicies } from './policy.ts'
import { statementRoutes } from './statements/routes.ts'

/** The trust part of the server: its RPC services, and its jobs. */
export interface Trust {
  readonly issuers: ServiceModule<typeof IssuerService>
  readonly trust: ServiceModule<typeof TrustService>
  readonly jobs: readonly Job[]
  /** Resolves when no run of a job is under way. */
  close(): Promise<void>
}

/** Creates the trust part of the server: foreign issuers, trust statements, and the graph that they make. */
export function createTrust(options: TrustOptions): Trust {
  const foreign = createForeignJobs(options)
  const deps: TrustDeps = { ...options, knowledge: createKnowledge(options.db.pool), foreign }
  return {
    issuers: { service: IssuerService, handlers: issuerRoutes(deps), policies: issuerPolicies },
    trust: {
      service: TrustService,
      handlers: { ...statementRoutes(deps), ...explainRoutes(deps) },
      policies: trustPolicies,
    },
    jobs: foreign.jobs,
    close: () => foreign.idle(),
  }
}
