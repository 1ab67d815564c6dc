import { create, type DescMethod, type Message, type MessageInitShape } from '@bufbuild/protobuf'
import { ApiError } from '../platform/errors/api-error.ts'
import { createShares, type Place } from '../platform/limits/shares.ts'
import { sourceKey } from '../platform/limits/source-key.ts'
import { isCallersDeadline, type ObserverDeps, observe } from './observation.ts'
import type { Meta } from './rpc.ts'

/** Bounds on streams. */
export interface StreamBounds {
  /** Limit of lasting streams at the same time. */
  readonly max: number
  /** Limit of brief streams at the same time. A brief stream soon ends by itself. */
  readonly maxBrief: number
  /** A principal may open a stream while the number of its streams is below this part (0 to 1) of the free places. */
  readonly principalPart: number
  /** How long the place of an ended stream is reserved for the same source and principal, in milliseconds. */
  readonly keptMs: number
  /** Age at which a stream ends, in milliseconds. */
  readonly maxAgeMs: number
}

/** A stream that has passed all checks. */
export interface Opened {
  /** The key under which the streams of the caller are counted. Undefined if the caller is not known. */
  readonly principal?: string
  /** Whether the stream soon ends by itself. */
  readonly isBrief: boolean
  readonly start: (signal: AbortSignal) => AsyncIterable<unknown>
  /** Receives an error of the stream and returns it as an ApiError. */
  readonly failed?: (thrown: unknown) => Promise<ApiError>
}

/** Age at which a stream ends, in milliseconds. A connection that drains waits this long for its streams. */
export const MAX_STREAM_AGE_MS = 15 * 60_000
/** Age at which a brief stream ends, in milliseconds. A reader that needs longer must request the rest again. */
const MAX_BRIEF_AGE_MS = 60_000

/**
 * Limit of lasting streams. Each needs about 110 KB of memory and 50 µs of processor time a second (measured with
 * server-sent events), so all of them need about half of the memory of a container of 512 MiB.
 */
const MAX_STREAMS = 2_048
const MAX_BRIEF_STREAMS = 256
/** Limit of streams of both kinds. */
export const MAX_ALL_STREAMS = MAX_STREAMS + MAX_BRIEF_STREAMS

/**
 * Many callers may share one source address, so a source may have as many places as are still free: at most half of
 * all places.
 */
const SOURCE_PART = 1

const BOUNDS: StreamBounds = {
  max: MAX_STREAMS,
  maxBrief: MAX_BRIEF_STREAMS,
  principalPart: 1 / 4,
  keptMs: 15_000,
  maxAgeMs: MAX_STREAM_AGE_MS,
}

/** Dependencies of createStreams. */
interface StreamDeps extends ObserverDeps {
  /** Longest time until a stream begins, in milliseconds. */
  readonly deadlineMs: number
}

/** Creates the function that runs streams. It logs and counts them, and bounds their number and their age. */
export function createStreams(deps: StreamDeps, given: Partial<StreamBounds> = {}) {
  const bounds = { ...BOUNDS, ...given }
  const admission = { lasting: createAdmission(bounds.max, bounds), brief: createAdmission(bounds.maxBrief, bounds) }

  return async function* stream(
    method: DescMethod,
    meta: Meta,
    signal: AbortSignal,
    open: () => Promise<Opened>,
  ): AsyncGenerator<Message> {
    if (signal.aborted) return
    const observation = observe(deps, method, meta)
    const life = createLife(signal, bounds.maxAgeMs, meta.timeoutMs)
    const places = createPlaces()
    let messages: AsyncIterator<unknown> | undefined
    let isServed = false
    // A disconnected caller requests no more messages, so the cleanup must not wait for a request.
    whenAborted(life.signal, () => {
      const { reason } = life.signal
      if (reason instanceof ApiError) observation.failed(reason, true)
      observation.ended()
      void endOf(messages).then(() => places.giveBack(isServed))
    })
    try {
      const { principal, isBrief, start, failed } = await open()
      if (!life.signal.aborted) {
        const { sources, principals } = admission[isBrief ? 'brief' : 'lasting']
        places.take(sources(sourceKey(meta.source)))
        if (principal !== undefined) places.take(principals(principal))
        if (isBrief) endAfter(life, MAX_BRIEF_AGE_MS)
        observation.opened()
        messages = start(life.signal)[Symbol.asyncIterator]()
        for await (const message of asMessages(method, messages, life.signal, failed)) {
          isServed = true
          yield message
        }
      }
    } catch (thrown) {
      throw observation.failed(thrown, isCallersDeadline(deps, meta))
    } finally {
      life.abort()
    }
    if (life.signal.reason instanceof ApiError) throw life.signal.reason
  }
}

/** Creates the places for one kind of streams. A stream takes one by its source and one by its principal. */
function createAdmission(max: number, { principalPart, keptMs }: StreamBounds) {
  return {
    sources: createShares({ max, part: SOURCE_PART, keptMs }),
    principals: createShares({ max, part: principalPart, keptMs }),
  }
}

function endAfter(life: AbortController, ms: number): void {
  const timer = setTimeout(() => life.abort(), ms)
  whenAborted(life.signal, () => clearTimeout(timer))
}

/**
 * Creates the controller that ends a stream. It aborts when the caller's signal aborts, or at `maxAgeMs`. At the
 * caller's deadline, it aborts with DEADLINE_EXCEEDED.
 */
function createLife(caller: AbortSignal, maxAgeMs: number, timeoutMs = Number.POSITIVE_INFINITY): AbortController {
  const life = new AbortController()
  const end = (): void => life.abort()
  const expire = (): void => life.abort(timeoutMs <= maxAgeMs ? new ApiError('DEADLINE_EXCEEDED') : undefined)
  const timer = setTimeout(expire, Math.max(0, Math.min(maxAgeMs, timeoutMs)))
  caller.addEventListener('abort', end)
  whenAborted(life.signal, () => {
    clearTimeout(timer)
    caller.removeEventListener('abort', end)
  })
  return life
}

function whenAborted(signal: AbortSignal, listener: () => void): void {
  signal.addEventListener('abort', listener, { once: true })
}

/**
 * Creates the places of one stream. After the end, they stay reserved only if the stream has sent a message. A caller
 * that another process refuses gets no message, so no place stays reserved for it.
 */
function createPlaces() {
  const held: Place[] = []
  return {
    take(place: Place | undefined): void {
      if (place === undefined) throw new ApiError('RATE_LIMITED', undefined, { retryAfter: 1 })
      held.push(place)
    },
    giveBack(isKept: boolean): void {
      for (const place of held.splice(0)) place.giveBack(isKept)
    },
  }
}

/** Asks a handler to end and resolves when it has ended. Until then, its stream keeps its places. */
async function endOf(messages: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await messages?.return?.()
  } catch {
    // The error was reported already, or the caller is disconnected.
  }
}

async function* asMessages(
  { output }: DescMethod,
  messages: AsyncIterator<unknown>,
  signal: AbortSignal,
  failed: Opened['failed'],
): AsyncGenerator<Message> {
  try {
    for (;;) {
      const next = await nextUnless(messages, signal)
      if (next.done === true) return
      yield create(output, next.value as MessageInitShape<DescMethod['output']>)
    }
  } catch (thrown) {
    throw failed === undefined ? thrown : await failed(thrown)
  }
}

/** Returns the next message, or the end when the signal aborts. */
function nextUnless(messages: AsyncIterator<unknown>, signal: AbortSignal): Promise<IteratorResult<unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<unknown>>()
  const end = (): void => resolve({ done: true, value: undefined })
  if (signal.aborted) {
    end()
    return promise
  }
  // Promise.race would add a listener for every message and keep it until the stream ends, so do not use it here.
  signal.addEventListener('abort', end)
  messages
    .next()
    .then(resolve, reject)
    .finally(() => signal.removeEventListener('abort', end))
  return promise
}
