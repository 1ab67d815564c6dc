import { once } from 'node:events'
import { connect } from 'node:http2'
import { status } from '@grpc/grpc-js'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { testDatabase } from '../../test/support/database.ts'
import { startGateway } from '../../test/support/gateway.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'
import { type PipelineSetup, pipelineFixture } from '../../test/support/pipeline.ts'
import { encodeFrame } from '../grpc-port/frames.ts'
import type { Rpc } from './rpc.ts'

const database = await testDatabase()
afterAll(() => database.drop())

const { getAgent } = IdentityService.method
const { watchRevocations } = RevocationService.method
const ANYONE = { callers: ['anyone'], own: 'none' } as const
const TWO = { perMinute: 6, burst: 2 }
/** Level 50 is an error. */
const isError = ({ level }: Record<string, unknown>) => level === 50
const never = () => new Promise<never>(() => undefined)

/** Makes a call with a deadline in milliseconds. Returns the name of its status code. */
type Call = (path: string, timeoutMs: number) => Promise<unknown>

async function overGrpc(rpc: Rpc): Promise<Call> {
  const { port } = await startGrpcServer({ rpc })
  const session = connect(`http://127.0.0.1:${port}`)
  onTestFinished(() => session.destroy())
  return async (path, timeoutMs) => {
    const head = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc' }
    const stream = session.request({ ...head, 'grpc-timeout': `${timeoutMs}m` })
    stream.resume().end(encodeFrame(new Uint8Array()))
    const [trailers] = (await once(stream, 'trailers')) as [Readonly<Record<string, unknown>>]
    return status[Number(trailers['grpc-status'])]
  }
}

async function overConnect(rpc: Rpc): Promise<Call> {
  const { url } = await startGateway({}, { rpc })
  return async (path, timeoutMs) => {
    const isStream = path.endsWith('WatchRevocations')
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': isStream ? 'application/connect+json' : 'application/json',
        'connect-timeout-ms': String(timeoutMs),
      },
      body: isStream ? encodeFrame(Buffer.from('{}')) : '{}',
    })
    return /"code":"([a-z_]+)"/.exec(await answer.text())?.[1]?.toUpperCase()
  }
}

const UNARY = '/auth4agent.v1.IdentityService/GetAgent'
const WATCH = '/auth4agent.v1.RevocationService/WatchRevocations'

const unary: PipelineSetup = { method: getAgent, policy: ANYONE, handler: never }
const watch: PipelineSetup = {
  method: watchRevocations,
  policy: ANYONE,
  async *streamHandler(_request, { signal }) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    yield {}
  },
}

describe.each([
  ['gRPC', overGrpc],
  ['Connect', overConnect],
])('a deadline of the caller over %s', (_transport, over) => {
  it.each<[string, PipelineSetup, string, number]>([
    ['no time left', unary, UNARY, 0],
    ['50 milliseconds', unary, UNARY, 50],
    ['no time left for a stream', watch, WATCH, 0],
    ['50 milliseconds for a stream', watch, WATCH, 50],
  ])('ends with DEADLINE_EXCEEDED and counts as no fault of the server: %s', async (_name, setup, path, timeoutMs) => {
    const { rpc, lines, observed } = pipelineFixture(database.db, setup)
    const call = await over(rpc)
    expect(await call(path, timeoutMs)).toBe('DEADLINE_EXCEEDED')
    await expect.poll(() => observed).toEqual(['CALLER_DEADLINE'])
    expect(lines.filter(isError)).toEqual([])
  })

  it.each<[string, PipelineSetup, string]>([
    ['a call', unary, UNARY],
    ['a stream', watch, WATCH],
  ])('of 0 ms does not exempt %s from the rate limits', async (_name, setup, path) => {
    const { rpc, observed } = pipelineFixture(database.db, { ...setup, rate: { source: TWO } })
    const call = await over(rpc)
    for (const code of ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED']) {
      expect(await call(path, 0)).toBe(code)
    }
    expect(observed).toEqual(['CALLER_DEADLINE', 'CALLER_DEADLINE', 'RATE_LIMITED', 'RATE_LIMITED'])
  })

  it("that is longer than the server's is ignored, so exceeding the server's deadline counts as a fault", async () => {
    const { rpc, lines, observed } = pipelineFixture(database.db, { ...unary, deps: { deadlineMs: 50 } })
    const call = await over(rpc)
    expect(await call(UNARY, 60_000)).toBe('DEADLINE_EXCEEDED')
    expect(observed).toEqual(['DEADLINE_EXCEEDED'])
    expect(lines.filter(isError)).toHaveLength(1)
  })
})
