import { type Aggregator, AggregatorRegistry, type Registry } from 'prom-client'

/** All metrics of one process at one moment. */
export type Snapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/**
 * Aggregators for prom-client's own metrics. The default aggregator would drop the metric, or would hide the worst
 * process from an alert.
 */
const AGGREGATORS: Readonly<Record<string, Aggregator>> = {
  process_start_time_seconds: 'min',
  process_max_fds: 'min',
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
}

/** Types of metrics whose values remain when the process that counted them has ended, as prom-client names them. */
const COUNTS = new Set<unknown>(['counter', 'histogram'])

/**
 * Combines the metrics of several processes by the `aggregator` of each metric. Returns the text format of Prometheus.
 */
export function expose(snapshots: readonly Snapshot[]): Promise<string> {
  return aggregate(snapshots).metrics()
}

/**
 * Returns the sum of the counts of processes that have ended. Without it, a total would fall when a process ends, and
 * Prometheus would mistake the fall for a restart.
 */
export function keepCounts(snapshots: readonly Snapshot[]): Promise<Snapshot> {
  return aggregate(snapshots.map((snapshot) => snapshot.filter(({ type }) => COUNTS.has(type)))).getMetricsAsJSON()
}

/**
 * Counts are rounded to multiples of this, so that their sum is exact in any order. Otherwise a rounding error could
 * make a total fall slightly.
 */
const GRAIN = 2 ** -30

function aggregate(snapshots: readonly Snapshot[]): Registry {
  return AggregatorRegistry.aggregate(
    snapshots.map((snapshot) =>
      snapshot.map((metric) => ({
        ...metric,
        values: COUNTS.has(metric.type) ? metric.values.map(inGrains) : metric.values,
        aggregator: AGGREGATORS[metric.name] ?? metric.aggregator,
      })),
    ),
  )
}

function inGrains<T extends { readonly value: number }>(counted: T): T {
  return { ...counted, value: Math.round(counted.value / GRAIN) * GRAIN }
}
