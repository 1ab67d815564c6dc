import { Counter, Gauge, type Registry } from 'prom-client'

/** The metrics of security events that are pushed to receivers. */
export interface PushMetrics {
  readonly delivered: () => void
  readonly failed: () => void
  /** Shows the age of the oldest event that is still to be pushed, in seconds. */
  readonly lag: (seconds: number) => void
}

/** Creates the metrics of pushed events in the registry. */
export function createPushMetrics(registry: Registry): PushMetrics {
  const pushes = new Counter({
    name: 'auth4agent_events_pushed_total',
    help: 'Deliveries of security events to receivers, by outcome. A failed one is sent again.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  const lag = new Gauge({
    name: 'auth4agent_events_push_lag_seconds',
    help: 'Age of the oldest security event that an enabled stream has still to push.',
    // All workers see the same streams.
    aggregator: 'max',
    registers: [registry],
  })
  return {
    delivered: () => pushes.inc({ outcome: 'delivered' }),
    failed: () => pushes.inc({ outcome: 'failed' }),
    lag: (seconds) => lag.set(seconds),
  }
}
