import { FederationAdminService } from '../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import { FederationService } from '../../gen/proto/auth4agent/v1/federation_pb.ts'
import { IssuerService } from '../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { TrustService } from '../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import { federationAdminRoutes } from '../federation/admin-routes.ts'
import { pruneChains } from '../federation/chains/chain-store.ts'
import { createCurrentChain } from '../federation/chains/current-chain.ts'
import { createFindChain } from '../federation/chains/find-chain.ts'
import { federationAdminPolicies, federationPolicies } from '../federation/policy.ts'
import { federationRoutes } from '../federation/routes.ts'
import { listen } from '../platform/db/listen.ts'
import { createFairPlaces } from '../platform/limits/fair-places.ts'
import type { AnchorFacts, IssuerFacts } from '../platform/metrics/issuer-metrics.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import { admissionRoutes } from './admissions/routes.ts'
import type { TrustDeps, TrustOptions } from './config.ts'
import { createKnowledge } from './decide/knowledge.ts'
import { explainRoutes } from './explain/routes.ts'
import { GRAPHS } from './graph/graph-work.ts'
import { graphRoutes } from './graph/routes.ts'
import { candidateRoutes } from './issuers/candidate-routes.ts'
import { endEdges } from './issuers/domains/end-edges.ts'
import { createDomainProver } from './issuers/domains/prove-domains.ts'
import { endKeys } from './issuers/keys/end-keys.ts'
import { createKeyFetcher } from './issuers/keys/fetch-keys.ts'
import { createOwnSecrets } from './issuers/own-secrets.ts'
import { createForeignLists } from './issuers/revocations/foreign-lists.ts'
import { createForeignLogs } from './issuers/revocations/foreign-logs.ts'
import { createIntrospect } from './issuers/revocations/introspect.ts'
import { createLogEndings } from './issuers/revocations/log-endings.ts'
import { issuerRoutes } from './issuers/routes.ts'
import { subjectRoutes } from './issuers/subjects/routes.ts'
import { issuerPolicies, trustPolicies } from './policy.ts'
import { pruneProposals } from './statements/proposal-store.ts'
import { pruneStatements } from './statements/prune-statements.ts'
import { readPublished } from './statements/published/read-published.ts'
import { statementRoutes } from './statements/routes.ts'
import { type CheckHome, createCheckHome } from './tokens/chaining/check-home.ts'
import { createFindAuthority, type FindAuthority } from './tokens/chaining/find-authority.ts'
import { createJudgeGrant, type JudgeGrant } from './tokens/chaining/judge-grant.ts'
import { createGenuineForeign } from './tokens/genuine-foreign.ts'
import { createJudgeIdJag, type JudgeIdJag } from './tokens/id-jag/judge-id-jag.ts'
import { createVerifyForeign, type VerifyForeign } from './tokens/verify-foreign.ts'

export { type AddressRules, parseIssuer } from './issuers/domain/parse-issuer.ts'
export type { Authority } from './tokens/chaining/find-authority.ts'
export type { GrantRefusal, JudgedGrant } from './tokens/chaining/judge-grant.ts'
export { type JudgedIdJag, type JudgeIdJag, MAX_ID_JAG_TTL_S } from './tokens/id-jag/judge-id-jag.ts'
export type { ForeignDemands, ForeignTrust, ForeignVerification, VerifyForeign } from './tokens/verify-foreign.ts'

/** The trust part of the server: its RPC services, and the verification of foreign tokens. */
export interface Trust {
  readonly issuers: ServiceModule<typeof IssuerService>
  readonly trust: ServiceModule<typeof TrustService>
  readonly federation: ServiceModule<typeof FederationService>
  readonly federationAdmin: ServiceModule<typeof FederationAdminService>
  readonly verifyForeign: VerifyForeign
  readonly chaining: Chaining
  readonly judgeIdJag: JudgeIdJag
  readonly jobs: readonly Job[]
  /** Returns what this process knows of the enabled issuers. */
  issuerFacts(): IssuerFacts[]
  /** Returns what this process knows of the trust anchors. */
  anchorFacts(): readonly AnchorFacts[]
  close(): Promise<void>
}

/** What tokens and grants of agents that work at several deployments need. */
export interface Chaining {
  readonly findAuthority: FindAuthority
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
  const { db, vault, outbound, now, settings, log, database, retentionMs } = options
  const knowledge = createKnowledge({ pool: db.pool, operators: options.operators })
  const { authorize, secret } = createOwnSecrets(db.pool, vault, now)
  const findChain = createFindChain({ prisma: db.prisma, outbound, now })
  const currentChain = createCurrentChain({ prisma: db.prisma, findChain, now, log })
  const fetcher = createKeyFetcher({ ...options, prisma: db.prisma, currentChain })
  const prover = createDomainProver({ ...options, prisma: db.prisma })
  const foreign = {
    wakeKeys: () => fetcher.wake(),
    proveNow(issuerId: string, domain: string) {
      prover.prefer(issuerId, domain)
      prover.wake()
    },
  }
  const edges = createLogEndings({ log, store: (issuerId, ids) => endEdges(options, issuerId, ids) })
  const keys = createLogEndings({ log, store: (issuerId, kids) => endKeys(options, issuerId, kids) })
  const logs = createForeignLogs({
    outbound,
    authorize,
    skewMs: settings.skewS * 1_000,
    log,
    onEdge: (issuerId, edge) => edges.end(issuerId, edge),
    onKey: (issuerId, kid) => keys.end(issuerId, kid),
    renewKeys: (issuerId, ageMs) => fetcher.renew(issuerId, ageMs),
  })
  const graphPlaces = createFairPlaces(GRAPHS)
  const lists = createForeignLists({ outbound, now, skewS: settings.skewS, log })
  const deps: TrustDeps = { ...options, knowledge, logs, lists, foreign, graphPlaces }
  knowledge.onCopy(({ issuers }) => logs.follow(issuers))
  const refresh = () =>
    knowledge.refresh().catch((error: unknown) => {
      log.warn({ error }, 'the issuers could not be read')
    })
  const channels = { auth4agent_trust: () => void refresh() }
  const stopListening = listen({ ...database, log, channels, onListening: () => void refresh() })
  await knowledge.refresh()
  return {
    issuers: {
      service: IssuerService,
      handlers: { ...issuerRoutes(deps), ...subjectRoutes(deps) },
      policies: issuerPolicies,
    },
    trust: {
      service: TrustService,
      handlers: { ...statementRoutes(deps), ...explainRoutes(deps), ...admissionRoutes(deps), ...graphRoutes(deps) },
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
        ...federationAdminRoutes({ ...options, prisma: db.prisma, wakeKeys: foreign.wakeKeys }),
        ...candidateRoutes({ ...deps, findChain }),
      },
      policies: federationAdminPolicies,
    },
    verifyForeign: createVerifyForeign({
      ...deps,
      genuine: createGenuineForeign(now),
      introspect: createIntrospect(outbound, secret),
    }),
    chaining: {
      findAuthority: createFindAuthority(deps),
      judgeGrant: createJudgeGrant(deps),
      checkHome: createCheckHome(deps),
    },
    judgeIdJag: createJudgeIdJag(deps),
    jobs: [
      { name: 'trust', run: () => knowledge.refresh() },
      { name: 'trust-chains', run: () => pruneChains(db.prisma, now()) },
      { name: 'trust-proposals', run: () => pruneProposals(options) },
      ...(retentionMs === undefined
        ? []
        : [{ name: 'trust-statements', run: () => pruneStatements(options, retentionMs) }]),
      { name: 'published-trust', run: () => readPublished({ ...deps, authorize }), intervalMs: READ_PUBLISHED_MS },
      { name: 'foreign-endings', run: async () => [edges, keys].forEach((each) => each.retry()), intervalMs: RETRY_MS },
      fetcher,
      prover,
    ],
    issuerFacts: () =>
      [...knowledge.copy.issuers.values()]
        .filter(({ isEnabled }) => isEnabled)
        .map(({ issuer, keysAsOf, mode, chainDueAt }) => {
          return { issuer, keysAsOf, revocationsAsOf: logs.asOf(issuer), followsLog: mode === 'log', chainDueAt }
        }),
    anchorFacts: () => knowledge.copy.anchors,
    async close() {
      logs.close()
      await stopListening()
      await Promise.all([fetcher.idle(), prover.idle()])
      await Promise.all([edges.idle(), keys.idle()])
    },
  }
}
