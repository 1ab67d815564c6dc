import { Counter, Histogram } from 'prom-client'
import type { Snapshot } from './aggregate.ts'

/** How often each RPC was called, what came of it, and how long it took. */
export interface CallMetrics {
  observe(service: string, method: string, reason: string, seconds: number): void
  snapshot(): Promise<Snapshot>
}

/** The calls of one RPC. */
interface Calls {
  readonly labels: { readonly service: string; readonly method: string }
  readonly byReason: Map<string, number>
  /** How many took at most as long as each bound, and longer than the one before; those beyond all bounds come last. */
  readonly byDuration: number[]
  seconds: number
}

/** Upper bounds in seconds, from a cached answer to the database's deadline. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/**
 * Counts calls. prom-client says what the metrics are and how they are written; counting in its own would look for the series by its
 * labels at every call, which takes longer than some calls do.
 */
export function createCallMetrics(): CallMetrics {
  const total = new Counter({
    name: 'auth4agent_calls_total',
    help: 'Calls by RPC and reason; reason is OK for those that succeeded.',
    labelNames: ['service', 'method', 'reason'],
    registers: [],
  })
  const duration = new Histogram({
    name: 'auth4agent_call_duration_seconds',
    help: 'Time from a call to its answer.',
    labelNames: ['service', 'method'],
    buckets: BOUNDS,
    registers: [],
  })
  const services = new Map<string, Map<string, Calls>>()
  const callsOf = (service: string, method: string): Calls => {
    const methods = services.get(service) ?? new Map<string, Calls>()
    services.set(service, methods)
    const byDuration = [...BOUNDS, Number.POSITIVE_INFINITY].map(() => 0)
    const calls = { labels: { service, method }, byReason: new Map<string, number>(), byDuration, seconds: 0 }
    methods.set(method, calls)
    return calls
  }
  return {
    observe(service, method, reason, seconds) {
      const calls = services.get(service)?.get(method) ?? callsOf(service, method)
      calls.byReason.set(reason, (calls.byReason.get(reason) ?? 0) + 1)
      let place = 0
      for (const bound of BOUNDS) {
        if (seconds <= bound) break
        place += 1
      }
      calls.byDuration[place] = (calls.byDuration[place] ?? 0) + 1
      calls.seconds += seconds
    },
    async snapshot() {
      const all = services
        .values()
        .flatMap((methods) => methods.values())
        .toArray()
      return [
        { ...(await total.get()), values: all.flatMap(totals) },
        { ...(await duration.get()), values: all.flatMap(durations) },
      ]
    },
  }
}

function totals({ labels, byReason }: Calls) {
  return [...byReason].map(([reason, value]) => ({ labels: { ...labels, reason }, value }))
}

/** A histogram as Prometheus has it: each bucket counts all below it too. */
function durations({ labels, byDuration, seconds }: Calls) {
  const name = 'auth4agent_call_duration_seconds'
  let below = 0
  const buckets = byDuration.map((count, place) => {
    below += count
    return { metricName: `${name}_bucket`, labels: { le: BOUNDS[place] ?? '+Inf', ...labels }, value: below }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: seconds },
    { metricName: `${name}_count`, labels, value: below },
  ]
}
