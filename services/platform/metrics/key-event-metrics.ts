import { Counter, Gauge, type Registry } from 'prom-client'

/** The types of events that can wait for an objection. */
export type WaitingType = 'recover' | 'move'

/** The metrics of agents' key events. */
export interface KeyEventMetrics {
  /** Counts an event that a log has accepted. */
  readonly accepted: (type: string) => void
  /** Shows how many events of the deployment wait, by type. */
  readonly waiting: (counts: Readonly<Record<WaitingType, number>>) => void
}

const WAITING: Readonly<Record<WaitingType, { readonly name: string; readonly help: string }>> = {
  recover: {
    name: 'auth4agent_recoveries_waiting',
    help: "Recoveries of agents that wait, at most 1,000, at the last run of the schedule. An agent's current key can still object.",
  },
  move: {
    name: 'auth4agent_moves_waiting',
    help: "Moves of agents within AUTH4AGENT_MOVE_DELAY that wait for a release or an objection of the agents' operators, at most 1,000, at the last run of the schedule.",
  },
}

/** Creates the metrics of agents' key events in the registry. */
export function createKeyEventMetrics(registry: Registry): KeyEventMetrics {
  const events = new Counter({
    name: 'auth4agent_key_events_total',
    help: 'Events that the logs of agents have accepted, by type.',
    labelNames: ['type'],
    registers: [registry],
  })
  // All workers see the same events, but not at the same moment, so their values must not be added up.
  const gaugeOf = (type: WaitingType) => new Gauge({ ...WAITING[type], aggregator: 'max', registers: [registry] })
  const gauges = { recover: gaugeOf('recover'), move: gaugeOf('move') }
  return {
    accepted: (type) => events.inc({ type }),
    waiting({ recover, move }) {
      gauges.recover.set(recover)
      gauges.move.set(move)
    },
  }
}
