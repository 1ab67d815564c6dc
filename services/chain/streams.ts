import { create, type DescMethod, type Message, type MessageInitShape } from '@bufbuild/protobuf'
import { ApiError } from '../platform/errors/api-error.ts'
import { createShares, type Place } from '../platform/limits/shares.ts'
import { sourceKey } from '../platform/limits/source-key.ts'
import { isCallersDeadline, type ObserverDeps, observe } from './observation.ts'
import type { Meta } from './rpc.ts'

/** Bounds on streams. */
export interface StreamBounds {
  /** Streams open at once that last. */
  readonly max: number
  /** Streams open at once that end by themselves soon. */
  readonly maxBrief: number
  /** A principal gets a further stream while it has fewer than this part of the free places. */
  readonly principalPart: number
  /** How long the place of a stream that has ended waits for whoever had it, in milliseconds. */
  readonly keptMs: number
  /** Age at which a stream ends, in milliseconds. */
  readonly maxAgeMs: number
}

/** A stream that has passed all checks. */
export interface Opened {
  /** Whose it is, where that is known. */
  readonly principal?: string
  /** Whether it ends by itself soon. */
  readonly isBrief: boolean
  readonly start: (signal: AbortSignal) => AsyncIterable<unknown>
  /** Told of what the stream throws. Answers it as an ApiError. */
  readonly failed?: (thrown: unknown) => Promise<ApiError>
}

/** Age at which a stream ends, in milliseconds. Connections that are told to go leave it that long. */
export const MAX_STREAM_AGE_MS = 15 * 60_000
/** The same of a stream that is to end by itself; whoever reads more slowly asks for the rest. */
const MAX_BRIEF_AGE_MS = 60_000

/** Streams that last. Each takes about 110 KB and 50 µs a second (measured with server-sent events): half of a container of 512 MiB. */
const MAX_STREAMS = 2_048
const MAX_BRIEF_STREAMS = 256
/** Streams of both kinds. */
export const MAX_ALL_STREAMS = MAX_STREAMS + MAX_BRIEF_STREAMS

/** A source may be the address of many: it gets as much as is free, and so at most half of all. */
const SOURCE_PART = 1

const BOUNDS: StreamBounds = {
  max: MAX_STREAMS,
  maxBrief: MAX_BRIEF_STREAMS,
  principalPart: 1 / 4,
  keptMs: 15_000,
  maxAgeMs: MAX_STREAM_AGE_MS,
}

/** What streams work with. */
interface StreamDeps extends ObserverDeps {
  /** Longest that a stream may take to begin, in milliseconds. */
  readonly deadlineMs: number
}

/** Makes the function that runs streams: it observes them, bounds how many there are and how old they get. */
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
    // A caller who has gone asks for no more messages, so nothing here waits for that.
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

/** Places of one kind of streams. A stream has one by its source, and one by its principal. */
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

/** Aborts when its caller does, with DEADLINE_EXCEEDED at the caller's deadline, and of old age. */
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

/** The places that one stream holds. They are kept for whoever was sent a message, and so for nobody who was refused elsewhere. */
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

/** Ends a handler, and resolves when it has ended: one that is slow to notice keeps its place. */
async function endOf(messages: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await messages?.return?.()
  } catch {
    // What it had to say has been heard, or nobody listens any more.
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

/** The next message, or the end when the signal aborts. */
function nextUnless(messages: AsyncIterator<unknown>, signal: AbortSignal): Promise<IteratorResult<unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<unknown>>()
  const end = (): void => resolve({ done: true, value: undefined })
  if (signal.aborted) {
    end()
    return promise
  }
  // Not Promise.race: it would keep a listener for every message as long as the stream lasts.
  signal.addEventListener('abort', end)
  messages
    .next()
    .then(resolve, reject)
    .finally(() => signal.removeEventListener('abort', end))
  return promise
}
