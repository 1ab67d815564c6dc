import { setTimeout as delay } from 'node:timers/promises'
import { DiagLogLevel, diag, ROOT_CONTEXT, type SpanContext, TraceFlags, type Tracer, trace } from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { StartupError } from '../errors/startup-error.ts'
import type { Logger } from '../log/log.ts'
import { type Counting, createSpanProcessor } from './exporter.ts'
import { decideFirst, ORIGINS } from './first-decision.ts'
import { type Beginning, isSampled, OpenTelemetrySpan } from './open-telemetry-span.ts'
import type { SamplerName } from './sampler-names.ts'
import { createSampler } from './samplers.ts'
import type { Tracing } from './tracing.ts'

/** Options of startTracing. */
export interface TracingOptions {
  readonly sampler: { readonly name: SamplerName; readonly ratio: number }
  /** The default of OTEL_SERVICE_NAME. */
  readonly serviceName: string
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/** A longer value is cut. No value should be longer; this bounds what a mistake can cost. */
const MAX_VALUE = 256
/** How long spans that wait may delay the end of a process, in milliseconds. */
const LAST_EXPORT_MS = 2_000

/**
 * Starts to trace. The packages read OTEL_EXPORTER_OTLP_*, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES from the
 * environment.
 *
 * @throws StartupError for a value that the packages would ignore
 */
export function startTracing({ sampler, serviceName, log }: TracingOptions): Tracing {
  const counts: Counting = { exported: 0, failed: 0, dropped: 0 }
  const provider = refusingIgnored(
    () =>
      new TracerProvider({
        sampler: decideFirst(createSampler(sampler)),
        resource: defaultResource()
          .merge(resourceFromAttributes({ 'service.name': serviceName }))
          .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })),
        spanLimits: { attributeValueLengthLimit: MAX_VALUE },
        spanProcessors: [createSpanProcessor(counts, log)],
      }),
  )
  return tracingOf(provider.getTracer('auth4agent'), counts, () => provider.shutdown())
}

const silent = (): void => undefined

/** Runs work with the packages, which only warn of values that they ignore. Throws StartupError for such a warning. */
function refusingIgnored<T>(work: () => T): T {
  const ignored: string[] = []
  const note = (message: string): void => void ignored.push(message)
  const noteFailure = (message: string): void => void (message.includes(' failed: ') && ignored.push(message))
  const logger = { error: note, warn: note, info: silent, debug: noteFailure, verbose: silent }
  diag.setLogger(logger, { logLevel: DiagLogLevel.DEBUG, suppressOverrideMessage: true })
  try {
    const made = work()
    if (ignored.length > 0) throw new StartupError(`A setting of traces is wrong: ${ignored.join('; ')}`)
    return made
  } finally {
    diag.disable()
  }
}

/** Returns traces over a tracer of the packages. `stop` exports what waits. */
export function tracingOf(tracer: Tracer, counts: Counting, stop: () => Promise<void>): Tracing {
  return {
    counts,
    arrive: (traceparent, isTrusted) =>
      new OpenTelemetrySpan(tracer, '', { kind: 'server' }, arrival(traceparent, isTrusted)),
    proceed: ({ traceparent, isClaimed }, name, options) =>
      new OpenTelemetrySpan(tracer, name, options, continuation(traceparent, isClaimed)),
    begin: (name, { always = false, ...options }) =>
      new OpenTelemetrySpan(tracer, name, options, { context: always ? ORIGINS.always : ROOT_CONTEXT }),
    stop: () => Promise.race([stop(), delay(LAST_EXPORT_MS, undefined, { ref: false })]),
  }
}

/** Returns how a request from outside the deployment begins its span. */
function arrival(traceparent: string | undefined, isTrusted: boolean): Beginning {
  const parent = parsed(traceparent)
  if (parent === undefined) return { context: ROOT_CONTEXT }
  if (isTrusted) return { context: trace.setSpanContext(ROOT_CONTEXT, parent) }
  const context = trace.setSpanContext(ORIGINS.stranger, { ...parent, traceFlags: TraceFlags.NONE })
  return { context, claim: isSampled(parent) ? parent : undefined }
}

/** Returns how work for another process of the deployment begins its span. */
function continuation(traceparent: string, isClaimed: boolean): Beginning {
  const parent = parsed(traceparent)
  if (parent === undefined) return { context: ROOT_CONTEXT }
  const claim = isClaimed ? { ...parent, traceFlags: TraceFlags.SAMPLED } : undefined
  return { context: trace.setSpanContext(ORIGINS.deployment, parent), claim }
}

function parsed(traceparent: string | undefined): SpanContext | undefined {
  const context = traceparent === undefined ? null : parseTraceParent(traceparent)
  return context === null ? undefined : { ...context, isRemote: true }
}
