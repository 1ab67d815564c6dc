import { createConnection } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RevocationService, type WatchRevocationsRequest } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { eventually } from '../../../test/support/eventually.ts'
import type { FakeRpc } from '../../../test/support/fake-rpc.ts'
import { startGateway } from '../../../test/support/gateway.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const { watchRevocations } = RevocationService.method

const head = (sequence: number, hash = new Uint8Array()) =>
  ({ event: { case: 'head', value: { position: { logEpoch: 1, sequence: BigInt(sequence), hash } } } }) as const

/** Sets an answer that sends one head, and then waits until the stream is aborted. */
function endless(rpc: FakeRpc) {
  const state = { started: 0, ended: 0 }
  rpc.answerStream(watchRevocations, async function* (_request, signal) {
    state.started += 1
    yield head(1)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    state.ended += 1
  })
  return state
}

async function* failing(error: ApiError, ...before: ReturnType<typeof head>[]) {
  yield* before
  throw error
}

/** Opens a stream. `until` reads until the given text has arrived, and returns the text that it has read. */
async function open(url: string, headers: Record<string, string> = {}, path = '/v1/revocations') {
  const gone = new AbortController()
  onTestFinished(() => gone.abort())
  const response = await fetch(url + path, { headers, signal: gone.signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const read = async () => (await reader?.read())?.value ?? ''
  const until = async (text: string) => {
    let all = ''
    while (!all.includes(text)) {
      const { value, done } = (await reader?.read()) ?? { done: true }
      if (done) throw new Error(`ended without ${text}: ${all}`)
      all += value
    }
    return all
  }
  return { response, read, until, leave: () => gone.abort() }
}

describe('server-sent events', () => {
  it('carry the messages of a stream and can be read one by one', async () => {
    const { url, rpc } = await startGateway()
    const more = Promise.withResolvers<void>()
    rpc.answerStream(watchRevocations, async function* () {
      yield head(1)
      await more.promise
      yield head(2)
    })
    const { response, until, read } = await open(url, { authorization: 'Bearer x', 'x-request-id': 'r1' })
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      'x-request-id': 'r1',
    })
    const first = await until('\n\nevent')
    const data = 'data: {"position":{"log_epoch":1,"sequence":1,"hash":""},"observed_at":null}'
    expect(first + (first.endsWith('\n\n') ? '' : await until('\n\n'))).toBe(
      `retry: 1000\n\nevent: head\nid: 1-1-\n${data}\n\n`,
    )
    more.resolve()
    expect(await until('\n\n')).toContain('id: 1-2-\n')
    expect(await read()).toBe('')
    expect(rpc.last().meta).toMatchObject({
      requestId: 'r1',
      source: '127.0.0.1',
      authorization: 'Bearer x',
      rpc: 'GET /v1/revocations',
    })
  })

  it.each([
    ['', {}, {}],
    ['?after_sequence=7&log_epoch=2&hash=AAE', {}, { afterSequence: 7n, logEpoch: 2, hash: [0, 1] }],
    ['?afterSequence=7&logEpoch=2', {}, { afterSequence: 7n, logEpoch: 2 }],
    ['', { 'last-event-id': '3-9' }, { afterSequence: 9n, logEpoch: 3 }],
    ['?after_sequence=7&log_epoch=2&hash=AAE', { 'last-event-id': '3-9' }, { afterSequence: 9n, logEpoch: 3 }],
    ['?after_sequence=18446744073709551615', { 'last-event-id': '' }, { afterSequence: 2n ** 64n - 1n }],
  ])('start at the position of the query or Last-Event-ID: %s %j', async (query, headers, fields) => {
    const { url, rpc } = await startGateway()
    await open(url, headers, `/v1/revocations${query}`)
    const { afterSequence, logEpoch, hash } = rpc.last().request as WatchRevocationsRequest
    expect({ afterSequence, logEpoch, hash: [...hash] }).toEqual({ logEpoch: 0, hash: [], ...fields })
  })

  it.each([
    ['?after_sequence=-1', {}, 'after_sequence'],
    ['?after_sequence=18446744073709551616', {}, 'after_sequence'],
    ['?after_sequence=x', {}, 'after_sequence'],
    ['?log_epoch=1.5', {}, 'log_epoch'],
    ['?hash=!', {}, 'hash'],
    ['?log_epoch=1&log_epoch=1', {}, 'log_epoch'],
    ['', { 'last-event-id': 'nonsense' }, 'Last-Event-ID'],
    ['', { 'last-event-id': '1-2, 1-2' }, 'Last-Event-ID'],
  ])('answer 400 for %s %j', async (query, headers, at) => {
    const { url, rpc } = await startGateway()
    const response = await fetch(`${url}/v1/revocations${query}`, { headers })
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/problem+json'])
    const { reason, detail } = (await response.json()) as Record<string, string>
    expect([reason, detail]).toEqual(['INVALID_ARGUMENT', expect.stringContaining(at)])
    expect(rpc.refused).toMatchObject([{ reason: 'INVALID_ARGUMENT', rpc: 'GET /v1/revocations' }])
  })

  it('answer with a problem document if the stream is refused before the first event', async () => {
    const { url, rpc } = await startGateway()
    rpc.answerStream(watchRevocations, () => failing(new ApiError('RESYNC_REQUIRED')))
    const response = await fetch(`${url}/v1/revocations`)
    expect([response.status, response.headers.get('content-type')]).toEqual([410, 'application/problem+json'])
    expect(await response.json()).toMatchObject({ reason: 'RESYNC_REQUIRED' })
  })

  it('end with an error event that contains the reason if the stream fails', async () => {
    const { url, rpc } = await startGateway()
    const error = new ApiError('UNAVAILABLE', undefined, { cause: new Error('secret') })
    rpc.answerStream(watchRevocations, () => failing(error, head(1)))
    const response = await fetch(`${url}/v1/revocations`, { headers: { 'x-request-id': 'r1' } })
    const [, data = ''] = /event: error\ndata: (.*)\n\n$/.exec(await response.text()) ?? []
    expect(JSON.parse(data)).toMatchObject({ reason: 'UNAVAILABLE', request_id: 'r1' })
    expect(data).not.toContain('secret')
  })

  it('are not sent for HEAD, which leaves no stream open', async () => {
    const { url, rpc } = await startGateway()
    const state = endless(rpc)
    const response = await fetch(`${url}/v1/revocations`, { method: 'HEAD' })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    await response.text()
    await eventually(() => expect(state).toEqual({ started: 1, ended: 0 }))
    expect(rpc.last().meta.rpc).toBe('HEAD /v1/revocations')
  })

  it('end when the caller disconnects', async () => {
    const { url, rpc } = await startGateway()
    const state = endless(rpc)
    const { until, leave } = await open(url)
    await until('event: head')
    leave()
    await eventually(() => expect(state.ended).toBe(1))
  })

  it('end at once when the gateway closes', async () => {
    const gateway = await startGateway()
    const { url, rpc } = gateway
    const state = endless(rpc)
    const { until, read } = await open(url)
    await until('event: head')
    const began = performance.now()
    await gateway.close()
    expect(performance.now() - began).toBeLessThan(2_000)
    expect([await read(), state.ended]).toEqual(['', 1])
  })

  it('are also served under the path of the issuer', async () => {
    const { url, rpc } = await startGateway({ baseUrl: 'https://a.example/tenant' })
    endless(rpc)
    const { until } = await open(url, {}, '/tenant/v1/revocations')
    expect(await until('event: head')).toContain('retry: 1000')
  })
})

/** Sets an answer that never ends, and counts the messages that the gateway has read from it. */
function flood(rpc: FakeRpc) {
  const state = { sent: 0, ended: false }
  const hash = new Uint8Array(10_000)
  rpc.answerStream(watchRevocations, async function* () {
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

function deaf(port: number) {
  const socket = createConnection(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.pause()
  socket.write('GET /v1/revocations HTTP/1.1\r\nhost: x\r\n\r\n')
  onTestFinished(() => void socket.destroy())
  return socket
}

describe('a caller that reads nothing of a stream', () => {
  it('gets no more than the socket buffers hold, and is disconnected in time', async () => {
    const { port, rpc } = await startGateway({ maxStallMs: 400 })
    const state = flood(rpc)
    deaf(port)
    await eventually(() => expect(state.ended).toBe(true))
    // Each message has 13 KB. The kernel buffers only some megabytes of a loopback connection.
    expect(state.sent).toBeLessThan(2_000)
  })

  it('gets the rest when it reads again', async () => {
    const { port, rpc } = await startGateway({ maxStallMs: 5_000 })
    const state = flood(rpc)
    const socket = deaf(port)
    let before = -1
    await eventually(() => {
      const now = state.sent
      const isStill = now > 0 && now === before
      before = now
      expect(isStill).toBe(true)
    })
    socket.resume()
    await eventually(() => expect(state.sent).toBeGreaterThan(before + 1_000))
  })
})
