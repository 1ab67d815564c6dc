import { Gauge, type Registry } from 'prom-client'

/** The facts of a signing key that the metrics show. */
export interface SigningKeyFacts {
  readonly purpose: string
  readonly alg: string
  readonly state: string
  /** Whether the key is prepared and has been published long enough to sign. */
  readonly isReady: boolean
  /** When the key became active, in Unix milliseconds. Undefined for keys that are not active. */
  readonly activeSince: number | undefined
}

/** Adds the metrics of the deployment's signing keys. They show the state at the last run of the schedule. */
export function showSigningKeys(registry: Registry, read: () => readonly SigningKeyFacts[]): void {
  // All workers see the same keys, but not at the same moment, so their values must not be added up.
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
  gauge(
    'auth4agent_signing_keys',
    'Signing keys by purpose, algorithm and state.',
    ['purpose', 'alg', 'state'],
    (gauge, { purpose, alg, state }) => gauge.inc({ purpose, alg, state }),
  )
  gauge(
    'auth4agent_signing_keys_ready',
    'Ready signing keys by purpose and algorithm: prepared and published long enough to sign.',
    ['purpose', 'alg'],
    (gauge, { purpose, alg, isReady }) => gauge.inc({ purpose, alg }, Number(isReady)),
    'min',
  )
  gauge(
    'auth4agent_signing_key_active_since_seconds',
    'Unix time at which the active key of a purpose and algorithm began to sign; absent without an active key.',
    ['purpose', 'alg'],
    (gauge, { purpose, alg, activeSince }) =>
      activeSince !== undefined && gauge.set({ purpose, alg }, activeSince / 1000),
  )
}
