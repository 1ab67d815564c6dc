import { create, type DescMethod, getOption, type Message } from '@bufbuild/protobuf'
import { browser, ends_stream } from '../../gen/proto/auth4agent/v1/options_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { sourceKey } from '../platform/limits/source-key.ts'
import type { Metrics } from '../platform/metrics/metrics.ts'
import { tracedNow } from '../platform/trace/span.ts'
import type { Call } from './call.ts'
import { admitCaller, auditRefusal, type CheckDeps, fieldsOf, limit, type Received, receive } from './checks.ts'
import { type CompleteDeps, complete, isKnownRefusal, type Told } from './complete.ts'
import { chargeUnits, costOfRequest } from './cost.ts'
import { isCallersDeadline, type ObserverDeps, observe } from './observation.ts'
import type { Caller, Forward, Meta, Route, Rpc, StreamRoute, UnaryRoute } from './rpc.ts'
import { createStreams, type Opened, type StreamBounds } from './streams.ts'
import { createTurns, type LanePlaces, type Turns } from './turns.ts'
import { refuseUnstorableText } from './unstorable-text.ts'
import { withDeadline } from './with-deadline.ts'

/** Dependencies of createRpc. */
export interface PipelineDeps extends CheckDeps, ObserverDeps, CompleteDeps {
  readonly metrics: Pick<Metrics, 'observe' | 'callStarted' | 'callEnded'>
  /** Limit of calls at the same time. The pipeline refuses further calls with OVERLOADED. */
  readonly maxConcurrency: number
  /** How many calls of each lane use the database at the same time. */
  readonly lanePlaces: LanePlaces
  /** Longest time of a call, in milliseconds. A caller may set a shorter deadline. */
  readonly deadlineMs: number
  /**
   * Returns how the clock of this process is wrong, or undefined. The clock decides whether assertions and tokens have
   * expired.
   */
  readonly clockProblem: () => string | undefined
  /** Replaces default bounds on streams. */
  readonly streamBounds?: Partial<StreamBounds>
}

/** The dependencies, and the parts that are created once. */
interface Pipeline extends PipelineDeps {
  readonly turns: Turns
}

/** A request whose caller may stop waiting. */
interface TimedMeta extends Meta {
  readonly isOver: () => boolean
}

/** Where a method is answered: by a handler in this process, or by another process. */
type Target =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'forward'; readonly forward: Forward }

/**
 * Puts routes behind the pipeline: log, deadline, limits, authentication, policy, handler, errors. Forwards the
 * methods of other processes.
 */
export function createRpc(routes: readonly Route[], forwards: readonly Forward[], deps: PipelineDeps): Rpc {
  const targets = new Map<DescMethod, Target>()
  for (const forward of forwards) {
    const methods = forward.services.flatMap((service) => service.methods)
    for (const method of methods) targets.set(method, { kind: 'forward', forward })
  }
  for (const route of routes) targets.set(route.method, { kind: 'route', route })
  const pipeline: Pipeline = { ...deps, turns: createTurns(deps) }
  const inPlace = createAdmission(deps)
  const streams = createStreams(deps, deps.streamBounds)
  const targetOf = (method: DescMethod): Target => {
    const target = targets.get(method)
    if (target === undefined) throw new ApiError('ROUTE_NOT_FOUND')
    return target
  }
  return {
    services: [...new Set([...targets.keys()].map(({ parent }) => parent))].filter(
      (service) => !getOption(service, browser),
    ),
    invoke: (method, read, meta) =>
      observed(deps, method, meta, async () => {
        const target = targetOf(method)
        const timeoutMs = Math.min(deps.deadlineMs, meta.timeoutMs ?? deps.deadlineMs)
        return inTime(timeoutMs, read, (request, isOver) =>
          inPlace(() => answer(pipeline, target, method, request, { ...meta, timeoutMs, isOver })),
        )
      }),
    subscribe: (method, read, meta, signal) =>
      streams(method, meta, signal, () => {
        const target = targetOf(method)
        const ms = Math.min(deps.deadlineMs, meta.timeoutMs ?? deps.deadlineMs)
        return inTime(ms, read, (request, isOver) =>
          inPlace(() => open(pipeline, target, method, request, { ...meta, isOver })),
        )
      }),
    refuse: (error, caller) => refuse(deps, error, caller),
  }
}

/**
 * Runs work within a deadline. If no time is left, runs the work with a `read` that throws DEADLINE_EXCEEDED, so that
 * the request still counts against the rate limits.
 */
function inTime<T>(
  ms: number,
  read: () => Message,
  work: (read: () => Message, isOver: () => boolean) => Promise<T>,
): Promise<T> {
  return ms > 0 ? withDeadline(ms, (isOver) => work(read, isOver)) : work(tooLate, () => true)
}

function tooLate(): never {
  throw new ApiError('DEADLINE_EXCEEDED')
}

/** Creates the function that limits calls in flight. A call counts until its work ends, even if its caller is gone. */
function createAdmission({ maxConcurrency, metrics }: PipelineDeps) {
  let inFlight = 0
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (inFlight >= maxConcurrency) throw new ApiError('OVERLOADED', undefined, { retryAfter: 1 })
    inFlight += 1
    metrics.callStarted()
    try {
      return await work()
    } finally {
      inFlight -= 1
      metrics.callEnded()
    }
  }
}

async function refuse(deps: PipelineDeps, error: ApiError, caller: Caller): Promise<ApiError> {
  const observation = observe(deps, undefined, caller)
  try {
    limit(deps, 'read', 'source', sourceKey(caller.source))
    return observation.failed(error)
  } catch (limited) {
    return observation.failed(limited)
  } finally {
    observation.ended()
  }
}

/** Logs and counts a call. Converts every error to an ApiError. */
async function observed<T>(deps: PipelineDeps, method: DescMethod, meta: Meta, work: () => Promise<T>): Promise<T> {
  const observation = observe(deps, method, meta)
  try {
    return await work()
  } catch (thrown) {
    throw observation.failed(thrown, isCallersDeadline(deps, meta))
  } finally {
    observation.ended()
  }
}

async function answer(
  deps: Pipeline,
  target: Target,
  method: DescMethod,
  read: () => Message,
  meta: TimedMeta,
): Promise<Message> {
  if (target.kind === 'forward') return target.forward.unary(method, readForwarded(deps, method, read, meta), meta)
  const { route } = target
  if (route.kind !== 'unary') throw streamMismatch(method)
  const told: Told = { servers: new Set<string>(), hasEnded: false }
  const output = await handle(deps, route, read, meta, told)
  await complete(deps, route.policy, meta.span, told)
  return create(method.output, output)
}

/**
 * Throws UNAVAILABLE when the clock is wrong, because the server would then accept expired assertions and issue tokens
 * that expire too late.
 */
function requireClock({ clockProblem }: PipelineDeps): void {
  const problem = clockProblem()
  if (problem !== undefined) throw new ApiError('UNAVAILABLE', problem, { retryAfter: 1 })
}

async function handle(deps: Pipeline, route: UnaryRoute, read: () => Message, meta: TimedMeta, told: Told) {
  requireClock(deps)
  const received = await receive(deps, route, read, meta)
  const turns = deps.turns(route.policy, received.call.principal, meta)
  try {
    const sawServer = (server: string) => void told.servers.add(server)
    const hasEndedTokens = () => void (told.hasEnded = true)
    const call = { ...admit(deps, route, received, meta), inTurn: turns.transaction, sawServer, hasEndedTokens }
    return await turns.handler(() => route.handler(received.request, call))
  } catch (thrown) {
    const error = await auditRefusal(deps, route, { received, inTurn: turns.refusal }, thrown)
    // An operator whose release succeeded but whose answer was lost gets a refusal when it repeats the release, and
    // must then be able to rely on the release.
    if (told.hasEnded || isKnownRefusal(received.call.principal, error)) {
      await complete(deps, route.policy, meta.span, told)
    }
    throw error
  }
}

/** Decides whether the caller may reach the handler, as a part of its trace. */
function admit(deps: Pipeline, route: Route, received: Received, meta: Meta): Call {
  return tracedNow(meta.span, 'policy', () => admitCaller(deps, route, received, meta))
}

async function open(
  deps: Pipeline,
  target: Target,
  method: DescMethod,
  read: () => Message,
  meta: TimedMeta,
): Promise<Opened> {
  if (target.kind === 'forward') {
    const request = readForwarded(deps, method, read, meta)
    return {
      isBrief: isBrief(request, method),
      start: (signal) => target.forward.stream(method, request, meta, signal),
    }
  }
  const { route } = target
  if (route.kind !== 'stream') throw streamMismatch(method)
  return openHere(deps, route, read, meta)
}

async function openHere(deps: Pipeline, route: StreamRoute, read: () => Message, meta: TimedMeta): Promise<Opened> {
  requireClock(deps)
  const received = await receive(deps, route, read, meta)
  const { refusal: inTurn } = deps.turns(route.policy, received.call.principal, meta)
  const failed = (thrown: unknown) => auditRefusal(deps, route, { received, inTurn }, thrown)
  const call = await admitted(() => admit(deps, route, received, meta), failed)
  const { request } = received
  const { principal } = call
  return {
    principal: principal.kind === 'operator' ? principal.operatorId : principal.kind,
    isBrief: isBrief(request, route.method),
    start: (signal) => route.handler(request, { ...call, signal }),
    failed,
  }
}

async function admitted(admit: () => Call, failed: (thrown: unknown) => Promise<ApiError>): Promise<Call> {
  try {
    return admit()
  } catch (thrown) {
    throw await failed(thrown)
  }
}

/** Returns whether the request asks for a brief stream, by the field that the contract marks with `ends_stream`. */
function isBrief(request: Message, { input }: DescMethod): boolean {
  return input.fields.some((field) => getOption(field, ends_stream) && fieldsOf(request)[field.localName] === true)
}

/**
 * Reads a request to forward. The rate limit here stops only sources with far too many calls, because the other
 * process applies the exact limits.
 */
function readForwarded(
  deps: PipelineDeps,
  { input }: DescMethod,
  read: () => Message,
  { source, body }: Meta,
): Message {
  const key = sourceKey(source)
  limit(deps, 'forward', 'source', key)
  chargeUnits(deps, 'forward', [{ by: 'source', key }], costOfRequest(body))
  const request = read()
  refuseUnstorableText(input, request)
  return request
}

function streamMismatch(method: DescMethod): Error {
  return new Error(`${method.toString()} was called as the wrong kind: as unary instead of a stream, or the reverse`)
}
