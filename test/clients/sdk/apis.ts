import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { localInterceptor } from '@auth4agent/sdk/grpc'
import {
  type Client,
  Server as GrpcServer,
  Metadata,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { certificate } from '../../support/certificate.ts'

/** The parts of a request that show who calls. */
interface Presented {
  readonly authorization: string | undefined
  readonly dpop: string | undefined
  readonly method: string
  readonly url: string
}

/** Resolves with the claims of the token in a request, or undefined if the token is not valid. */
type Verify = (request: Presented) => Promise<string | undefined>

/** Returns a function that asks the server about each token, as a service does that must know revocations at once. */
export function verifierAt(server: string): Verify {
  return async ({ authorization, dpop, method, url }) => {
    const [, scheme = '', token = ''] = /^(Bearer|DPoP) (.+)$/.exec(authorization ?? '') ?? []
    const proof = scheme === 'DPoP' ? { dpop_proof: dpop, http_method: method, http_url: url } : {}
    const response = await fetch(`${server}/v1/verify`, {
      method: 'POST',
      body: JSON.stringify({ token, ...proof }),
      headers: JSON_TYPE,
    })
    const answer: unknown = await response.json()
    const isValid = typeof answer === 'object' && answer !== null && 'valid' in answer && answer.valid === true
    return isValid && 'claims' in answer ? JSON.stringify(answer.claims) : undefined
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** Starts a protected API on loopback. It answers with the claims of the token. */
export async function startApi(verify: Verify) {
  let origin = ''
  const answer = async ({ headers, method = '', url = '' }: IncomingMessage, response: ServerResponse) => {
    const { authorization, dpop } = headers
    const claims = await verify({ authorization, dpop: dpop?.toString(), method, url: origin + url })
    if (claims === undefined) response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
    else response.end(claims)
  }
  const server = createServer((request, response) => void answer(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The API does not listen on a TCP port')
  origin = `http://127.0.0.1:${address.port}`
  return {
    url: origin,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const bytes = (value: Buffer) => value
/** The only method of the API of {@link startGrpcApi}. The messages of the method are bytes. */
const WHO = {
  path: '/test.Api/Who',
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
} as const

/** Starts an API over gRPC, with or without TLS. Like {@link startApi}, it answers with the claims of the token. */
export async function startGrpcApi(verify: Verify, isSecure: boolean) {
  const server = new GrpcServer()
  let address = ''
  const who = async (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
    const [authorization, dpop] = ['authorization', 'dpop'].map((name) => call.metadata.get(name)[0]?.toString())
    const url = `${isSecure ? 'https' : 'http'}://${address}${call.getPath()}`
    const claims = await verify({ authorization, dpop, method: 'POST', url })
    if (claims === undefined) done({ code: status.UNAUTHENTICATED, details: 'The call has no valid token' })
    else done(null, Buffer.from(claims))
  }
  server.addService(
    { who: WHO },
    { who: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => void who(call, done) },
  )
  const pair = { cert_chain: Buffer.from(certificate.cert), private_key: Buffer.from(certificate.key) }
  const credentials = isSecure ? ServerCredentials.createSsl(null, [pair]) : ServerCredentials.createInsecure()
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  address = `localhost:${port}`
  return { address, stop: () => server.forceShutdown() }
}

/**
 * Calls the method of {@link startGrpcApi}, closes the client and resolves with the parsed claims. If `agent` is set,
 * the call uses `localInterceptor` with it.
 */
export const askGrpc = (client: Client, agent: Parameters<typeof localInterceptor>[0] | undefined) =>
  new Promise<unknown>((resolve, reject) => {
    client.makeUnaryRequest(
      WHO.path,
      WHO.requestSerialize,
      WHO.responseDeserialize,
      Buffer.alloc(0),
      new Metadata(),
      agent === undefined ? {} : { interceptors: [localInterceptor(agent)] },
      (error, value) => (error ? reject(error) : resolve(JSON.parse(String(value)))),
    )
  }).finally(() => client.close())
