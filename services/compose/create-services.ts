import {
  AgentDirectoryService,
  KeyHistoryService,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { createAuthn, redeemPoolOptions } from '../authn/index.ts'
import { type Route, routesOf } from '../chain/rpc.ts'
import { createIdentity } from '../identity/index.ts'
import type { InternalService } from '../internal-port/handlers.ts'
import { authorizationServerMetadata } from '../jwks-gateway/index.ts'
import { createKeys, createVerificationKeys, type Keys, type VerificationKeys } from '../keys/index.ts'
import { pruneAssertions } from '../ledger/ledger.ts'
import { createOperatorRegistry } from '../operator-registry/index.ts'
import { type Db, openPool } from '../platform/db/db.ts'
import type { PassedTime } from '../platform/db/passed-time.ts'
import { createTxtResolvers } from '../platform/dns/resolve-txt.ts'
import { scaleRates } from '../platform/limits/rates.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Metrics } from '../platform/metrics/metrics.ts'
import { createOutbound } from '../platform/outbound/outbound.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import type { Config } from '../process/configuration/config.ts'
import type { Secrets } from '../process/configuration/secrets.ts'
import type { ServiceName } from '../process/configuration/service-names.ts'
import { createRevocation, type Revocations } from '../revocation/index.ts'
import { createTrust, type Trust } from '../trust/index.ts'
import type { Remotes } from './connect-remotes.ts'

/** How long the database keeps a redeemed challenge after it has expired, in seconds. */
const KEEP_REDEMPTION_S = 600
/**
 * Longest age of a process's copy of the signing keys, in milliseconds. If `AUTH4AGENT_JWKS_MAX_AGE` is shorter, that
 * setting is the limit.
 */
const KEYS_MAX_AGE_MS = 10_000
const LOG_ENDPOINT_AUDIENCE_MS = 3_600_000
/** Shortest lifetime of a token, in seconds. */
export const MIN_TOKEN_TTL_S = 30
const MAX_PENDING = { operators: 100_000, operatorsPerDomain: 16, agentsPerOperator: 1000 } as const

/** Options of createServices. */
export interface ServiceDeps {
  readonly config: Config
  readonly secrets: Secrets
  readonly databaseUrl: string
  readonly db: Db
  /** Connections for reads by operators. */
  readonly readDb: Db
  readonly log: Logger
  readonly remotes: Remotes
  readonly revocations: Revocations
  readonly passedTime: PassedTime
  readonly metrics: Pick<Metrics, 'endpointAudience' | 'outbound' | 'keyEvents' | 'showFrozenOperators'>
}

/** One service of this process: its public routes, internal services and scheduled jobs. */
interface Part {
  readonly routes: readonly Route[]
  readonly internal: readonly InternalService[]
  readonly jobs: readonly Job[]
  /** Called after the last request. */
  close?(): Promise<void>
}

type Operators = InternalClient<typeof OperatorDirectoryService>
type Agents = InternalClient<typeof AgentDirectoryService>
type Histories = InternalClient<typeof KeyHistoryService>

/** Creates the services of this process. Each gets clients of the services that it calls, local or remote. */
export async function createServices(deps: ServiceDeps) {
  const { config, db, remotes } = deps
  const runs = (name: ServiceName) => config.services.includes(name)
  const verificationKeys = createVerificationKeys(db.prisma, () => performance.now(), keysMaxAgeMs(config))
  const registry = runs('operator-registry') ? makeRegistry(deps) : undefined
  const operators = registry?.operators ?? remotes.client('operator-registry', OperatorDirectoryService)
  const histories = registry?.histories ?? remotes.client('operator-registry', KeyHistoryService)
  const identity = runs('identity') ? makeIdentity(deps, operators, histories) : undefined
  const authn = runs('authn')
    ? await makeAuthn(deps, verificationKeys, {
        operators,
        agents: identity?.agents ?? remotes.client('identity', AgentDirectoryService),
      })
    : undefined
  const revocation = runs('revocation') ? makeRevocation(deps, verificationKeys) : undefined
  const parts: readonly Part[] = [registry, identity, authn, revocation].filter((part) => part !== undefined)
  const ledger: Job = { name: 'ledger', run: () => pruneAssertions(db, deps.passedTime) }
  return {
    operators,
    routes: parts.flatMap(({ routes }) => routes),
    internal: parts.flatMap(({ internal }) => internal),
    watchers: revocation?.watchers,
    signingKeyFacts: authn?.signingKeyFacts,
    issuerFacts: authn?.issuerFacts,
    anchorFacts: authn?.anchorFacts,
    async close() {
      await Promise.all(parts.map(async (part) => part.close?.()))
    },
    // Every process with a service other than the gateway stores used assertions, so it also removes expired ones.
    jobs: parts.length === 0 ? [] : [...parts.flatMap(({ jobs }) => jobs), ledger],
  }
}

type Registry = Part & { readonly operators: Operators; readonly histories: Histories }

function makeRegistry({ config, db, readDb, log, metrics }: ServiceDeps): Registry {
  const registry = createOperatorRegistry({
    db,
    readDb,
    now: Date.now,
    log,
    issuer: config.issuer,
    testDomains: config.testDomains,
    resolveTxt: createTxtResolvers({ servers: config.dnsServers, timeoutMs: config.dnsTimeoutMs }),
    settings: {
      pendingTtlMs: config.pendingTtl * 1000,
      takeoverDelayMs: config.takeoverDelay * 1000,
      reverifyIntervalMs: config.proofInterval * 1000,
      reverifyFailures: config.proofFailures,
      maxPendingPerDomain: MAX_PENDING.operatorsPerDomain,
      maxPending: MAX_PENDING.operators,
    },
  })
  metrics.showFrozenOperators(() => registry.frozenOperators())
  return {
    operators: localClient(OperatorDirectoryService, registry.directory),
    histories: localClient(KeyHistoryService, registry.keyHistory),
    routes: [...routesOf(registry.module), ...routesOf(registry.keys)],
    internal: [
      { service: OperatorDirectoryService, handlers: registry.directory },
      { service: KeyHistoryService, handlers: registry.keyHistory },
    ],
    jobs: registry.jobs(config.scheduleInterval * 1000),
  }
}

function makeIdentity(
  deps: ServiceDeps,
  operators: Operators,
  histories: Histories,
): Part & { readonly agents: Agents } {
  const { config, db, readDb, log, metrics } = deps
  const settings = {
    pendingTtlMs: config.pendingTtl * 1000,
    maxPendingPerOperator: MAX_PENDING.agentsPerOperator,
    recoveryDelayMs: config.recoveryDelay * 1000,
    moveDelayMs: config.moveDelay * 1000,
    skewS: config.clockSkew,
  }
  const identity = createIdentity({
    db,
    readDb,
    now: Date.now,
    operators,
    histories,
    issuer: config.issuer,
    settings,
    log,
    metrics: metrics.keyEvents,
  })
  return {
    agents: localClient(AgentDirectoryService, identity.directory),
    routes: [...routesOf(identity.module), ...routesOf(identity.keys), ...routesOf(identity.moves)],
    internal: [{ service: AgentDirectoryService, handlers: identity.directory }],
    jobs: [{ name: 'identity', run: () => identity.runSchedule() }],
  }
}

async function makeKeys(
  { config, secrets, db, log, revocations }: ServiceDeps,
  verificationKeys: VerificationKeys,
): Promise<Keys> {
  const { kek } = secrets
  if (kek === undefined) throw new Error('A process with authn needs a key-encryption key')
  const settings = {
    jwksMaxAgeS: config.jwksMaxAge,
    publishS: publishS(config),
    rotateAfterS: config.keyRotationInterval,
  }
  const { tokenStatus } = revocations
  return createKeys({ db, now: Date.now, settings, secrets: { ...secrets, kek }, log, tokenStatus, verificationKeys })
}

async function makeAuthn(
  deps: ServiceDeps,
  verificationKeys: VerificationKeys,
  clients: { readonly operators: Operators; readonly agents: Agents },
): Promise<Part & Pick<Keys, 'signingKeyFacts'> & Pick<Trust, 'issuerFacts' | 'anchorFacts'>> {
  const { config, databaseUrl, db, log, revocations } = deps
  await using opened = new AsyncDisposableStack()
  const redeemPool = openPool({ url: databaseUrl, ...redeemPoolOptions, log })
  opened.defer(() => redeemPool.end())
  const keys = await makeKeys(deps, verificationKeys)
  opened.defer(() => keys.close())
  const outbound = createOutbound({
    allow: config.outboundAllow,
    testDomains: config.testDomains,
    outcome: deps.metrics.outbound,
    now: () => performance.now(),
  })
  opened.defer(() => outbound.close())
  const rates = scaleRates(config.rateFactorPercent / 100)
  const trust = await createTrust({
    db,
    readDb: deps.readDb,
    databaseUrl,
    now: Date.now,
    issuer: config.issuer,
    operators: clients.operators,
    tokenStatus: revocations.tokenStatus,
    vault: keys.vault,
    challengeKeys: keys.challengeKeys,
    outbound,
    resolveTxt: createTxtResolvers({ servers: config.dnsServers, timeoutMs: config.dnsTimeoutMs }),
    testDomains: config.testDomains,
    settings: { skewS: config.clockSkew },
    federation: {
      ...keys,
      authorizationServer: JSON.parse(authorizationServerMetadata({ baseUrl: config.issuer })),
      superiors: config.federationSuperiors,
    },
    graphRate: rates.graph.subject,
    log,
  })
  opened.defer(() => trust.close())
  const authn = createAuthn({
    ...clients,
    verifyForeign: trust.verifyForeign,
    chaining: trust.chaining,
    idJags: trust.idJags,
    db,
    redeemPool,
    now: Date.now,
    issuer: config.issuer,
    tokenStatus: revocations.tokenStatus,
    verificationKeys,
    keys,
    passedTime: deps.passedTime,
    sawEndpointAudience: reportEndpointAudience(deps),
    chainedRate: rates.token.subject,
    settings: {
      challengeTtlS: config.challengeTtl,
      defaultTtlS: config.tokenTtl,
      ttlS: { min: MIN_TOKEN_TTL_S, max: config.maxTokenTtl },
      skewS: config.clockSkew,
      keepRedemptionS: KEEP_REDEMPTION_S,
      assertionAudience: config.assertionAudience,
    },
  })
  const all = opened.move()
  return {
    routes: [
      ...routesOf(authn.module),
      ...routesOf(authn.oauth),
      ...routesOf(authn.grants),
      ...routesOf(keys.module),
      ...routesOf(trust.issuers),
      ...routesOf(trust.trust),
      ...routesOf(trust.federation),
      ...routesOf(trust.federationAdmin),
    ],
    internal: [],
    jobs: [...keys.jobs, ...authn.jobs, ...trust.jobs],
    close: () => all.disposeAsync(),
    signingKeyFacts: () => keys.signingKeyFacts(),
    issuerFacts: () => trust.issuerFacts(),
    anchorFacts: () => trust.anchorFacts(),
  }
}

/**
 * Returns a function that counts the client assertions with the token endpoint as their audience, and logs one of them
 * an hour, so that an administrator sees which clients still need the setting.
 */
function reportEndpointAudience({ log, metrics }: Pick<ServiceDeps, 'log' | 'metrics'>): (did: string) => void {
  let loggedAt = Number.NEGATIVE_INFINITY
  return (did) => {
    metrics.endpointAudience()
    if (performance.now() - loggedAt < LOG_ENDPOINT_AUDIENCE_MS) return
    loggedAt = performance.now()
    log.warn({ did }, 'a client assertion names the token endpoint as its audience, but should name the issuer')
  }
}

/**
 * Returns how long a key must be published until every copy of the JWKS contains it, in seconds: the longest age of a
 * verifier's copy, plus the longest age of a process's copy of the keys, plus 1 % for clocks that run at different
 * speeds, plus the clock skew.
 */
function publishS(config: Config): number {
  return (config.jwksMaxAge + keysMaxAgeMs(config) / 1000) * 1.01 + config.clockSkew
}

function keysMaxAgeMs({ jwksMaxAge }: Config): number {
  return Math.min(KEYS_MAX_AGE_MS, jwksMaxAge * 1000)
}

function makeRevocation(
  { config, db, revocations, passedTime }: ServiceDeps,
  verificationKeys: VerificationKeys,
): Part & { readonly watchers: () => number } {
  const { store } = revocations
  const onWake = (listener: () => void) => revocations.onWake(listener)
  const revocation = createRevocation({ db, issuer: config.issuer, verificationKeys, store, onWake, passedTime })
  return {
    watchers: () => revocation.watchers,
    routes: routesOf(revocation.module),
    internal: [],
    jobs: [{ name: 'revocation', run: () => revocation.runSchedule() }],
  }
}
