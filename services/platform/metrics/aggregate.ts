import { type Aggregator, AggregatorRegistry, type Registry } from 'prom-client'

/** All metrics of one process at one moment. */
export type Snapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** Where the way that prom-client adds up its own metrics would hide the process that an alert looks for, or drop the metric. */
const AGGREGATORS: Readonly<Record<string, Aggregator>> = {
  process_start_time_seconds: 'min',
  process_max_fds: 'min',
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
}

/** What goes on counting when the process that counted has ended; prom-client names types by these words. */
const COUNTS = new Set<unknown>(['counter', 'histogram'])

/** The metrics of several processes as those of one server, each added up as its `aggregator` says, as Prometheus reads them. */
export function expose(snapshots: readonly Snapshot[]): Promise<string> {
  return aggregate(snapshots).metrics()
}

/**
 * What of these remains when their processes have ended: the sum of their counts. Without it a total would fall when a process
 * ends, and Prometheus takes a fall for a restart that counted everything anew.
 */
export function keepCounts(snapshots: readonly Snapshot[]): Promise<Snapshot> {
  return aggregate(snapshots.map((snapshot) => snapshot.filter(({ type }) => COUNTS.has(type)))).getMetricsAsJSON()
}

/** Counts are multiples of this, so that their sum is exact in whatever order they are added: one that fell by its last bit would be a fall. */
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
