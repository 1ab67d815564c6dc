import type { DescMethod } from '@bufbuild/protobuf'
import { type ApiError, toApiError } from '../platform/errors/api-error.ts'
import { type ReasonCode, reasons } from '../platform/errors/reasons.ts'
import type { LogFormat, Logger } from '../platform/log/log.ts'
import type { Metrics } from '../platform/metrics/metrics.ts'
import { causeFields, type Span } from '../platform/trace/span.ts'
import { methodName } from './method-name.ts'
import type { Caller, Meta } from './rpc.ts'

/** Dependencies of observe. */
export interface ObserverDeps {
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'observe'>
  /** The level of the log line for each call. The default is info. */
  readonly callLevel?: CallLevel
}

type CallLevel = 'debug' | 'info'

/**
 * The level of the log line for each call, by format. A person reads the text format at a terminal, so that format
 * hides ordinary calls at the default level.
 */
export const callLevels: Readonly<Record<LogFormat, CallLevel>> = { json: 'info', text: 'debug' }

/** Logs and counts one request, exactly once. */
interface Observation {
  /** Notes that a stream begins to send messages. The time until then counts as its latency. */
  opened(): void
  /**
   * Notes why the request failed, and returns the error as an ApiError.
   * @param isCallersDeadline whether the caller set a shorter deadline than the server's, so that exceeding it is no
   * fault
   */
  failed(thrown: unknown, isCallersDeadline?: boolean): ApiError
  ended(): void
}

/** The name of service and method, in log and metrics, of a request that reaches no method. */
const NONE = 'none'

/** The reason in log and metrics when the deadline of the caller has passed. The caller gets DEADLINE_EXCEEDED. */
const CALLERS_DEADLINE = 'CALLER_DEADLINE'

/** Returns whether the caller's deadline is shorter than the server's. */
export function isCallersDeadline({ deadlineMs }: { readonly deadlineMs: number }, { timeoutMs }: Meta): boolean {
  return timeoutMs !== undefined && timeoutMs < deadlineMs
}

/** Begins to observe a request: for the log, the metrics and its trace. */
export function observe(
  deps: ObserverDeps,
  method: DescMethod | undefined,
  caller: Caller & Pick<Meta, 'route'>,
): Observation {
  const { log, metrics, callLevel = 'info' } = deps
  const { source, span } = caller
  const ids = causeFields(caller)
  const service = method?.parent.name ?? NONE
  const name = method?.name ?? NONE
  const rpc = `${service}/${name}`
  const startedAt = performance.now()
  if (span !== undefined) describe(span, method, caller.route)
  let reason: ReasonCode | 'OK' | typeof CALLERS_DEADLINE = 'OK'
  let latencyMs: number | undefined
  return {
    opened() {
      latencyMs = performance.now() - startedAt
      log[callLevel]({ ...ids, source, rpc, ms: rounded(latencyMs) }, 'stream opened')
    },
    failed(thrown, isCallersDeadline = false) {
      const error = toApiError(thrown)
      reason = isCallersDeadline && error.reason === 'DEADLINE_EXCEEDED' ? CALLERS_DEADLINE : error.reason
      const level = reason === CALLERS_DEADLINE ? undefined : levelOf(error)
      if (level !== undefined) log[level]({ ...ids, reason, error: error.cause }, error.message)
      span?.fail(reason, level === 'error')
      return span === undefined ? error : error.inTrace(span.traceId)
    },
    ended() {
      const ms = performance.now() - startedAt
      metrics.observe(service, name, reason, (latencyMs ?? ms) / 1000)
      log[callLevel]({ ...ids, source, rpc, reason, ms: rounded(ms) }, 'call')
      span?.end()
    },
  }
}

/** Names the span of a request. Nothing in it is text from the caller. */
function describe(span: Span, method: DescMethod | undefined, route: string | undefined): void {
  if (method === undefined) return span.describe('refused request')
  const rpc = methodName(method)
  const [verb, path] = route?.split(' ') ?? []
  if (route === undefined || verb === undefined || path === undefined) span.describe(rpc, { 'rpc.method': rpc })
  else span.describe(route, { 'rpc.method': rpc, 'http.request.method': verb, 'http.route': path })
}

/** Returns the level of an error in the log. Overload and what a server never does are no faults (RFC 9110 15.6.2). */
function levelOf({ reason, isFault }: ApiError): 'error' | 'warn' | undefined {
  const { status } = reasons[reason]
  if (status < 500 || status === 501 || reason === 'OVERLOADED') return undefined
  return isFault ? 'error' : 'warn'
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100
}
