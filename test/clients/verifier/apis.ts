import { createServer, type Server as HttpServer } from 'node:http'
import type { Verifier } from '@auth4agent/verifier'
import { claimsKey, protect as protectConnect } from '@auth4agent/verifier/connect'
import { claimsOf as expressClaims, protect as protectExpress } from '@auth4agent/verifier/express'
import { claimsOf as fastifyClaims, protect as protectFastify } from '@auth4agent/verifier/fastify'
import { claimsOf as grpcClaims, protect as protectGrpc } from '@auth4agent/verifier/grpc'
import { type Protected, protect as protectHono } from '@auth4agent/verifier/hono'
import { protect as protectMcp } from '@auth4agent/verifier/mcp'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { KeysService } from '../../../gen/proto/auth4agent/v1/keys_pb.ts'

/** The scope that the APIs require. Each API answers with the DID of the caller. */
const SCOPE = 'orders:read'

/** A running API. */
export interface Api {
  readonly url: string
  close(): Promise<void>
}

/** A method whose messages are bytes. */
export const LIST = {
  path: '/test.Orders/List',
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
} as const

/** Functions that each start an API on one framework. Some are protected by two guards, which must agree. */
export const startApi = {
  async express(verifier: Verifier): Promise<Api> {
    const app = express()
    app.get('/', protectExpress(verifier, { scope: SCOPE }), (_request, response) => {
      response.json({ sub: expressClaims(response).sub })
    })
    return listening(createServer(app))
  },
  async fastify(verifier: Verifier): Promise<Api> {
    const app = fastify()
    app.get('/', { onRequest: protectFastify(verifier, { scope: SCOPE }) }, (request) => ({
      sub: fastifyClaims(request).sub,
    }))
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
  async hono(verifier: Verifier): Promise<Api> {
    const app = new Hono<Protected>()
    app.get('/', protectHono(verifier, { scope: SCOPE }), (context) => context.json({ sub: context.get('claims').sub }))
    return serveHono(app)
  },
  async connect(verifier: Verifier): Promise<Api> {
    const handler = connectNodeAdapter({
      interceptors: [protectConnect(verifier, { scope: SCOPE }), protectConnect(verifier, { scope: SCOPE })],
      routes: (router) =>
        router
          .service(AuthnService, {
            createChallenge: (_request, { values }) => ({ challenge: values.get(claimsKey)?.sub ?? '' }),
          })
          // A method without side effects, which clients may call with GET.
          .service(KeysService, { listSigningKeys: () => ({}) }),
    })
    return listening(createServer(handler))
  },
  async grpc(verifier: Verifier): Promise<Api> {
    const server = new Server({
      interceptors: [protectGrpc(verifier, { scope: SCOPE }), protectGrpc(verifier, { scope: SCOPE })],
    })
    server.addService(
      { list: LIST },
      {
        list: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) =>
          answer(null, Buffer.from(grpcClaims(call).sub)),
      },
    )
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      )
    })
    return { url: `127.0.0.1:${port}`, close: async () => server.forceShutdown() }
  },
  async mcp(verifier: Verifier): Promise<Api> {
    const app = express()
    app.use(protectMcp(verifier, { resource: 'https://api.agents.example.com/mcp', scope: SCOPE }))
    app.get('/', (request, response) => {
      response.json({ sub: 'auth' in request ? request.auth : undefined })
    })
    return listening(createServer(app))
  },
}

/** Serves an app of Hono on a free port. */
export async function serveHono(app: { readonly fetch: Hono['fetch'] }): Promise<Api> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port))
  return { url: `http://127.0.0.1:${await promise}`, close: async () => void server.close() }
}

/** Lets a server listen on a free port. */
export async function listening(server: HttpServer): Promise<Api> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The server does not listen on a TCP port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
