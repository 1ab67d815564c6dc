import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { type Client, type ClientReadableStream, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import {
  RevocationService,
  type WatchRevocationsResponse,
  type WatchRevocationsResponseSchema,
} from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { eventually } from '../../test/support/eventually.ts'
import type { FakeRpc } from '../../test/support/fake-rpc.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'
import { ApiError } from '../platform/errors/api-error.ts'

const { watchRevocations: method } = RevocationService.method
const PATH = '/auth4agent.v1.RevocationService/WatchRevocations'

type Init = MessageInitShape<typeof WatchRevocationsResponseSchema>
const head = (sequence: number, hash = new Uint8Array()): Init => ({
  event: { case: 'head', value: { position: { logEpoch: 1, sequence: BigInt(sequence), hash } } },
})

interface WatchOptions {
  readonly metadata?: Record<string, string>
  readonly deadline?: number
  readonly bytes?: Uint8Array
}

function watch(client: Client, { metadata = {}, deadline, bytes }: WatchOptions = {}) {
  const entries = new Metadata()
  for (const [name, value] of Object.entries(metadata)) entries.set(name, value)
  const call: ClientReadableStream<WatchRevocationsResponse> = client.makeServerStreamRequest(
    PATH,
    (buffer: Buffer) => buffer,
    (buffer: Buffer) => fromBinary(method.output, buffer),
    Buffer.from(bytes ?? toBinary(method.input, create(method.input, { afterSequence: 7n, logEpoch: 2 }))),
    entries,
    deadline === undefined ? {} : { deadline },
  )
  const seen: bigint[] = []
  const ended = Promise.withResolvers<Partial<ServiceError>>()
  call.on('data', ({ event }: WatchRevocationsResponse) => {
    if (event.case === 'head') seen.push(event.value.position?.sequence ?? 0n)
  })
  call.on('error', (error: ServiceError) => ended.resolve(error))
  call.on('end', () => ended.resolve({ code: status.OK }))
  return { call, seen, ended: ended.promise, first: () => eventually(() => expect(seen[0]).toBe(1n)) }
}

function endless(rpc: FakeRpc) {
  const state = { started: 0, ended: 0 }
  rpc.answerStream(method, async function* (_request, signal) {
    state.started += 1
    yield head(1)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    state.ended += 1
  })
  return state
}

function flood(rpc: FakeRpc) {
  const state = { sent: 0, ended: false }
  const hash = new Uint8Array(10_000)
  rpc.answerStream(method, async function* () {
    try {
      for (;;) {
        state.sent += 1
        yield head(state.sent, hash)
      }
    } finally {
      state.ended = true
    }
  })
  return state
}

describe('a stream over gRPC', () => {
  it('sends each message at once, and passes the caller to the pipeline', async () => {
    const { rpc, client } = await startGrpcServer()
    const more = Promise.withResolvers<void>()
    rpc.answerStream(method, async function* () {
      yield head(1)
      await more.promise
      yield head(2)
    })
    const metadata = { authorization: 'Bearer x', 'x-request-id': 'r1' }
    const { call, seen, ended, first } = watch(client, { metadata, deadline: Date.now() + 60_000 })
    const header = new Promise<Metadata>((resolve) => call.on('metadata', resolve))
    await first()
    more.resolve()
    expect(await ended).toEqual({ code: status.OK })
    expect(seen).toEqual([1n, 2n])
    expect((await header).get('x-request-id')).toEqual(['r1'])
    const { request, meta } = rpc.last()
    expect(request).toMatchObject({ afterSequence: 7n, logEpoch: 2 })
    expect(meta).toMatchObject({ requestId: 'r1', source: '127.0.0.1', authorization: 'Bearer x', rpc: PATH.slice(1) })
    expect(meta.timeoutMs).toBeGreaterThan(50_000)
  })

  it.each([0, 1])('ends with the reason of an error after %i messages', async (count) => {
    const { rpc, client } = await startGrpcServer()
    rpc.answerStream(method, async function* () {
      for (let n = 0; n < count; n += 1) yield head(n)
      throw new ApiError('RESYNC_REQUIRED')
    })
    const { seen, ended } = watch(client)
    const { code, metadata } = await ended
    expect([code, seen.length]).toEqual([status.FAILED_PRECONDITION, count])
    expect(String(metadata?.get('grpc-status-details-bin')[0])).toContain('RESYNC_REQUIRED')
  })

  it('refuses malformed bytes', async () => {
    const { rpc, client } = await startGrpcServer()
    expect(await watch(client, { bytes: Uint8Array.of(255, 255) }).ended).toMatchObject({
      code: status.INVALID_ARGUMENT,
    })
    expect(rpc.refused).toMatchObject([{ reason: 'INVALID_ARGUMENT' }])
  })

  it('ends when the caller cancels, at its deadline, and when the connection breaks', async () => {
    const { rpc, client } = await startGrpcServer()
    const state = endless(rpc)
    const cancelled = watch(client)
    await cancelled.first()
    cancelled.call.cancel()
    expect(await cancelled.ended).toMatchObject({ code: status.CANCELLED })
    await eventually(() => expect(state.ended).toBe(1))
    const late = watch(client, { deadline: Date.now() + 300 })
    expect(await late.ended).toMatchObject({ code: status.DEADLINE_EXCEEDED })
    await eventually(() => expect(state.ended).toBe(2))
    const broken = watch(client)
    await broken.first()
    client.close()
    broken.call.cancel()
    await eventually(() => expect(state.ended).toBe(3))
  })

  it('ends at once with OK when the server closes', async () => {
    const { rpc, client, server } = await startGrpcServer()
    const state = endless(rpc)
    const { first, ended } = watch(client)
    await first()
    const began = performance.now()
    const [last] = await Promise.all([ended, server.close()])
    expect([last, state.ended]).toEqual([{ code: status.OK }, 1])
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  it('can last longer than the request timeout', async () => {
    const { rpc, client } = await startGrpcServer({ requestTimeoutMs: 100, maxStallMs: 100 })
    const later = new Promise((resolve) => setTimeout(resolve, 400))
    rpc.answerStream(method, async function* () {
      yield head(1)
      await later
      yield head(2)
    })
    const { seen, ended } = watch(client)
    expect(await ended).toEqual({ code: status.OK })
    expect(seen).toEqual([1n, 2n])
  })
})

describe('a caller that reads nothing of a stream', () => {
  it('gets no more than the HTTP/2 window allows, and the stream is cut after maxStallMs', async () => {
    const { rpc, client } = await startGrpcServer({ maxStallMs: 400 })
    const state = flood(rpc)
    const { call, ended, first } = watch(client)
    await first()
    call.pause()
    await eventually(() => expect(state.ended).toBe(true))
    expect(state.sent).toBeLessThan(2_000)
    call.resume()
    expect((await ended).code).not.toBe(status.OK)
  })

  it('gets the rest when it reads again', async () => {
    const { rpc, client } = await startGrpcServer()
    const state = flood(rpc)
    const { call, first } = watch(client)
    await first()
    call.pause()
    let before = -1
    await eventually(() => {
      const now = state.sent
      const isStill = now === before
      before = now
      expect(isStill).toBe(true)
    })
    call.resume()
    await eventually(() => expect(state.sent).toBeGreaterThan(before + 500))
    call.cancel()
    await eventually(() => expect(state.ended).toBe(true))
  })
})
