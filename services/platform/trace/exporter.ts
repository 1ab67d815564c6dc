import { createNoopMeter, type MeterProvider } from '@opentelemetry/api'
import { ExportResultCode } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Logger } from '../log/log.ts'

/** The counts of the spans, which change. */
export interface Counting {
  exported: number
  failed: number
  dropped: number
}

/** The most spans that wait for the collector, about 2 MB. Further spans are dropped. */
const MAX_WAITING = 2_048
/** The most spans of one request. */
const MAX_BATCH = 512
/** Requests at the same time. A collector that never ends its answers keeps no more batches in memory. */
const MAX_REQUESTS = 2

/** Creates the processor that exports spans in the background. The packages read the settings of the collector. */
export function createSpanProcessor(counts: Counting, log: Pick<Logger, 'info' | 'warn'>): SpanProcessor {
  return new BatchSpanProcessor({
    exporter: reported(new OTLPTraceExporter({ concurrencyLimit: MAX_REQUESTS }), counts, log),
    maxQueueSize: MAX_WAITING,
    maxExportBatchSize: MAX_BATCH,
    selfObsMeterProvider: countDropped(counts),
  })
}

/**
 * Counts what the collector takes. Logs one line when it begins to fail, and one when it takes spans again. To the
 * processor every export succeeds, because a failure is no reason to do anything else.
 */
function reported(inner: SpanExporter, counts: Counting, log: Pick<Logger, 'info' | 'warn'>): SpanExporter {
  let isFailing = false
  return {
    export(spans, done) {
      inner.export(spans, ({ code, error }) => {
        const hasFailed = code !== ExportResultCode.SUCCESS
        if (hasFailed) counts.failed += spans.length
        else counts.exported += spans.length
        if (hasFailed && !isFailing) log.warn({ problem: problemOf(error) }, 'the collector of traces takes no spans')
        if (!hasFailed && isFailing) log.info({}, 'the collector of traces takes spans again')
        isFailing = hasFailed
        done({ code: ExportResultCode.SUCCESS })
      })
    },
    forceFlush: async () => inner.forceFlush?.(),
    shutdown: () => inner.shutdown(),
  }
}

/** Describes an error without the answer of the collector, which may be long. */
function problemOf(error: (Error & { readonly code?: unknown }) | undefined): string {
  const parts = [error?.code, error?.message].filter((part) => part !== undefined && part !== '')
  return parts.join(' ').slice(0, MAX_PROBLEM)
}

const MAX_PROBLEM = 200

/** Returns a meter that counts the spans that the processor drops. */
function countDropped(counts: Counting): MeterProvider {
  const counter = {
    add(count: number, attributes?: Readonly<Record<string, unknown>>) {
      if (attributes?.['error.type'] === 'queue_full') counts.dropped += count
    },
  }
  return { getMeter: () => Object.assign(createNoopMeter(), { createCounter: () => counter }) }
}
