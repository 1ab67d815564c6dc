import { Gauge, type Registry } from 'prom-client'

/** Receives what the metrics of the audit's partitions show. */
export interface PartitionMetrics {
  /** How many tables have rows that are in no month's partition. */
  strays(tables: number): void
  /** When the last partition ends, in Unix seconds. */
  endsAt(seconds: number): void
}

/** Creates the metrics of the audit's partitions. */
export function createPartitionMetrics(registry: Registry): PartitionMetrics {
  // A process that makes no partitions shows neither.
  const show = (name: string, help: string, aggregator: 'min' | 'max') => {
    let value: number | undefined
    const gauge = new Gauge({
      name,
      help,
      // All workers look at the same partitions.
      aggregator,
      registers: [],
      collect() {
        if (value !== undefined) this.set(value)
      },
    })
    return (next: number) => {
      if (value === undefined) registry.registerMetric(gauge)
      value = next
    }
  }
  return {
    strays: show(
      'auth4agent_audit_strays',
      'Tables of the audit with rows that are in the partition of no month, at the last run of the schedule.',
      'max',
    ),
    endsAt: show(
      'auth4agent_audit_partitions_end_seconds',
      'When the last partition of the audit ends, in Unix seconds, at the last run of the schedule.',
      'min',
    ),
  }
}
