import type { SpanCounts } from '../metrics/span-metrics.ts'
import type { Cause, Span, SpanOptions, TraceCarrier } from './span.ts'

/** Begins the traces of a process. */
export interface Tracing {
  /**
   * Begins the span of a request from outside the deployment. `traceparent` is the header as sent. A malformed one is
   * ignored (W3C Trace Context section 3.2). A trusted caller decides whether its trace is recorded. Only the ids of a
   * stranger are kept.
   */
  arrive(traceparent: string | undefined, isTrusted: boolean): Span
  /** Begins the span of work for a call of another process of the deployment. */
  proceed(carrier: TraceCarrier, name: string, options: SpanOptions): Span
  /** Begins a trace of work that no call causes. With `always`, it is recorded whatever the sampler says. */
  begin(name: string, options: SpanOptions & { readonly always?: boolean }): Span
  /** The numbers of ended spans, by outcome. */
  readonly counts: SpanCounts
  /** Exports the spans that wait, for a few seconds at most. */
  stop(): Promise<void>
}

/** The headers of W3C Trace Context that a process may get, and whether their sender is trusted. */
export function arrived(
  tracing: Tracing | undefined,
  traceparent: unknown,
  isTrusted: () => boolean,
): Pick<Cause, 'span'> {
  if (tracing === undefined) return {}
  return { span: tracing.arrive(typeof traceparent === 'string' ? traceparent : undefined, isTrusted()) }
}
