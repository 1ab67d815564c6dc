import { Gauge, Histogram, type Registry } from 'prom-client'

/** Receives what the metrics of status lists show. */
export interface StatusListMetrics {
  /** Records how long a list took to make, in seconds. */
  made(seconds: number): void
  /** Shows the number of lists in which tokens may still be valid. */
  living(count: number): void
}

const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Creates the metrics of status lists. */
export function createStatusListMetrics(registry: Registry): StatusListMetrics {
  const registers = [registry]
  const durations = new Histogram({
    name: 'auth4agent_status_list_making_seconds',
    help: 'Time to make a status list.',
    buckets: BOUNDS,
    registers,
  })
  const lists = new Gauge({
    name: 'auth4agent_status_lists',
    help: 'Status lists in which tokens may still be valid, at the last run of the schedule.',
    // All workers count the same lists.
    aggregator: 'max',
    registers,
  })
  return { made: (seconds) => durations.observe(seconds), living: (count) => lists.set(count) }
}
