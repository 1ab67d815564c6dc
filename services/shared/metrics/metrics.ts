import type pg from 'pg'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Snapshot } from './aggregate.ts'
import { type Exposition, rememberExposition } from './exposition.ts'
import { createRevocationMetrics, type RevocationMetrics } from './revocation-metrics.ts'
import { type SigningKeyFacts, showSigningKeys } from './signing-key-metrics.ts'

/** What the server counts. Labels come from fixed sets, never from what a caller sends. */
export interface Metrics {
  readonly exposition: Exposition
  /** The same for another process that adds several up. */
  snapshot(): Promise<Snapshot>
  /** One call of an RPC: `reason` is OK or the reason it was refused. */
  observe(service: string, method: string, reason: string, seconds: number): void
  callStarted(): void
  callEnded(): void
  readonly revocation: RevocationMetrics
  /** Shows the signing keys, from now on. */
  showSigningKeys(read: () => readonly SigningKeyFacts[]): void
}

/** Upper bounds in seconds, from a cached answer to the database's deadline. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Prometheus metrics of this process: calls, tokens, the database pool, event loop and memory. */
export function createMetrics(pool: pg.Pool): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  // Counted here and told when it is asked: prom-client looks for a series by its labels at each count, which takes longer.
  const calls: { readonly labels: Record<'service' | 'method' | 'reason', string>; count: number }[] = []
  registry.registerMetric(
    new Counter({
      name: 'auth4agent_calls_total',
      help: 'Calls by RPC and reason; reason is OK for those that succeeded.',
      labelNames: ['service', 'method', 'reason'],
      registers: [],
      collect() {
        this.reset()
        for (const { labels, count } of calls) this.inc(labels, count)
      },
    }),
  )
  const latency = new Histogram({
    name: 'auth4agent_call_duration_seconds',
    help: 'Time from a call to its answer.',
    labelNames: ['service', 'method'],
    buckets: BUCKETS,
    registers,
  })
  const issued = new Counter({ name: 'auth4agent_tokens_issued_total', help: 'Tokens issued.', registers })
  const refused = new Counter({
    name: 'auth4agent_tokens_refused_total',
    help: 'Token requests refused, by reason.',
    labelNames: ['reason'],
    registers,
  })
  let callsInFlight = 0
  registry.registerMetric(
    new Gauge({
      name: 'auth4agent_calls_in_flight',
      help: 'Calls being answered.',
      registers: [],
      collect() {
        this.set(callsInFlight)
      },
    }),
  )
  // Finding the series of some labels costs more than counting in it.
  const callsOf = remember((service, method, reason) => {
    const series = { labels: { service, method, reason }, count: 0 }
    calls.push(series)
    return series
  })
  const latencyOf = remember((service, method) => latency.labels({ service, method }))
  registry.registerMetric(poolGauge(pool))
  return {
    exposition: rememberExposition(() => registry.metrics()),
    snapshot: () => registry.getMetricsAsJSON(),
    observe(service, method, reason, seconds) {
      callsOf(service, method, reason).count += 1
      latencyOf(service, method, '').observe(seconds)
      if (method !== 'IssueToken') return
      if (reason === 'OK') issued.inc()
      else refused.inc({ reason })
    },
    callStarted: () => {
      callsInFlight += 1
    },
    callEnded: () => {
      callsInFlight -= 1
    },
    revocation: createRevocationMetrics(registry),
    showSigningKeys: (read) => showSigningKeys(registry, read),
  }
}

/** Keeps what was found for labels; there is a fixed number of them. */
function remember<T>(find: (service: string, method: string, reason: string) => T): typeof find {
  const known = new Map<string, T>()
  return (service, method, reason) => {
    const key = `${service} ${method} ${reason}`
    const before = known.get(key)
    if (before !== undefined) return before
    const found = find(service, method, reason)
    known.set(key, found)
    return found
  }
}

function poolGauge(pool: pg.Pool): Gauge {
  const states = { total: () => pool.totalCount, idle: () => pool.idleCount, waiting: () => pool.waitingCount }
  return new Gauge({
    name: 'auth4agent_db_pool_connections',
    help: 'Database connections by state; waiting counts callers without one.',
    labelNames: ['state'],
    registers: [],
    collect() {
      for (const [state, count] of Object.entries(states)) this.set({ state }, count())
    },
  })
}
