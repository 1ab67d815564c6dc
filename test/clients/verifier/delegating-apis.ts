import { createServer } from 'node:http'
import type { Delegation, Verifier } from '@auth4agent/verifier'
import { claimsKey, delegationKey, protect as protectConnect } from '@auth4agent/verifier/connect'
import * as expressApi from '@auth4agent/verifier/express'
import * as fastifyApi from '@auth4agent/verifier/fastify'
import * as grpcApi from '@auth4agent/verifier/grpc'
import { type ProtectedOrDelegated, protect as protectHono } from '@auth4agent/verifier/hono'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { type Api, LIST, listening, serveHono } from './apis.ts'

/** What a handler says about its caller: who acts for whom, or the DID in the claims of an access token. */
type Told = { readonly actor: string; readonly principal: string } | { readonly sub: string }

function tell(delegation: Delegation | undefined, claimsOf: () => { readonly sub: string }): Told {
  if (delegation === undefined) return { sub: claimsOf().sub }
  const { actor, principal } = delegation
  return { actor, principal }
}

const ACCEPT = { scope: 'pay', delegation: 'accept' } as const
const amountOf = (body: unknown) => ({ amount: Object(body).amount })

/** Starts an API whose method or `POST /pay` accepts chains. The argument `amount` is a member of the body. */
export const startDelegating = {
  async express(verifier: Verifier): Promise<Api> {
    const guard = expressApi.protect(verifier, { ...ACCEPT, arguments: ({ body }) => amountOf(body) })
    const app = express().use(express.json())
    app.post('/pay', guard, (_request, response) => {
      response.json(tell(expressApi.delegationOf(response), () => expressApi.claimsOf(response)))
    })
    return listening(createServer(app))
  },
  async fastify(verifier: Verifier): Promise<Api> {
    const preHandler = fastifyApi.protect(verifier, { ...ACCEPT, arguments: ({ body }) => amountOf(body) })
    const app = fastify()
    app.post('/pay', { preHandler }, (request) =>
      tell(fastifyApi.delegationOf(request), () => fastifyApi.claimsOf(request)),
    )
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
  async hono(verifier: Verifier): Promise<Api> {
    const app = new Hono<ProtectedOrDelegated>()
    const guard = protectHono(verifier, { ...ACCEPT, arguments: async ({ req }) => amountOf(await req.json()) })
    app.post('/pay', guard, (context) =>
      context.json(tell(context.get('delegation'), () => context.get('claims') ?? { sub: '' })),
    )
    return serveHono(app)
  },
} as const

/** The paths of the methods of {@link startDelegatingConnect}: one with one message, and one with a stream. */
export const CREATE = '/auth4agent.v1.AuthnService/CreateChallenge'
export const WATCH = '/auth4agent.v1.RevocationService/WatchRevocations'

/** Starts a Connect API whose `CreateChallenge` accepts chains. The argument `amount` is the length of `did`. */
export async function startDelegatingConnect(verifier: Verifier): Promise<Api> {
  const guard = protectConnect(verifier, {
    ...ACCEPT,
    arguments: ({ message }) => ({ amount: 'did' in message ? String(message.did).length : undefined }),
  })
  const handler = connectNodeAdapter({
    interceptors: [guard, guard],
    routes: (router) =>
      router
        .service(AuthnService, {
          createChallenge: (_request, { values }) => ({
            challenge: values.get(delegationKey)?.actor ?? values.get(claimsKey)?.sub ?? '',
          }),
        })
        .service(RevocationService, { async *watchRevocations() {} }),
  })
  return listening(createServer(handler))
}

const STREAM = { ...LIST, path: '/test.Orders/Upload', requestStream: true } as const
export const PATHS = { list: LIST.path, upload: STREAM.path }

/** What the handlers of {@link startDelegatingGrpc} were called with. */
export interface GrpcApi extends Api {
  readonly handled: string[]
}

/** Starts a gRPC API whose methods accept chains. The argument `amount` is the length of the message. */
export async function startDelegatingGrpc(verifier: Verifier): Promise<GrpcApi> {
  const handled: string[] = []
  const guard = grpcApi.protect(verifier, {
    ...ACCEPT,
    arguments: ({ message }) => ({ amount: Buffer.isBuffer(message) ? message.length : undefined }),
  })
  const server = new Server({ interceptors: [guard, guard] })
  const answer = (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => {
    handled.push(call.getPath())
    const told = tell(grpcApi.delegationOf(call), () => grpcApi.claimsOf(call))
    respond(null, Buffer.from('actor' in told ? told.actor : told.sub))
  }
  server.addService({ list: LIST, upload: STREAM }, { list: answer, upload: answer })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  return { url: `127.0.0.1:${port}`, close: async () => server.forceShutdown(), handled }
}
