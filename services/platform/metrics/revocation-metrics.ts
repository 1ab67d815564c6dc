import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What is counted of revocations, and of the bus that carries them. */
export interface RevocationMetrics {
  /** One wait until all verifiers knew, in milliseconds, and for how many of them a lease had to run out. */
  settled(ms: number, ranOut: number): void
  /** One question whether a token stands. */
  checked(path: 'memory' | 'database'): void
  /** A message of the bus that was not of this deployment. */
  rejected(): void
  /** Whose state the gauges show, from now on. */
  show(sources: GaugeSources): void
}

/** Read whenever the metrics are. What a process does not have is undefined, and no metric tells of it. */
interface GaugeSources {
  readonly lease: LeaseSource | undefined
  readonly isBusConnected: (() => boolean) | undefined
  readonly watchers: (() => number) | undefined
  readonly clockGuard: { problem(): string | undefined }
}

/** A verifier's lease. */
interface LeaseSource {
  readonly holdsLease: boolean
  /** The last record in effect. */
  readonly sequence: number
}

/** Upper bounds in seconds, from one round trip to the longest lease. */
const BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 2, 5, 30]

/** Registers them. */
export function createRevocationMetrics(registry: Registry): RevocationMetrics {
  const registers = [registry]
  const settle = new Histogram({
    name: 'auth4agent_revocation_settle_seconds',
    help: 'Time from the commit of what ends tokens until every verifier refuses them.',
    buckets: BUCKETS,
    registers,
  })
  const waits = new Counter({
    name: 'auth4agent_revocation_lease_waits_total',
    help: 'Verifiers that did not acknowledge, so that their lease had to run out.',
    registers,
  })
  const checks = new Counter({
    name: 'auth4agent_revocation_checks_total',
    help: 'Questions whether a token stands, by where they were answered.',
    labelNames: ['path'],
    registers,
  })
  const rejected = new Counter({
    name: 'auth4agent_bus_rejected_total',
    help: 'Messages on the bus that did not verify.',
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

function addGauges(registry: Registry, { lease, isBusConnected, watchers, clockGuard }: GaugeSources): void {
  // Over several workers an alert is to see the one that is worst off.
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
  gauge('auth4agent_clock_agrees', "1 while the clock agrees with the database's; 0 refuses all calls.", 'min', () =>
    Number(clockGuard.problem() === undefined),
  )
  if (lease !== undefined) {
    gauge('auth4agent_revocation_lease_valid', '1 while verifications are answered from memory.', 'min', () =>
      Number(lease.holdsLease),
    )
    gauge(
      'auth4agent_revocation_log_sequence',
      'Last record of the revocation log in effect here.',
      'min',
      () => lease.sequence,
    )
  }
  if (isBusConnected !== undefined)
    gauge('auth4agent_bus_connected', '1 while the process is connected to NATS.', 'min', () =>
      Number(isBusConnected()),
    )
  if (watchers !== undefined)
    gauge('auth4agent_watchers', 'Streams of WatchRevocations that are open.', 'sum', watchers)
}
