import type { DescMethod } from '@bufbuild/protobuf'
import { type ApiError, toApiError } from '../platform/errors/api-error.ts'
import { type ReasonCode, reasons } from '../platform/errors/reasons.ts'
import type { LogFormat, Logger } from '../platform/log/log.ts'
import type { Metrics } from '../platform/metrics/metrics.ts'
import type { Caller, Meta } from './rpc.ts'

/** Where requests are logged and counted. */
export interface ObserverDeps {
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'observe'>
  /** The level of a call's own line; info where it is left out. */
  readonly callLevel?: CallLevel
}

type CallLevel = 'debug' | 'info'

/** The level of a call's own line in each format: a person at a terminal looks for what is not usual. */
export const callLevels: Readonly<Record<LogFormat, CallLevel>> = { json: 'info', text: 'debug' }

/** One request, to be logged and counted once, whatever comes of it. */
interface Observation {
  /** Says of a stream that its messages begin; its time to here is what counts as its latency. */
  opened(): void
  /**
   * Keeps why the request failed. Answers what is thrown as an ApiError.
   * @param isCallersDeadline whether the deadline, if that is what has passed, was the caller's own: no fault of the server
   */
  failed(thrown: unknown, isCallersDeadline?: boolean): ApiError
  ended(): void
}

/** The service and the method of requests that reach none, in log and metrics. */
const NONE = 'none'

/** What log and metrics call a deadline of the caller's own that has passed. The caller is told DEADLINE_EXCEEDED. */
const CALLERS_DEADLINE = 'CALLER_DEADLINE'

/** Tells whether a call has less time than the server would give it. */
export function isCallersDeadline({ deadlineMs }: { readonly deadlineMs: number }, { timeoutMs }: Meta): boolean {
  return timeoutMs !== undefined && timeoutMs < deadlineMs
}

/** Begins to observe a request. */
export function observe(deps: ObserverDeps, method: DescMethod | undefined, caller: Caller): Observation {
  const { log, metrics, callLevel = 'info' } = deps
  const { requestId, source } = caller
  const service = method?.parent.name ?? NONE
  const name = method?.name ?? NONE
  const rpc = `${service}/${name}`
  const startedAt = performance.now()
  let reason: ReasonCode | 'OK' | typeof CALLERS_DEADLINE = 'OK'
  let latencyMs: number | undefined
  return {
    opened() {
      latencyMs = performance.now() - startedAt
      log[callLevel]({ requestId, source, rpc, ms: rounded(latencyMs) }, 'stream opened')
    },
    failed(thrown, isCallersDeadline = false) {
      const error = toApiError(thrown)
      reason = isCallersDeadline && error.reason === 'DEADLINE_EXCEEDED' ? CALLERS_DEADLINE : error.reason
      if (reason !== CALLERS_DEADLINE && reason !== 'OVERLOADED' && reasons[reason].status >= 500)
        log.error({ requestId, reason, error: error.cause }, error.message)
      return error
    },
    ended() {
      const ms = performance.now() - startedAt
      metrics.observe(service, name, reason, (latencyMs ?? ms) / 1000)
      log[callLevel]({ requestId, source, rpc, reason, ms: rounded(ms) }, 'call')
    },
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100
}
