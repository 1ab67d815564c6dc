import { create, type DescMethod, type Message, type MessageInitShape } from '@bufbuild/protobuf'
import { ApiError } from '../platform/errors/api-error.ts'
import { createBound } from '../platform/limits/bound.ts'
import { sourceKey } from '../platform/limits/source-key.ts'
import { type ObserverDeps, observe } from './observation.ts'
import type { Meta } from './rpc.ts'

/** Bounds on streams. */
export interface StreamBounds {
  /** Streams open at once; one source has at most half of them. */
  readonly max: number
  readonly maxPerPrincipal: number
  /** Age at which a stream ends, in milliseconds. */
  readonly maxAgeMs: number
}

/** A stream that has passed all checks. */
export interface Opened {
  /** Whose it is, where that is known. */
  readonly principal?: string
  readonly start: (signal: AbortSignal) => AsyncIterable<unknown>
  /** Told of what the stream throws. Answers it as an ApiError. */
  readonly failed?: (thrown: unknown) => Promise<ApiError>
}

/** Age at which a stream ends, in milliseconds. Connections that are told to go leave it that long. */
export const MAX_STREAM_AGE_MS = 15 * 60_000

const BOUNDS: StreamBounds = { max: 256, maxPerPrincipal: 8, maxAgeMs: MAX_STREAM_AGE_MS }

/** Makes the function that runs streams: it observes them, bounds how many there are and how old they get. */
export function createStreams(deps: ObserverDeps, bounds: Partial<StreamBounds> = {}) {
  const { max, maxPerPrincipal, maxAgeMs } = { ...BOUNDS, ...bounds }
  const sources = createBound(max, Math.ceil(max / 2))
  const principals = createBound(max, maxPerPrincipal)

  return async function* stream(
    method: DescMethod,
    meta: Meta,
    signal: AbortSignal,
    open: () => Promise<Opened>,
  ): AsyncGenerator<Message> {
    if (signal.aborted) return
    const observation = observe(deps, method, meta)
    const life = createLife(signal, maxAgeMs, meta.timeoutMs)
    const places = createPlaces()
    let messages: AsyncIterator<unknown> | undefined
    // A caller who has gone asks for no more messages, so nothing here waits for that.
    whenAborted(life.signal, () => {
      const { reason } = life.signal
      if (reason instanceof ApiError) observation.failed(reason)
      observation.ended()
      void endOf(messages).then(() => places.giveBack())
    })
    try {
      places.take(sources(sourceKey(meta.source)))
      const { principal, start, failed } = await open()
      if (!life.signal.aborted) {
        if (principal !== undefined) places.take(principals(principal))
        observation.opened()
        messages = start(life.signal)[Symbol.asyncIterator]()
        yield* asMessages(method, messages, life.signal, failed)
      }
    } catch (thrown) {
      throw observation.failed(thrown)
    } finally {
      life.abort()
    }
    if (life.signal.reason instanceof ApiError) throw life.signal.reason
  }
}

/** Aborts when its caller does, with DEADLINE_EXCEEDED at the caller's deadline, and of old age. */
function createLife(caller: AbortSignal, maxAgeMs: number, timeoutMs = Number.POSITIVE_INFINITY): AbortController {
  const life = new AbortController()
  const end = (): void => life.abort()
  const expire = (): void => life.abort(timeoutMs <= maxAgeMs ? new ApiError('DEADLINE_EXCEEDED') : undefined)
  const timer = setTimeout(expire, Math.min(maxAgeMs, timeoutMs))
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

/** The places that one stream holds. */
function createPlaces() {
  const held: (() => void)[] = []
  return {
    take(release: (() => void) | undefined): void {
      if (release === undefined) throw new ApiError('RATE_LIMITED', undefined, { retryAfter: 1 })
      held.push(release)
    },
    giveBack(): void {
      for (const release of held.splice(0)) release()
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
