import type { Agent } from 'undici'
import type { Span } from '../trace/span.ts'
import type { Tracing } from '../trace/tracing.ts'
import { type Budget, type BudgetRules, createBudget, REQUESTS, STREAMS } from './budget.ts'
import { type Circuits, createCircuits } from './circuits.ts'
import { type Delivered, type Delivery, deliver } from './deliver.ts'
import { OutboundError, type OutboundWhy, toOutboundError } from './outbound-error.ts'
import { parseTarget } from './parse-target.ts'
import { type OutboundAnswer, readBody, readTimes } from './read-answer.ts'
import { createHostResolver } from './resolve-host.ts'
import {
  type Content,
  createAgent,
  explain,
  explained,
  type Form,
  formContent,
  type OutboundHeaders,
  send,
} from './send.ts'
import { startTimeLimit, type TimeLimit } from './time-limit.ts'
import { createVetAddress } from './vet-address.ts'
import { createVettedLookup, type Resolve } from './vetted-lookup.ts'

/**
 * Fetches from other servers. Every failure is an OutboundError. Follows no redirect, uses no proxy, and accepts no
 * answer but 200 with one of the wanted media types and without an encoding. Other statuses count only if the caller
 * lists them.
 */
export interface Outbound {
  get(url: string, request: OutboundRequest): Promise<OutboundAnswer>
  /** Posts a form (`application/x-www-form-urlencoded`). */
  post(url: string, form: Form, request: OutboundPost): Promise<Posted>
  /** Posts a text of any media type. Accepts only the statuses that the delivery lists. */
  deliver(url: string, delivery: Delivery): Promise<Delivered>
  /**
   * Yields the bytes of a stream of server-sent events as they come. The caller parses events and bounds their size.
   * Connects at the first `next()`. Ends when the other server ends the stream, or when `signal` aborts.
   */
  stream(url: string, request: OutboundStreamRequest): AsyncGenerator<Uint8Array, void, undefined>
  /** Ends requests that are under way, and refuses later ones, with CLOSED. */
  close(): Promise<void>
}

/** Options of a request. */
interface OutboundRequest {
  /** The media types that the answer may have, in lower case and without parameters. */
  readonly accept: readonly string[]
  /** The longest body, in bytes. */
  readonly maxBytes?: number
  /** Time for everything from DNS to the end of the body, in milliseconds. */
  readonly timeoutMs?: number
  readonly headers?: OutboundHeaders
  /** For whom the request is. Requests for others have a budget and a circuit of their own, also at the same host. */
  readonly party?: string
  /** The call that needs the answer. Without it, the request begins a trace of its own. */
  readonly span?: Span | undefined
}

/** Options of a post. */
interface OutboundPost extends OutboundRequest {
  /** Statuses besides 200 that are an answer. Their bodies are read within the same limits. */
  readonly alsoStatus?: readonly number[]
}

/** The answer to a post. */
interface Posted extends OutboundAnswer {
  /** 200, or one that the caller has listed. */
  readonly status: number
}

/** Options of a stream. */
interface OutboundStreamRequest {
  /** The longest wait for more bytes, in milliseconds. */
  readonly idleMs: number
  /** Time until the headers of the answer, in milliseconds. */
  readonly timeoutMs?: number
  readonly headers?: OutboundHeaders
  readonly signal?: AbortSignal
}

/** Options of createOutbound. */
export interface OutboundDeps {
  /** Addresses and CIDR ranges that are allowed although they are not public. */
  readonly allow: readonly string[]
  /** Whether `localhost` and names under `.test` mean this machine, with http, or with https and any certificate. */
  readonly testDomains: boolean
  /** Counts how each request has ended. */
  readonly outcome: (outcome: 'OK' | OutboundWhy) => void
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly resolve?: Resolve
  /** Replaces the default limits of requests. */
  readonly requests?: BudgetRules
  /** Undefined while tracing is off. */
  readonly tracing?: Tracing | undefined
  /** Host names of the servers that learn the trace of a request. */
  readonly traceHosts?: readonly string[]
}

/** What all requests of one Outbound share. */
interface Context {
  readonly agent: Agent
  readonly closing: AbortController
  readonly testDomains: boolean
  readonly enter: Budget
  readonly enterStream: Budget
  readonly unlessBroken: Circuits
  readonly outcome: OutboundDeps['outcome']
  readonly tracing: Tracing | undefined
  readonly traceHosts: ReadonlySet<string>
}

const MAX_BYTES = 64 * 1024
const TIMEOUT_MS = 10_000
const EVENT_STREAM = ['text/event-stream'] as const

/** Creates the only part of the server that sends requests to servers outside the deployment. */
export function createOutbound(deps: OutboundDeps): Outbound {
  const { allow, testDomains, outcome, now, resolve = createHostResolver(), requests = REQUESTS } = deps
  const { tracing, traceHosts = [] } = deps
  const context: Context = {
    agent: createAgent(createVettedLookup({ resolve, vetAddress: createVetAddress(allow), testDomains }), testDomains),
    closing: new AbortController(),
    testDomains,
    enter: createBudget(requests, now),
    enterStream: createBudget(STREAMS, now),
    unlessBroken: createCircuits(),
    outcome,
    tracing,
    traceHosts: new Set(traceHosts),
  }
  return {
    get: (url, wanted) => counted(context, url, () => fetchAnswer(context, url, wanted)),
    post: (url, form, wanted) => counted(context, url, () => fetchAnswer(context, url, wanted, formContent(form))),
    deliver: (url, delivery) => counted(context, url, () => deliverText(context, url, delivery)),
    stream: (url, wanted) => countedStream(context, url, wanted),
    async close() {
      context.closing.abort(new OutboundError('CLOSED', 'The server stops'))
      await context.agent.destroy()
    },
  }
}

async function counted<T>(context: Context, url: string, work: () => Promise<T>): Promise<T> {
  try {
    const answer = await work()
    context.outcome('OK')
    return answer
  } catch (error) {
    context.outcome(toOutboundError(error, url).why)
    throw error
  }
}

async function* countedStream(context: Context, url: string, wanted: OutboundStreamRequest) {
  let outcome: 'OK' | OutboundWhy = 'OK'
  try {
    yield* readStream(context, url, wanted)
  } catch (error) {
    if (wanted.signal?.aborted === true) return
    outcome = toOutboundError(error, url).why
    throw error
  } finally {
    context.outcome(outcome)
  }
}

function fetchAnswer(context: Context, url: string, wanted: OutboundPost, content?: Content): Promise<Posted> {
  const { accept, alsoStatus, maxBytes = MAX_BYTES, timeoutMs = TIMEOUT_MS, party = '', span: cause } = wanted
  return within(context, { url, timeoutMs, party, cause }, async (target, limit, span) => {
    const headers = { ...wanted.headers, ...traceHeader(context, target, span) }
    const call = { target, accept, alsoStatus, headers, content }
    const { response, mediaType } = await send(context.agent, call, limit)
    const body = await readBody(response.body, maxBytes, target.origin)
    return { status: response.statusCode, mediaType, body, ...readTimes(response.headers) }
  })
}

function deliverText(context: Context, url: string, delivery: Delivery): Promise<Delivered> {
  const { timeoutMs = TIMEOUT_MS, party } = delivery
  return within(context, { url, timeoutMs, party, cause: undefined }, (target, limit, span) => {
    const headers = { ...delivery.headers, ...traceHeader(context, target, span) }
    return deliver(context.agent, target, { ...delivery, headers }, limit)
  })
}

/** One request, and the call that needs its answer. */
interface Attempt {
  readonly url: string
  readonly timeoutMs: number
  readonly party: string
  readonly cause: Span | undefined
}

/** Runs one request within every limit: its URL, the budget of its host, its time, and the circuit of its origin. */
async function within<T>(
  context: Context,
  { url, timeoutMs, party, cause }: Attempt,
  work: (target: URL, limit: TimeLimit, span: Span | undefined) => Promise<T>,
): Promise<T> {
  const target = parseTarget(url, context.testDomains)
  const { origin, hostname } = target
  const leave = context.enter(`${party}${hostname}`)
  const span = beginSpan(context, hostname, cause)
  const limit = startTimeLimit(timeoutMs, origin, [context.closing.signal])
  try {
    return await context.unlessBroken(`${party}${origin}`, () =>
      explained(limit, origin, () => work(target, limit, span)),
    )
  } catch (error) {
    span?.fail(toOutboundError(error, origin).why)
    throw error
  } finally {
    span?.end()
    limit.stop()
    leave()
  }
}

/** Begins the span of a request: a part of the call that needs it, or a trace of its own. */
function beginSpan({ tracing }: Context, host: string, cause: Span | undefined): Span | undefined {
  if (tracing === undefined) return undefined
  const options = { kind: 'client', attributes: { 'server.address': host } } as const
  return cause?.isRecorded === true
    ? cause.child(`outbound ${host}`, options)
    : tracing.begin(`outbound ${host}`, options)
}

/** Returns the header that tells another server the trace, if the administrator allows it. */
function traceHeader(
  { traceHosts }: Context,
  { hostname }: URL,
  span: Span | undefined,
): Pick<OutboundHeaders, 'traceparent'> {
  return span !== undefined && traceHosts.has(hostname) ? { traceparent: span.carrier.traceparent } : {}
}

async function* readStream(context: Context, url: string, wanted: OutboundStreamRequest) {
  const { idleMs, timeoutMs = TIMEOUT_MS, headers, signal } = wanted
  const target = parseTarget(url, context.testDomains)
  const { origin, hostname } = target
  const leave = context.enterStream(hostname)
  const others = [context.closing.signal, ...(signal === undefined ? [] : [signal])]
  const limit = startTimeLimit(timeoutMs, origin, others)
  try {
    const { response } = await context.unlessBroken(origin, () =>
      explained(limit, origin, () => send(context.agent, { target, accept: EVENT_STREAM, headers }, limit)),
    )
    const chunks: AsyncIterable<Uint8Array> = response.body
    limit.restart(idleMs)
    for await (const chunk of chunks) {
      // The time that the reader takes is not the other server's.
      limit.stop()
      yield chunk
      limit.restart(idleMs)
    }
  } catch (error) {
    throw explain(error, limit, origin)
  } finally {
    limit.stop()
    leave()
  }
}
