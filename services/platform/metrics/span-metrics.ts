import { Counter, type Registry } from 'prom-client'

/** The numbers of spans that this process has ended since its start, by outcome. */
export interface SpanCounts {
  readonly exported: number
  /** The collector did not take them. */
  readonly failed: number
  /** They ended while too many others waited. */
  readonly dropped: number
}

/** Adds the metric of the spans of traces. */
export function showSpans(registry: Registry, counts: SpanCounts): void {
  registry.registerMetric(
    new Counter({
      name: 'auth4agent_trace_spans_total',
      help: 'Spans by what became of them: exported, failed (the collector did not take them) or dropped (too many waited).',
      labelNames: ['outcome'],
      registers: [],
      collect() {
        this.reset()
        const { exported, failed, dropped } = counts
        for (const [outcome, count] of Object.entries({ exported, failed, dropped })) this.inc({ outcome }, count)
      },
    }),
  )
}
