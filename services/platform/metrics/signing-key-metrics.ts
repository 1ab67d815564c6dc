import { Gauge, type Registry } from 'prom-client'

/** A signing key as the metrics show it. */
export interface SigningKeyFacts {
  readonly alg: string
  readonly state: string
  /** Whether it has been published for long enough to sign next. */
  readonly isReady: boolean
  /** Since when it signs, Unix milliseconds; undefined for keys that do not. */
  readonly activeSince: number | undefined
}

/** Shows the signing keys of the deployment, as the last pass of the schedule has seen them. */
export function showSigningKeys(registry: Registry, read: () => readonly SigningKeyFacts[]): void {
  // All workers see the same keys, if not at the same moment.
  const gauge = (
    name: string,
    help: string,
    labels: string[],
    set: (gauge: Gauge, key: SigningKeyFacts) => void,
    aggregator: 'min' | 'max' = 'max',
  ) =>
    registry.registerMetric(
      new Gauge({
        name,
        help,
        aggregator,
        labelNames: labels,
        registers: [],
        collect() {
          this.reset()
          for (const key of read()) set(this, key)
        },
      }),
    )
  gauge('auth4agent_signing_keys', 'Signing keys by algorithm and state.', ['alg', 'state'], (gauge, { alg, state }) =>
    gauge.inc({ alg, state }),
  )
  gauge(
    'auth4agent_signing_keys_ready',
    'Keys that have been published for long enough to sign next, by algorithm.',
    ['alg'],
    (gauge, { alg, isReady }) => gauge.inc({ alg }, Number(isReady)),
    'min',
  )
  gauge(
    'auth4agent_signing_key_active_since_seconds',
    'Unix time since which the key of an algorithm signs; absent where none does.',
    ['alg'],
    (gauge, { alg, activeSince }) => activeSince !== undefined && gauge.set({ alg }, activeSince / 1000),
  )
}
