import { AgentDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { type Attestation, createAttestation, createAttestorTypes } from '../attestation/index.ts'
import { routesOf } from '../calls/rpc.ts'
import { createIdentity } from '../identity/index.ts'
import { importHmacKey } from '../platform/crypto/hmac.ts'
import { limitKeys } from '../platform/limits/limit-keys.ts'
import { scaleWorkRates } from '../platform/limits/rates.ts'
import { createOutbound } from '../platform/outbound/outbound.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import type { Agents, Histories, Operators, Part, ServiceDeps } from './part.ts'
import { SERVER_SCOPES } from './server-scopes.ts'

/** How many agents of one operator may wait for its approval. */
const MAX_PENDING_AGENTS = 1000

/** Creates identity, with the attestation of agents. */
export function makeIdentity(
  deps: ServiceDeps,
  operators: Operators,
  histories: Histories,
): Part & { readonly agents: Agents } {
  const { config, db, readDb, log, metrics } = deps
  const settings = {
    pendingTtlMs: config.pendingTtl * 1000,
    maxPendingPerOperator: MAX_PENDING_AGENTS,
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
  { config, deployment, db, readDb, log, metrics, passedTime, tracing }: ServiceDeps,
  operators: Operators,
): { readonly attestation: Attestation; readonly close: () => Promise<void> } {
  const outbound = createOutbound({
    allow: config.outboundAllow,
    testDomains: config.testDomains,
    outcome: metrics.outbound,
    now: () => performance.now(),
    tracing,
    traceHosts: config.traceOutbound,
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
