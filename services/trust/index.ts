import { FederationAdminService } from '../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import { FederationService } from '../../gen/proto/auth4agent/v1/federation_pb.ts'
import { IssuerService } from '../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { TrustService } from '../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import { federationAdminRoutes } from '../federation/admin-routes.ts'
import { pruneChains } from '../federation/chains/chain-store.ts'
import { createCurrentChain } from '../federation/chains/current-chain.ts'
import { createFindChain as createFindTrustChain } from '../federation/chains/find-chain.ts'
import { federationRoutes } from '../federation/routes.ts'
import { listen } from '../platform/db/listen.ts'
import { createFairPlaces } from '../platform/limits/fair-places.ts'
import type { AnchorFacts, IssuerFacts } from '../platform/metrics/issuer-metrics.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import { admissionRoutes } from './admissions/routes.ts'
import { type CheckHome, createCheckHome } from './chaining/check-home.ts'
import { createFindChain, type FindChain } from './chaining/find-chain.ts'
import { createJudgeGrant, type JudgeGrant } from './chaining/judge-grant.ts'
import type { TrustDeps, TrustOptions } from './config.ts'
import { GRAPHS } from './explain/graph-work.ts'
import { explainRoutes } from './explain/routes.ts'
import { createAuthorize } from './foreign/authorize.ts'
import { createDecideTrust } from './foreign/decide-trust.ts'
import { endEdges } from './foreign/end-edges.ts'
import { endKeys } from './foreign/end-keys.ts'
import { createForeignJobs } from './foreign/foreign-jobs.ts'
import { createForeignLists } from './foreign/foreign-lists.ts'
import { createForeignLogs } from './foreign/foreign-logs.ts'
import { createGenuineForeign } from './foreign/genuine-foreign.ts'
import { createIntrospect } from './foreign/introspect.ts'
import { createLogEndings } from './foreign/log-endings.ts'
import { createOwnSecrets } from './foreign/own-secrets.ts'
import { readPublished } from './foreign/read-published.ts'
import { createVerifyForeign, type VerifyForeign } from './foreign/verify-foreign.ts'
import { createIdJags, type IdJags } from './id-jag/judge-id-jag.ts'
import { candidateRoutes } from './issuers/candidate-routes.ts'
import { issuerRoutes } from './issuers/routes.ts'
import { createKnowledge } from './knowledge/knowledge.ts'
import { federationAdminPolicies, federationPolicies, issuerPolicies, trustPolicies } from './policy.ts'
import { pruneProposals } from './statements/proposal-store.ts'
import { pruneStatements } from './statements/prune-statements.ts'
import { statementRoutes } from './statements/routes.ts'
import { subjectRoutes } from './subjects/routes.ts'
import { viewRoutes } from './view/routes.ts'

export type { AllowedChain } from './chaining/find-chain.ts'
export type { GrantRefusal, JudgedGrant } from './chaining/judge-grant.ts'
export type { ForeignTrust, ForeignVerification, VerifyForeign } from './foreign/verify-foreign.ts'
export { type IdJags, type JudgedIdJag, MAX_ID_JAG_TTL_S } from './id-jag/judge-id-jag.ts'

/** The trust part of the server: its RPC services, and the verification of foreign tokens. */
export interface Trust {
  readonly issuers: ServiceModule<typeof IssuerService>
  readonly trust: ServiceModule<typeof TrustService>
  readonly federation: ServiceModule<typeof FederationService>
  readonly federationAdmin: ServiceModule<typeof FederationAdminService>
  readonly verifyForeign: VerifyForeign
  readonly chaining: Chaining
  readonly idJags: IdJags
  readonly jobs: readonly Job[]
  /** Returns what this process knows of the enabled issuers. */
  issuerFacts(): IssuerFacts[]
  /** Returns what this process knows of the trust anchors. */
  anchorFacts(): readonly AnchorFacts[]
  close(): Promise<void>
}

/** What tokens and grants of agents that work at several deployments need. */
export interface Chaining {
  readonly findChain: FindChain
  readonly judgeGrant: JudgeGrant
  readonly checkHome: CheckHome
}

/** Interval of the look for issuers whose statements are due, in milliseconds. */
const READ_PUBLISHED_MS = 10_000
/** After how many milliseconds endings are stored again that could not be stored. */
const RETRY_MS = 5_000

/**
 * Creates the trust part of the server: foreign issuers, trust statements, and the graph that they make. Reads what
 * the database has of them, and begins to follow the logs of foreign issuers.
 */
export async function createTrust(options: TrustOptions): Promise<Trust> {
  const { db, vault, outbound, now, settings, log, databaseUrl, retentionMs } = options
  const knowledge = createKnowledge(db.pool)
  const secrets = createOwnSecrets(db.pool, vault)
  const authorize = createAuthorize(secrets, now)
  const findTrustChain = createFindTrustChain({ prisma: db.prisma, outbound, now })
  const currentChain = createCurrentChain({ prisma: db.prisma, findChain: findTrustChain, now, log })
  const foreign = createForeignJobs({ ...options, prisma: db.prisma, currentChain })
  const edges = createLogEndings({ log, store: (issuerId, ids) => endEdges(options, issuerId, ids) })
  const keys = createLogEndings({ log, store: (issuerId, kids) => endKeys(options, issuerId, kids) })
  const logs = createForeignLogs({
    outbound,
    authorize,
    skewMs: settings.skewS * 1_000,
    log,
    onEdge: (issuerId, edge) => edges.end(issuerId, edge),
    onKey: (issuerId, kid) => keys.end(issuerId, kid),
    renewKeys: (issuerId, ageMs) => foreign.renewKeys(issuerId, ageMs),
  })
  const graphPlaces = createFairPlaces(GRAPHS)
  const lists = createForeignLists({ outbound, now, skewS: settings.skewS, log })
  const deps: TrustDeps = { ...options, knowledge, logs, lists, foreign, graphPlaces }
  knowledge.onCopy(({ issuers }) => logs.follow(issuers))
  const refresh = () =>
    knowledge.refresh().catch((error: unknown) => {
      log.warn({ error }, 'issuers and trust statements could not be read')
    })
  const channels = { auth4agent_trust: () => void refresh() }
  const stopListening = listen({ url: databaseUrl, log, channels, onListening: () => void refresh() })
  await knowledge.refresh()
  const decideTrust = createDecideTrust(deps)
  return {
    issuers: {
      service: IssuerService,
      handlers: { ...issuerRoutes(deps), ...subjectRoutes(deps) },
      policies: issuerPolicies,
    },
    trust: {
      service: TrustService,
      handlers: { ...statementRoutes(deps), ...explainRoutes(deps), ...admissionRoutes(deps), ...viewRoutes(deps) },
      policies: trustPolicies,
    },
    federation: {
      service: FederationService,
      handlers: federationRoutes({ ...options, ...options.federation, db: options.readDb }),
      policies: federationPolicies,
    },
    federationAdmin: {
      service: FederationAdminService,
      handlers: {
        ...federationAdminRoutes({ ...options, prisma: db.prisma, wakeKeys: () => foreign.wakeKeys() }),
        ...candidateRoutes({ ...deps, findChain: findTrustChain }),
      },
      policies: federationAdminPolicies,
    },
    verifyForeign: createVerifyForeign({
      ...deps,
      genuine: createGenuineForeign(now),
      decideTrust,
      introspect: createIntrospect(outbound, secrets),
    }),
    chaining: {
      findChain: createFindChain(deps),
      judgeGrant: createJudgeGrant({ ...deps, decideTrust }),
      checkHome: createCheckHome(deps),
    },
    idJags: createIdJags(deps),
    jobs: [
      { name: 'trust', run: () => knowledge.refresh() },
      { name: 'trust-chains', run: () => pruneChains(db.prisma, now()) },
      { name: 'trust-proposals', run: () => pruneProposals(options) },
      ...(retentionMs === undefined
        ? []
        : [{ name: 'trust-statements', run: () => pruneStatements(options, retentionMs) }]),
      { name: 'published-trust', run: () => readPublished({ ...deps, authorize }), intervalMs: READ_PUBLISHED_MS },
      { name: 'foreign-endings', run: async () => [edges, keys].forEach((each) => each.retry()), intervalMs: RETRY_MS },
      ...foreign.jobs,
    ],
    issuerFacts: () =>
      [...(knowledge.copy?.issuers.values() ?? [])]
        .filter(({ isEnabled }) => isEnabled)
        .map(({ issuer, keysAsOf, mode, chainDueAt }) => {
          return { issuer, keysAsOf, revocationsAsOf: logs.asOf(issuer), followsLog: mode === 'log', chainDueAt }
        }),
    anchorFacts: () => knowledge.copy?.anchors ?? [],
    async close() {
      logs.close()
      await stopListening()
      await foreign.idle()
      await Promise.all([edges.idle(), keys.idle()])
    },
  }
}
