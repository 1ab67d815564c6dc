import type pg from 'pg'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { expose, type Snapshot } from './aggregate.ts'
import { type Exposition, rememberExposition } from './exposition.ts'
import { type AnchorFacts, type IssuerFacts, showAnchors, showIssuers } from './issuer-metrics.ts'
import { createKeyEventMetrics, type KeyEventMetrics } from './key-event-metrics.ts'
import { createPartitionMetrics, type PartitionMetrics } from './partition-metrics.ts'
import { createPushMetrics, type PushMetrics } from './push-metrics.ts'
import { createRevocationMetrics, type RevocationMetrics } from './revocation-metrics.ts'
import { type SigningKeyFacts, showSigningKeys } from './signing-key-metrics.ts'
import { type SpanCounts, showSpans } from './span-metrics.ts'
import { createStatusListMetrics, type StatusListMetrics } from './status-list-metrics.ts'

/** The metrics of a process. Labels come from fixed sets, never from the input of a caller. */
export interface Metrics {
  readonly exposition: Exposition
  /** Returns the metrics for the primary process, which combines the metrics of all workers. */
  snapshot(): Promise<Snapshot>
  /** Records one call of an RPC. `reason` is OK or the reason of its error. */
  observe(service: string, method: string, reason: string, seconds: number): void
  callStarted(): void
  callEnded(): void
  /** Counts a connection that a listener closed to stay within its limits. */
  readonly connectionClosed: (port: string, reason: string) => void
  /** Counts how a request to a server outside the deployment has ended: OK, or why it has failed. */
  readonly outbound: (outcome: string) => void
  /** Counts a client assertion that named the token endpoint as its audience. */
  readonly endpointAudience: () => void
  /** Counts a refusal that was left out of the audit. */
  readonly leftOutRefusal: () => void
  /** Counts an appraisal of evidence, by the attestor's type and its outcome. */
  readonly countAppraisal: (type: string, outcome: string) => void
  /** Counts a check for a proxy by its outcome. */
  readonly countCheck: (outcome: string) => void
  /** Counts a question whether an identity provider still vouches for a user, by its outcome. */
  readonly countProviderCheck: (outcome: string) => void
  readonly revocation: RevocationMetrics
  /** Adds the metric of the frozen operators. */
  showFrozenOperators(read: () => number): void
  readonly keyEvents: KeyEventMetrics
  readonly push: PushMetrics
  /** Adds the metrics of the foreign issuers. */
  showIssuers(read: () => readonly IssuerFacts[]): void
  /** Shows the trust anchors that this process knows. */
  showAnchors(read: () => readonly AnchorFacts[]): void
  readonly statusLists: StatusListMetrics
  readonly partitions: PartitionMetrics
  /** Adds the metric of the spans of traces. */
  showSpans(counts: SpanCounts): void
  /** Adds the metrics of the signing keys. */
  showSigningKeys(read: () => readonly SigningKeyFacts[]): void
}

/** Upper bounds of the buckets in seconds, from a cached answer to the deadline of the database. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Methods that issue tokens. */
const ISSUING: ReadonlySet<string> = new Set(['AuthnService/IssueToken', 'OAuthService/Token'])

/** Creates the metrics of this process: calls, tokens, database pool, event loop and memory. */
export function createMetrics(pool: pg.Pool): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const calls = new Counter({
    name: 'auth4agent_calls_total',
    help: 'Calls by RPC and reason. OK means success. CALLER_DEADLINE means that the caller set too short a deadline.',
    labelNames: ['service', 'method', 'reason'],
    registers,
  })
  const durations = new Histogram({
    name: 'auth4agent_call_duration_seconds',
    help: 'Time from the start of a call to its answer.',
    labelNames: ['service', 'method'],
    buckets: BOUNDS,
    registers,
  })
  const issued = new Counter({ name: 'auth4agent_tokens_issued_total', help: 'Tokens issued.', registers })
  const refused = new Counter({
    name: 'auth4agent_tokens_refused_total',
    help: 'Token requests refused, by reason.',
    labelNames: ['reason'],
    registers,
  })
  const closed = new Counter({
    name: 'auth4agent_connections_closed_total',
    help: 'Connections that a listener refused or closed to stay within its limits, by port and reason.',
    labelNames: ['port', 'reason'],
    registers,
  })
  const endpointAudience = new Counter({
    name: 'auth4agent_assertions_for_endpoint_total',
    help: 'Client assertions that named the token endpoint as their audience. AUTH4AGENT_ASSERTION_AUDIENCE allows it.',
    registers,
  })
  const leftOutRefusals = new Counter({
    name: 'auth4agent_audit_refusals_left_out_total',
    help: 'Refusals without a record in the audit, because their caller had too many of them.',
    registers,
  })
  let callsInFlight = 0
  registry.registerMetric(
    new Gauge({
      name: 'auth4agent_calls_in_flight',
      help: 'Calls that have started and not yet ended.',
      registers: [],
      collect() {
        this.set(callsInFlight)
      },
    }),
  )
  registry.registerMetric(poolGauge(pool))
  const snapshot = () => registry.getMetricsAsJSON()
  return {
    exposition: rememberExposition(async () => expose([await snapshot()])),
    snapshot,
    observe(service, method, reason, seconds) {
      calls.inc({ service, method, reason })
      durations.observe({ service, method }, seconds)
      if (!ISSUING.has(`${service}/${method}`)) return
      if (reason === 'OK') issued.inc()
      else refused.inc({ reason })
    },
    callStarted: () => {
      callsInFlight += 1
    },
    callEnded: () => {
      callsInFlight -= 1
    },
    endpointAudience: () => endpointAudience.inc(),
    leftOutRefusal: () => leftOutRefusals.inc(),
    outbound: createOutboundMetric(registry),
    countAppraisal: createAppraisalMetric(registry),
    countCheck: createCheckMetric(registry),
    countProviderCheck: createProviderCheckMetric(registry),
    statusLists: createStatusListMetrics(registry),
    partitions: createPartitionMetrics(registry),
    connectionClosed: (port, reason) => closed.inc({ port, reason }),
    revocation: createRevocationMetrics(registry),
    showFrozenOperators: (read) => registry.registerMetric(frozenGauge(read)),
    keyEvents: createKeyEventMetrics(registry),
    push: createPushMetrics(registry),
    showIssuers: (read) => showIssuers(registry, read),
    showAnchors: (read) => showAnchors(registry, read),
    showSpans: (counts) => showSpans(registry, counts),
    showSigningKeys: (read) => showSigningKeys(registry, read),
  }
}

function frozenGauge(read: () => number): Gauge {
  return new Gauge({
    name: 'auth4agent_operators_frozen',
    help: 'Operators whose DNS record names a key that is no root key of theirs, at most 1,000, at the last run of the schedule.',
    // All workers count the same operators.
    aggregator: 'max',
    registers: [],
    collect() {
      this.set(read())
    },
  })
}

function createOutboundMetric(registry: Registry): Metrics['outbound'] {
  const requests = new Counter({
    name: 'auth4agent_outbound_requests_total',
    help: 'Requests to servers outside the deployment, by outcome. A stream counts when it ends.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  return (outcome) => requests.inc({ outcome })
}

function createCheckMetric(registry: Registry): Metrics['countCheck'] {
  const checks = new Counter({
    name: 'auth4agent_proxy_checks_total',
    help: 'Checks for proxies by outcome: passed, unauthenticated (401), forbidden (403) or undecided (503).',
    labelNames: ['outcome'],
    registers: [registry],
  })
  return (outcome) => checks.inc({ outcome })
}

function createProviderCheckMetric(registry: Registry): Metrics['countProviderCheck'] {
  const checks = new Counter({
    name: 'auth4agent_provider_checks_total',
    help: 'Questions whether an identity provider still vouches for a user, by outcome: vouched, refused or unavailable.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  return (outcome) => checks.inc({ outcome })
}

function createAppraisalMetric(registry: Registry): Metrics['countAppraisal'] {
  const appraisals = new Counter({
    name: 'auth4agent_appraisals_total',
    help: 'Appraisals of the evidence of agents, by type of the attestor and outcome.',
    labelNames: ['type', 'outcome'],
    registers: [registry],
  })
  return (type, outcome) => appraisals.inc({ type, outcome })
}

function poolGauge(pool: pg.Pool): Gauge {
  const states = { total: () => pool.totalCount, idle: () => pool.idleCount, waiting: () => pool.waitingCount }
  return new Gauge({
    name: 'auth4agent_db_pool_connections',
    help: 'Database connections by state; waiting counts callers that wait for a connection.',
    labelNames: ['state'],
    registers: [],
    collect() {
      for (const [state, count] of Object.entries(states)) this.set({ state }, count())
    },
  })
}
