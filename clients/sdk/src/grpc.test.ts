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
import { certificate } from '../../../test/support/certificate.ts'
import type { Agent, AuthorizationOptions } from './agent.ts'
import type { AuthorizationHeaders } from './dpop.ts'
import { authorizedCredentials, type GrpcOptions, localInterceptor } from './grpc.ts'

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

/** Makes the headers of a call, like an agent. */
type Authorize = Agent['authorization']

/** Starts a server that records the headers of its calls. */
async function startServer(security: ServerCredentials) {
  const server = new Server()
  const seen: unknown[] = []
  server.addService(definition, {
    Get(call: { metadata: { get(name: string): unknown[] } }, answer: sendUnaryData<Buffer>) {
      seen.push(...call.metadata.get('authorization'), ...call.metadata.get('dpop'))
      answer(null, Buffer.from('answer'))
    },
  })
  onTestFinished(() => server.forceShutdown())
  const port = await promisify(server.bindAsync.bind(server))('localhost:0', security)
  return { address: `localhost:${port}`, seen }
}

/** Makes a call that sends nothing. Resolves with the error or the answer. */
function callOnce(client: Client): Promise<unknown> {
  onTestFinished(() => client.close())
  return new Promise((resolve) =>
    client.makeUnaryRequest(PATH, same, same, Buffer.alloc(0), (error, bytes) => resolve(error ?? bytes)),
  )
}

/** Starts a server, and a client that gets its headers from `authorization`. */
async function startCalls(authorization: Authorize, options?: GrpcOptions) {
  const { address, seen } = await startServer(ServerCredentials.createInsecure())
  const client = new Client(address, credentials.createInsecure())
  onTestFinished(() => client.close())
  const interceptors = [localInterceptor({ authorization }, options)]
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
  return { call, seen, address }
}

/** Behaves like an agent whose server never answers: it rejects when the signal aborts. */
function never(
  _method: string,
  _url: string | URL,
  { signal }: AuthorizationOptions = {},
): Promise<AuthorizationHeaders> {
  return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
}

it('localInterceptor adds the token to a call', async () => {
  const { call, seen } = await startCalls(async () => ({ authorization: 'Bearer token' }))
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
  const { call, seen } = await startCalls(async (method, url, options) => {
    await never(method, url, options).catch(() => undefined)
    return { authorization: 'Bearer token' }
  })
  expect(await call(Date.now() + 50).ended).toMatchObject({ code: status.DEADLINE_EXCEEDED })
  expect(seen).toEqual([])
})

it('localInterceptor ends a call with UNAUTHENTICATED when the agent cannot get a token', async () => {
  const { call } = await startCalls(async () => Promise.reject(new Error('no token')))
  const error = await call(Date.now() + 10_000).ended
  expect(error).toMatchObject({ code: status.UNAUTHENTICATED, details: 'no token' })
})

/** Returns headers as for a bound token. The proof shows what it is for. */
const bound: Authorize = async (method, url) => ({ authorization: 'DPoP token', dpop: `${method} ${String(url)}` })

it('localInterceptor adds a proof for the address of the channel, or for publicUrl', async () => {
  const calls = await startCalls(bound)
  await calls.call(Number.POSITIVE_INFINITY).ended
  expect(calls.seen).toEqual(['DPoP token', `POST http://${calls.address}${PATH}`])
  const named = await startCalls(bound, { publicUrl: 'https://api.example/orders/' })
  await named.call(Number.POSITIVE_INFINITY).ended
  expect(named.seen).toEqual(['DPoP token', `POST https://api.example/orders${PATH}`])
})

it('localInterceptor makes proofs for channels to each kind of local address', async () => {
  const urls: unknown[] = []
  const authorization: Authorize = (_method, url) => {
    urls.push(url)
    return Promise.reject(new Error('enough'))
  }
  const interceptors = [localInterceptor({ authorization })]
  for (const target of [
    'localhost:1',
    'ipv4:127.0.0.1:1,127.0.0.2:2',
    'ipv6:[::1]:1',
    '[::1]:1',
    'unix:/tmp/api.sock',
  ]) {
    await callOnce(new Client(target, credentials.createInsecure(), { interceptors }))
  }
  expect(urls).toEqual(
    ['localhost:1', '127.0.0.1:1', '[::1]:1', '[::1]:1', 'localhost'].map((host) => `http://${host}${PATH}`),
  )
})

it.each([
  ['the host of the channel', {}, `POST https://localhost${PATH}`],
  ['publicUrl', { publicUrl: 'https://localhost:8443' }, `POST https://localhost:8443${PATH}`],
])('authorizedCredentials adds a proof for %s', async (_name, options, proof) => {
  const pair = { cert_chain: Buffer.from(certificate.cert), private_key: Buffer.from(certificate.key) }
  const { address, seen } = await startServer(ServerCredentials.createSsl(null, [pair]))
  const tls = credentials.createSsl(Buffer.from(certificate.cert))
  await callOnce(new Client(address, authorizedCredentials({ authorization: bound }, tls, options)))
  expect(seen).toEqual(['DPoP token', proof])
})

it('localInterceptor and authorizedCredentials throw TypeError for a publicUrl that is no URL', () => {
  const [agent, options] = [{ authorization: bound }, { publicUrl: 'api.example' }]
  expect(() => localInterceptor(agent, options)).toThrow('publicUrl must be a URL')
  expect(() => authorizedCredentials(agent, undefined, options)).toThrow('publicUrl must be a URL')
})
