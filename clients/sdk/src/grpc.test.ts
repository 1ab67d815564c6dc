import { promisify } from 'node:util'
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { expect, it, onTestFinished } from 'vitest'
import type { TokenOptions } from './agent.ts'
import { localInterceptor } from './grpc.ts'

const PATH = '/example.Orders/Get'
const same = (bytes: Buffer) => bytes
const definition: ServiceDefinition = {
  Get: {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
}

/** Starts a server that records the tokens of its calls, and a client that gets its token from `token`. */
async function startCalls(token: (options?: TokenOptions) => Promise<string>) {
  const server = new Server()
  const seen: unknown[] = []
  server.addService(definition, {
    Get(call: { metadata: { get(name: string): unknown[] } }, answer: sendUnaryData<Buffer>) {
      seen.push(...call.metadata.get('authorization'))
      answer(null, Buffer.from('answer'))
    },
  })
  const bind = promisify(server.bindAsync.bind(server))
  const client = new Client(
    `localhost:${await bind('localhost:0', ServerCredentials.createInsecure())}`,
    credentials.createInsecure(),
  )
  onTestFinished(() => {
    client.close()
    server.forceShutdown()
  })
  const interceptors = [localInterceptor({ token })]
  const call = (deadline: number) => {
    const { promise, resolve } = Promise.withResolvers<ServiceError | Buffer | null | undefined>()
    const under = client.makeUnaryRequest(
      PATH,
      same,
      same,
      Buffer.alloc(0),
      { deadline, interceptors },
      (error, bytes) => resolve(error ?? bytes),
    )
    return { ended: promise, cancel: () => under.cancel() }
  }
  return { call, seen }
}

/** Behaves like an agent whose server never answers: it rejects when the signal aborts. */
function never({ signal }: TokenOptions = {}): Promise<string> {
  return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
}

it('localInterceptor adds the token to a call', async () => {
  const { call, seen } = await startCalls(async () => 'token')
  expect(String(await call(Number.POSITIVE_INFINITY).ended)).toBe('answer')
  expect(seen).toEqual(['Bearer token'])
})

it.each([
  ['its deadline passes', 50, status.DEADLINE_EXCEEDED, () => undefined],
  ['it is cancelled', Number.POSITIVE_INFINITY, status.CANCELLED, (cancel: () => void) => cancel()],
])('localInterceptor ends a call that waits for its token when %s', async (_name, ms, code, act) => {
  const { call, seen } = await startCalls(never)
  const { ended, cancel } = call(Date.now() + ms)
  act(cancel)
  expect(await ended).toMatchObject({ code })
  expect(seen).toEqual([])
})

it('localInterceptor does not send a call whose token arrives after the deadline of the call', async () => {
  const { call, seen } = await startCalls(async ({ signal } = {}) => {
    await never({ signal }).catch(() => undefined)
    return 'token'
  })
  expect(await call(Date.now() + 50).ended).toMatchObject({ code: status.DEADLINE_EXCEEDED })
  expect(seen).toEqual([])
})

it('localInterceptor ends a call with UNAUTHENTICATED when the agent cannot get a token', async () => {
  const { call } = await startCalls(async () => Promise.reject(new Error('no token')))
  const error = await call(Date.now() + 10_000).ended
  expect(error).toMatchObject({ code: status.UNAUTHENTICATED, details: 'no token' })
})
