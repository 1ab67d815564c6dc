import {
  AgentDirectoryService,
  KeyHistoryService,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { type Attestation, createAttestation, createAttestorTypes } from '../attestation/index.ts'
import { routesOf } from '../calls/rpc.ts'
import type { ServiceName } from '../configuration/service-names.ts'
import { createIdentity } from '../identity/index.ts'
import { createVerificationKeys, type VerificationKeys } from '../keys/index.ts'
import { pruneLedger } from '../ledger/ledger.ts'
import { createOperatorRegistry, lookUpPoolOptions } from '../operator-registry/index.ts'
import { importHmacKey } from '../platform/crypto/hmac.ts'
import { openPool } from '../platform/db/db.ts'
import { createTxtResolvers } from '../platform/dns/resolve-txt.ts'
import { limitKeys } from '../platform/limits/limit-keys.ts'
import { scaleWorkRates } from '../platform/limits/rates.ts'
import { createOutbound } from '../platform/outbound/outbound.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import { createRevocation } from '../revocation/index.ts'
import { keysMaxAgeMs, makeAuthn, retentionMsOf } from './create-authn.ts'
import type { Agents, Operators, Part, ServiceDeps } from './part.ts'
import { SERVER_SCOPES } from './server-scopes.ts'

const MAX_PENDING = { operators: 100_000, operatorsPerDomain: 16, agentsPerOperator: 1000 } as const

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
  const retentionMs = retentionMsOf(config)
  const ledger: Job = { name: 'ledger', run: () => pruneLedger(db, deps.passedTime, retentionMs) }
  return {
    operators,
    routes: parts.flatMap(({ routes }) => routes),
    internal: parts.flatMap(({ internal }) => internal),
    watchers: revocation?.watchers,
    signingKeyFacts: authn?.signingKeyFacts,
    issuerFacts: authn?.issuerFacts,
    anchorFacts: authn?.anchorFacts,
    verifyAccess: authn?.verifyAccess,
    async close() {
      await Promise.all(parts.map(async (part) => part.close?.()))
    },
    // Every process with a service other than the gateway stores used assertions, so it also removes expired ones.
    jobs: parts.length === 0 ? [] : [...parts.flatMap(({ jobs }) => jobs), ledger],
  }
}

type Histories = InternalClient<typeof KeyHistoryService>

type Registry = Part & { readonly operators: Operators; readonly histories: Histories }

function makeRegistry({ config, databaseUrl, db, readDb, log, metrics }: ServiceDeps): Registry {
  const lookUpPool = openPool({ url: databaseUrl, ...lookUpPoolOptions, log })
  const registry = createOperatorRegistry({
    db,
    readDb,
    lookUpPool,
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
    close: () => lookUpPool.end(),
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
  const { attestation, close } = makeAttestation(deps, operators)
  const identity = createIdentity({
    attestation,
    db,
    readDb,
    now: Date.now,
    operators,
    histories,
    issuer: config.issuer,
    settings,
    serverScopes: SERVER_SCOPES,
    log,
    metrics: metrics.keyEvents,
    limitEvents: limitKeys('token', scaleWorkRates(config.rateFactorPercent / 100).events),
  })
  return {
    agents: localClient(AgentDirectoryService, identity.directory),
    routes: [
      ...routesOf(identity.module),
      ...routesOf(identity.keys),
      ...routesOf(identity.moves),
      ...routesOf(attestation.module),
      ...routesOf(attestation.policy),
    ],
    internal: [{ service: AgentDirectoryService, handlers: identity.directory }],
    jobs: [{ name: 'identity', run: () => identity.runSchedule() }, ...attestation.jobs],
    close,
  }
}

function makeAttestation(
  { config, deployment, db, readDb, log, metrics, passedTime }: ServiceDeps,
  operators: Operators,
): { readonly attestation: Attestation; readonly close: () => Promise<void> } {
  const outbound = createOutbound({
    allow: config.outboundAllow,
    testDomains: config.testDomains,
    outcome: metrics.outbound,
    now: () => performance.now(),
  })
  const nonceKey = importHmacKey(deployment.attestationKey)
  const types = createAttestorTypes({ prisma: db.prisma, outbound, monotonic: () => performance.now(), nonceKey })
  const attestation = createAttestation(
    {
      db,
      readDb,
      now: Date.now,
      skewMs: config.clockSkew * 1000,
      issuer: config.issuer,
      operators,
      nonceKey,
      types,
      serverScopes: SERVER_SCOPES,
      countAppraisal: metrics.countAppraisal,
      limitResults: limitKeys('token', scaleWorkRates(config.rateFactorPercent / 100).results),
      log,
    },
    passedTime,
  )
  return { attestation, close: () => outbound.close() }
}

function makeRevocation(
  { config, db, revocations, passedTime }: ServiceDeps,
  verificationKeys: VerificationKeys,
): Part & { readonly watchers: () => number } {
  const { store } = revocations
  const onWake = (listener: () => void) => revocations.onWake(listener)
  const { issuer, rateFactorPercent } = config
  const replayRate = scaleWorkRates(rateFactorPercent / 100).replays
  const revocation = createRevocation({ db, issuer, verificationKeys, store, onWake, passedTime, replayRate })
  return {
    watchers: () => revocation.watchers,
    routes: routesOf(revocation.module),
    internal: [],
    jobs: [{ name: 'revocation', run: () => revocation.runSchedule() }],
  }
}
