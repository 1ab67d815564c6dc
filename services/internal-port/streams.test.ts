import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { RevocationService, WatchRevocationsRequestSchema } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { connectTo, startInternalListener } from '../../test/support/internal-listener.ts'
import { until } from '../../test/support/until.ts'
import type { Meta } from '../calls/rpc.ts'
import { ApiError } from '../platform/errors/api-error.ts'

const { watchRevocations } = RevocationService.method
const META: Meta = {
  requestId: 'r-1',
  source: '192.0.2.1',
  authorization: undefined,
  rpc: 'GET /v1/agent/x',
  body: undefined,
}

const request = create(WatchRevocationsRequestSchema)
const heads = (count: number) => Array.from({ length: count }, (_, sequence) => ({ sequence: BigInt(sequence) }))

/** Starts a listener with an endless stream. `state.made` counts the messages that the stream has made. */
async function counting() {
  const state = { made: 0, ended: false }
  const { rpc, address, close } = await startInternalListener()
  rpc.subscribe = async function* subscribe(_method, _read, _meta, signal) {
    try {
      for (; !signal.aborted; state.made += 1) {
        yield create(watchRevocations.output, {
          event: { case: 'head', value: { position: { hash: Buffer.alloc(4_000) } } },
        })
      }
    } finally {
      state.ended = true
    }
  }
  return { state, rpc, close, ...connectTo([address]) }
}

/** Reads one message and stops. */
async function takeFirst<T>(messages: AsyncIterable<T>): Promise<T | undefined> {
  for await (const message of messages) return message
  return undefined
}

describe('a forwarded stream', () => {
  it('delivers every message in order, and ends when its source ends', async () => {
    const { rpc, address } = await startInternalListener()
    const { forward } = connectTo([address])
    rpc.subscribe = async function* subscribe() {
      for (const value of heads(100))
        yield create(watchRevocations.output, { event: { case: 'head', value: { position: value } } })
    }
    const messages = await Array.fromAsync(
      forward.stream(watchRevocations, request, META, new AbortController().signal),
    )
    expect(messages).toMatchObject(heads(100).map((value) => ({ event: { value: { position: value } } })))
  })

  it('ends with the error of its source', async () => {
    const { rpc, address } = await startInternalListener()
    const { forward } = connectTo([address])
    rpc.subscribe = () => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new ApiError('INVALID_ARGUMENT', 'what?')) }),
    })
    const stream = forward.stream(watchRevocations, request, META, new AbortController().signal)
    await expect(Array.fromAsync(stream)).rejects.toMatchObject({ reason: 'INVALID_ARGUMENT', message: 'what?' })
  })

  it('makes no more messages than the buffers hold, and ends when the reader stops', async () => {
    const { state, forward } = await counting()
    const stream = forward.stream(watchRevocations, request, META, new AbortController().signal)
    await takeFirst(stream)
    await until(
      async () => state,
      ({ ended }) => ended,
    )
    expect(state.made).toBeLessThan(1_000)
  })

  it('ends when the caller aborts', async () => {
    const { state, forward } = await counting()
    const end = new AbortController()
    let count = 0
    for await (const message of forward.stream(watchRevocations, request, META, end.signal)) {
      expect(message).toMatchObject({ event: { case: 'head' } })
      count += 1
      if (count === 3) end.abort()
    }
    await until(
      async () => state,
      ({ ended }) => ended,
    )
  })

  it('ends without an error when the process closes', async () => {
    const { state, forward, close } = await counting()
    const stream = forward.stream(watchRevocations, request, META, new AbortController().signal)[Symbol.asyncIterator]()
    await stream.next()
    const closed = close()
    for (;;) if ((await stream.next()).done) break
    await closed
    expect(state.ended).toBe(true)
  })
})
