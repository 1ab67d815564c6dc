import { create } from '@bufbuild/protobuf'
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import { describe, expect, it } from 'vitest'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { ErrorInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import { eventually } from '../../../test/support/eventually.ts'
import type { FakeRpc } from '../../../test/support/fake-rpc.ts'
import { rawExchange, startGateway } from '../../../test/support/gateway.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const { watchRevocations } = RevocationService.method
const PATH = '/auth4agent.v1.RevocationService/WatchRevocations'

const transports: [string, (baseUrl: string) => Transport][] = [
  [
    'Connect with protobuf',
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true }),
  ],
  ['Connect with JSON', (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false })],
  ['gRPC-Web', (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
]

const head = (sequence: number, hash = new Uint8Array()) =>
  ({ event: { case: 'head', value: { position: { logEpoch: 1, sequence: BigInt(sequence), hash } } } }) as const

function endless(rpc: FakeRpc) {
  const state = { ended: 0 }
  rpc.answerStream(watchRevocations, async function* (_request, signal) {
    yield head(1)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    state.ended += 1
  })
  return state
}

async function errorOf(promise: Promise<unknown>): Promise<ConnectError> {
  return promise.then(
    () => expect.fail('not refused'),
    (error: unknown) => ConnectError.from(error),
  )
}

const reasonOf = (error: ConnectError) => error.findDetails(ErrorInfoSchema)[0]?.reason

async function* failing(error: ApiError, before: readonly number[] = []) {
  for (const sequence of before) yield create(watchRevocations.output, head(sequence))
  throw error
}

describe.each(transports)('a stream over %s', (_name, transport) => {
  it('sends each message at once, and passes the caller to the pipeline', async () => {
    const { url, rpc } = await startGateway()
    const more = Promise.withResolvers<void>()
    rpc.answerStream(watchRevocations, async function* () {
      yield head(1)
      await more.promise
      yield head(2)
    })
    const options = { headers: { authorization: 'Bearer x', 'x-request-id': 'r1' }, timeoutMs: 3_600_000 }
    const client = createClient(RevocationService, transport(url))
    const stream = client.watchRevocations({ afterSequence: 7n, logEpoch: 2 }, options)
    const answers = stream[Symbol.asyncIterator]()
    expect((await answers.next()).value).toMatchObject(head(1))
    more.resolve()
    expect((await answers.next()).value).toMatchObject(head(2))
    expect((await answers.next()).done).toBe(true)
    const { request, meta } = rpc.last()
    expect(request).toMatchObject({ afterSequence: 7n, logEpoch: 2 })
    expect(meta).toMatchObject({
      requestId: 'r1',
      source: '127.0.0.1',
      authorization: 'Bearer x',
      rpc: PATH.slice(1),
    })
    expect(meta.timeoutMs).toBeGreaterThan(3_000_000)
  })

  it.each([0, 1])('ends with the reason of an error after %i messages', async (count) => {
    const { url, rpc } = await startGateway()
    const error = new ApiError('UNAVAILABLE', 'later', { retryAfter: 3 })
    rpc.answerStream(watchRevocations, () =>
      failing(
        error,
        Array.from({ length: count }, (_, n) => n),
      ),
    )
    const answers = createClient(RevocationService, transport(url)).watchRevocations({})[Symbol.asyncIterator]()
    for (let n = 0; n < count; n += 1) await answers.next()
    const told = await errorOf(answers.next())
    expect([told.code, told.rawMessage, reasonOf(told)]).toEqual([Code.Unavailable, 'later', 'UNAVAILABLE'])
    expect(told.metadata.get('retry-after')).toBe('3')
  })

  it('ends when the caller disconnects', async () => {
    const { url, rpc } = await startGateway()
    const state = endless(rpc)
    const gone = new AbortController()
    const client = createClient(RevocationService, transport(url))
    const answers = client.watchRevocations({}, { signal: gone.signal })[Symbol.asyncIterator]()
    await answers.next()
    gone.abort()
    await eventually(() => expect(state.ended).toBe(1))
  })

  it('ends at once without an error when the gateway closes', async () => {
    const gateway = await startGateway()
    const { url, rpc } = gateway
    const state = endless(rpc)
    const answers = createClient(RevocationService, transport(url)).watchRevocations({})[Symbol.asyncIterator]()
    await answers.next()
    const began = performance.now()
    const [last] = await Promise.all([answers.next(), gateway.close()])
    expect([last.done, state.ended]).toEqual([true, 1])
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  it('is cut when the caller stops reading; until then the gateway only fills the socket buffers', async () => {
    const { url, rpc } = await startGateway({ maxStallMs: 400 })
    const state = { sent: 0, ended: false }
    rpc.answerStream(watchRevocations, async function* () {
      try {
        for (;;) {
          state.sent += 1
          yield head(state.sent, crypto.getRandomValues(new Uint8Array(10_000)))
        }
      } finally {
        state.ended = true
      }
    })
    const answers = createClient(RevocationService, transport(url)).watchRevocations({})[Symbol.asyncIterator]()
    await answers.next()
    await eventually(() => expect(state.ended).toBe(true))
    expect(state.sent).toBeLessThan(2_000)
    await errorOf(
      (async () => {
        while (!(await answers.next()).done);
      })(),
    )
  })
})

const envelope = (data: string, length = data.length) => `\0${String.fromCharCode(0, 0, 0, length)}${data}`
const exchange = (port: number, type: string, body: string, head = '') => {
  const headers = `host: x\r\nconnection: close\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n${head}`
  return rawExchange(port, Buffer.from(`POST ${PATH} HTTP/1.1\r\n${headers}\r\n${body}`, 'latin1'))
}

describe('a stream request that Connect cannot read', () => {
  const CONNECT = 'application/connect+proto'

  it.each([
    ['a malformed message', CONNECT, envelope('\xff\xff'), 'INVALID_ARGUMENT', 'invalid_argument'],
    ['malformed JSON', 'application/connect+json', envelope('{'), 'INVALID_ARGUMENT', 'invalid_argument'],
    [
      'a member twice',
      'application/connect+json',
      envelope('{"hash":"","hash":""}'),
      'INVALID_ARGUMENT',
      'invalid_argument',
    ],
    ['an incomplete message', CONNECT, envelope('ab', 9), 'INVALID_ARGUMENT', 'invalid_argument'],
    ['an envelope over the size limit', CONNECT, '\0\x7f\xff\xff\xff', 'BODY_TOO_LARGE', 'resource_exhausted'],
    ['no message', CONNECT, '', 'UNSUPPORTED_MEDIA_TYPE', 'unimplemented'],
    ['a malformed message of gRPC-Web', 'application/grpc-web+proto', envelope('\xff\xff'), 'INVALID_ARGUMENT', '3'],
  ])(
    'with %s is passed to the pipeline, and is not answered as an internal error',
    async (_name, type, body, reason, told) => {
      const { port, rpc } = await startGateway()
      const answer = await exchange(port, type, body)
      expect(answer).toMatch(/^HTTP\/1.1 200 /)
      expect(answer).toContain(told)
      expect(answer).not.toContain('internal')
      expect(rpc.refused).toMatchObject([{ reason, rpc: PATH.slice(1) }])
    },
  )

  it('is answered with the error of the pipeline if the pipeline refuses it for another reason', async () => {
    const limited = new ApiError('RATE_LIMITED', undefined, { retryAfter: 2 })
    const { port, rpc } = await startGateway()
    rpc.subscribe = () => failing(limited)
    const answer = await exchange(port, CONNECT, envelope('\xff\xff'))
    expect(answer).toMatch(/^HTTP\/1.1 200 /)
    expect(answer).toContain('content-type: application/connect+proto')
    expect(answer).toContain('"code":"resource_exhausted"')
    expect(answer).toContain('"retry-after":["2"]')
  })

  it('is answered with an HTTP error status if the content type is not that of a stream', async () => {
    const { url, rpc } = await startGateway()
    const json = { 'content-type': 'application/json' }
    expect((await fetch(url + PATH, { method: 'POST', headers: json, body: '{}' })).status).toBe(415)
    expect((await fetch(url + PATH, { headers: json })).status).toBeGreaterThanOrEqual(400)
    expect(rpc.refused.map(({ reason }) => reason)[0]).toBe('UNSUPPORTED_MEDIA_TYPE')
  })
})
