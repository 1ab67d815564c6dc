import { randomUUID } from 'node:crypto'
import { toApiError } from '../errors/api-error.ts'

/** What a span stands for: work inside this process, a call that it answers, or a call that it makes. */
export type SpanKind = 'internal' | 'server' | 'client'

/** Facts about a span. They must be neither secrets nor texts that a caller chose. */
export type Attributes = Readonly<Record<string, string | number>>

/** Options of a span. */
export interface SpanOptions {
  /** The default is internal. */
  readonly kind?: SpanKind
  readonly attributes?: Attributes
  /** Spans of other calls for which this one works too. */
  readonly links?: readonly Span[]
  /** When it began, in monotonic milliseconds. The default is now. */
  readonly startedAt?: number
}

/** What one process of the deployment tells the next one about a span. */
export interface TraceCarrier {
  /** The header of W3C Trace Context. */
  readonly traceparent: string
  /** Whether a stranger asks to record the trace. It is recorded once the stranger has proved who it is. */
  readonly isClaimed: boolean
}

/**
 * A piece of work in a trace (OpenTelemetry). It travels in the call, as the request id does. While tracing is off, a
 * call has no span at all.
 */
export interface Span {
  /** 32 hexadecimal digits. Log lines, the audit and error answers show it. */
  readonly traceId: string
  /** Whether it is exported. Parts of a span that is not exported get no spans. */
  readonly isRecorded: boolean
  readonly carrier: TraceCarrier
  /** Begins a part of this span. */
  child(name: string, options?: SpanOptions): Span
  /** Sets the name, and adds facts. */
  describe(name: string, attributes?: Attributes): void
  add(attributes: Attributes): void
  /** Points from this span to another one. */
  link(to: Span): void
  /** Says why the work has failed. With `isFault`, the span counts as an error of the server. */
  fail(errorType: string, isFault?: boolean): void
  /** Counts the wish of the caller to record its trace, because it has proved who it is. */
  vouch(): void
  /** Ends the span, which exports it. A span that does not end is never exported. */
  end(): void
}

/** The request for which something is done. */
export interface Cause {
  readonly requestId: string
  readonly span?: Span | undefined
}

/** Returns the cause of work that the server does for itself. */
export function ownCause(job: string): Cause {
  return { requestId: `${job}-${randomUUID()}` }
}

/** Returns the fields with which a log line names a request. */
export function causeFields({ requestId, span }: Cause): { readonly requestId: string; readonly trace_id?: string } {
  return span === undefined ? { requestId } : { requestId, trace_id: span.traceId }
}

/** Runs a part of a call. `work` gets the span of this part, or undefined if the trace is not recorded. */
export function traced<T>(
  parent: Span | undefined,
  name: string,
  work: (span: Span | undefined) => Promise<T>,
  options?: SpanOptions,
): Promise<T> {
  return parent?.isRecorded === true ? within(parent.child(name, options), work) : work(undefined)
}

/** Does a part of a call that waits for nothing in a span of its own, if the trace is recorded. */
export function tracedNow<T>(parent: Span | undefined, name: string, work: () => T): T {
  if (parent?.isRecorded !== true) return work()
  const span = parent.child(name)
  try {
    return work()
  } catch (error) {
    span.fail(toApiError(error).reason)
    throw error
  } finally {
    span.end()
  }
}

/**
 * Runs one statement for several calls. The span is a part of the first recorded call and is linked with the others in
 * both directions, because a span can be a part of one trace only.
 */
export function tracedBatch<T>(
  causes: readonly { readonly span?: Span | undefined }[],
  name: string,
  work: () => Promise<T>,
  attributes: Attributes,
): Promise<T> {
  const [parent, ...others] = causes.flatMap(({ span }) => (span?.isRecorded === true ? [span] : []))
  if (parent === undefined) return work()
  const span = parent.child(name, { kind: 'client', attributes, links: others })
  for (const other of others) other.link(span)
  return within(span, work)
}

async function within<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await work(span)
  } catch (error) {
    span.fail(toApiError(error).reason)
    throw error
  } finally {
    span.end()
  }
}
