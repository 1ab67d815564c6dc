import {
  type Context,
  SpanKind as OtelKind,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { ORIGINS } from './first-decision.ts'
import type { Attributes, Span, SpanKind, SpanOptions, TraceCarrier } from './span.ts'

const KINDS: Readonly<Record<SpanKind, OtelKind>> = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
}

/** Where a span begins: its parent or its origin, and what a stranger asks for. */
export interface Beginning {
  readonly context: Context
  /** The span of a stranger that wants to have its trace recorded. */
  readonly claim?: SpanContext | undefined
}

/** A span over one of the packages. */
export class OpenTelemetrySpan implements Span {
  readonly traceId: string
  readonly #tracer: Tracer
  readonly #kind: OtelKind
  readonly #startedAt: number | undefined
  #name: string
  #attributes: Attributes
  #span: OtelSpan
  #claim: SpanContext | undefined

  constructor(tracer: Tracer, name: string, options: SpanOptions, { context, claim }: Beginning) {
    const { kind = 'internal', attributes = {}, links = [], startedAt } = options
    this.#tracer = tracer
    this.#name = name
    this.#kind = KINDS[kind]
    this.#attributes = attributes
    this.#claim = claim
    this.#startedAt = startedAt ?? (claim && performance.now())
    this.#span = this.#start(context, links)
    this.traceId = this.#span.spanContext().traceId
  }

  #start(context: Context, links: readonly Span[] = []): OtelSpan {
    const options = {
      kind: this.#kind,
      attributes: this.#attributes,
      links: links.flatMap(toLink),
      ...(this.#startedAt !== undefined && { startTime: this.#startedAt }),
    }
    return this.#tracer.startSpan(this.#name, options, context)
  }

  get isRecorded(): boolean {
    return isSampled(this.#span.spanContext())
  }

  get context(): SpanContext {
    return this.#span.spanContext()
  }

  get carrier(): TraceCarrier {
    const { traceId, spanId, traceFlags } = this.#span.spanContext()
    const flags = traceFlags & TraceFlags.SAMPLED
    const isClaimed = this.#claim !== undefined
    // A span that nobody records must not be the parent of one that the next process records.
    return { traceparent: `00-${traceId}-${this.#claim?.spanId ?? spanId}-0${flags}`, isClaimed }
  }

  child(name: string, options: SpanOptions = {}): Span {
    const context = trace.setSpanContext(ORIGINS.deployment, this.#span.spanContext())
    return new OpenTelemetrySpan(this.#tracer, name, options, { context })
  }

  describe(name: string, attributes: Attributes = {}): void {
    this.#name = name
    this.#span.updateName(name)
    this.add(attributes)
  }

  add(attributes: Attributes): void {
    if (this.#claim !== undefined) this.#attributes = { ...this.#attributes, ...attributes }
    this.#span.setAttributes(attributes)
  }

  link(to: Span): void {
    this.#span.addLinks(toLink(to))
  }

  fail(errorType: string, isFault = false): void {
    this.#span.setAttribute('error.type', errorType)
    if (isFault) this.#span.setStatus({ code: SpanStatusCode.ERROR })
  }

  vouch(): void {
    const claim = this.#claim
    this.#claim = undefined
    if (claim === undefined || this.isRecorded) return
    // The sampler decides again, now with the flag of the caller.
    const again = this.#start(trace.setSpanContext(ROOT_CONTEXT, claim))
    if (isSampled(again.spanContext())) this.#span = again
  }

  end(): void {
    this.#span.end()
  }
}

/** Returns whether a trace is recorded, as far as the span with this context knows. */
export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0
}

function toLink(span: Span): { context: SpanContext }[] {
  return span instanceof OpenTelemetrySpan ? [{ context: span.context }] : []
}
