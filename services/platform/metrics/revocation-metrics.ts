import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { DurabilityFacts } from '../db/durability.ts'

/** The metrics of revocations and of the bus. */
export interface RevocationMetrics {
  /**
   * Records how long a revocation waited until all log followers refused the ended tokens, in milliseconds, and how
   * many leases had to expire first.
   */
  settled(ms: number, ranOut: number): void
  /** Counts one check of tokens or of trust, answered from memory or by the database. */
  checked(path: 'memory' | 'database'): void
  /** Counts a bus message with an invalid seal. */
  rejected(): void
  /** Adds gauges that show the state of the sources. */
  show(sources: GaugeSources): void
}

/** Sources that are read with the metrics. An undefined source has no metric. */
interface GaugeSources {
  readonly lease: LeaseSource | undefined
  readonly isBusConnected: (() => boolean) | undefined
  readonly watchers: (() => number) | undefined
  readonly clockGuard: { problem(): string | undefined }
  readonly durability: { readonly facts: DurabilityFacts }
}

/** The lease of a log follower. */
interface LeaseSource {
  readonly holdsLease: boolean
  /** Sequence of the last applied record. */
  readonly sequence: number
}

/** Upper bounds of the buckets in seconds, from one round trip to the longest lease. */
const BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 2, 5, 30]

/** Creates the metrics of revocations in the registry. */
export function createRevocationMetrics(registry: Registry): RevocationMetrics {
  const registers = [registry]
  const settle = new Histogram({
    name: 'auth4agent_revocation_settle_seconds',
    help: 'Time from the commit of a revocation until every log follower refuses the ended tokens.',
    buckets: BUCKETS,
    registers,
  })
  const waits = new Counter({
    name: 'auth4agent_revocation_lease_waits_total',
    help: 'Log followers that did not acknowledge a revocation in time, so that their lease had to expire.',
    registers,
  })
  const checks = new Counter({
    name: 'auth4agent_revocation_checks_total',
    help: 'Checks of tokens for revocation, by path: answered from memory or by the database.',
    labelNames: ['path'],
    registers,
  })
  const rejected = new Counter({
    name: 'auth4agent_bus_rejected_total',
    help: 'Bus messages with an invalid seal.',
    registers,
  })
  return {
    settled(ms, ranOut) {
      settle.observe(ms / 1000)
      waits.inc(ranOut)
    },
    checked: (path) => checks.inc({ path }),
    rejected: () => rejected.inc(),
    show: (sources) => addGauges(registry, sources),
  }
}

function addGauges(
  registry: Registry,
  { lease, isBusConnected, watchers, clockGuard, durability }: GaugeSources,
): void {
  // With several workers, `min` lets an alert see the worst one.
  const gauge = (name: string, help: string, aggregator: 'min' | 'sum', read: () => number) =>
    new Gauge({
      name,
      help,
      aggregator,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge(
    'auth4agent_clock_agrees',
    "1 while the process's clock agrees with the database's clock; at 0 the process refuses all calls.",
    'min',
    () => Number(clockGuard.problem() === undefined),
  )
  gauge(
    'auth4agent_commits_durable',
    '0 while the database does less than AUTH4AGENT_DURABILITY demands; with quorum, nothing is then acknowledged.',
    'min',
    () => Number(durability.facts.problem === undefined),
  )
  if (lease !== undefined) {
    gauge(
      'auth4agent_revocation_lease_valid',
      '1 while a lease lets the process answer verifications from memory.',
      'min',
      () => Number(lease.holdsLease),
    )
    gauge(
      'auth4agent_revocation_log_sequence',
      'Sequence of the last applied record of the revocation log.',
      'min',
      () => lease.sequence,
    )
  }
  if (isBusConnected !== undefined)
    gauge('auth4agent_bus_connected', '1 while the process is connected to NATS.', 'min', () =>
      Number(isBusConnected()),
    )
  if (watchers !== undefined) gauge('auth4agent_watchers', 'Open streams of WatchRevocations.', 'sum', watchers)
}
