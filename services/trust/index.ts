import { IssuerService } from '../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { TrustService } from '../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { ServiceModule } from '../chain/rpc.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import type { TrustDeps, TrustOptions } from './config.ts'
import { explainRoutes } from './explain/routes.ts'
import { fetchDueKeys } from './foreign/fetch-keys.ts'
import { createDomainProver } from './foreign/prove-domains.ts'
import { issuerRoutes } from './issuers/routes.ts'
import { issuerPolicies, trustPolicies } from './policy.ts'
import { statementRoutes } from './statements/routes.ts'
import { wakeableJob } from './wakeable-job.ts'

/** The trust part of the server: its RPC services, and its jobs. */
export interface Trust {
  readonly issuers: ServiceModule<typeof IssuerService>
  readonly trust: ServiceModule<typeof TrustService>
  readonly jobs: readonly Job[]
  /** Resolves when no run of a job is under way. */
  idle(): Promise<void>
}

/** Milliseconds between two looks for work that is due. */
const INTERVAL_MS = 5_000

/** Creates the trust part of the server: foreign issuers, trust statements, and the graph that they make. */
export function createTrust(options: TrustOptions): Trust {
  const { db, log } = options
  const { prisma } = db
  const prover = createDomainProver({ ...options, prisma })
  const keys = wakeableJob(
    { name: 'issuer-keys', intervalMs: INTERVAL_MS, run: () => fetchDueKeys({ ...options, prisma }) },
    log,
  )
  const domains = wakeableJob({ name: 'issuer-domains', intervalMs: INTERVAL_MS, run: () => prover.runPass() }, log)
  const deps: TrustDeps = {
    ...options,
    wakeKeys: () => keys.wake(),
    proveNow(issuerId, domain) {
      prover.prefer(issuerId, domain)
      domains.wake()
    },
  }
  return {
    issuers: { service: IssuerService, handlers: issuerRoutes(deps), policies: issuerPolicies },
    trust: {
      service: TrustService,
      handlers: { ...statementRoutes(deps), ...explainRoutes(deps) },
      policies: trustPolicies,
    },
    jobs: [keys, domains],
    async idle() {
      await Promise.all([keys.idle(), domains.idle()])
    },
  }
}
