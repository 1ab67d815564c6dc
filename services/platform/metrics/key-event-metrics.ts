import { Counter, Gauge, type Registry } from 'prom-client'

/** The metrics of agents' key events. */
export interface KeyEventMetrics {
  /** Counts an event that a log has accepted. */
  readonly accepted: (type: string) => void
  /** Shows how many recoveries of the deployment wait. */
  readonly waiting: (count: number) => void
}

/** Creates the metrics of agents' key events in the registry. */
export function createKeyEventMetrics(registry: Registry): KeyEventMetrics {
  const events = new Counter({
    name: 'auth4agent_key_events_total',
    help: 'Events that the logs of agents have accepted, by type.',
    labelNames: ['type'],
    registers: [registry],
  })
  // All workers see the same recoveries, but not at the same moment, so their values must not be added up.
  const recoveries = new Gauge({
    name: 'auth4agent_recoveries_waiting',
    help: "Recoveries of agents that wait, at the last run of the schedule. An agent's current key can still object.",
    aggregator: 'max',
    registers: [registry],
  })
  return {
    accepted: (type) => events.inc({ type }),
    waiting: (count) => recoveries.set(count),
  }
}
