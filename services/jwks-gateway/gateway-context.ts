import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../shared/log/log.ts'
import type { Rpc } from '../shared/rpc/rpc.ts'
import type { GatewayConfig } from './config.ts'
import { problemOf, requestError } from './problem.ts'
import type { Resources } from './resource.ts'
import type { SourceOf } from './source-of.ts'

/** What the gateway works with. */
export interface GatewayDeps {
  readonly rpc: Rpc
  readonly config: GatewayConfig
  readonly log: Logger
  /** What /metrics answers: a prom-client registry. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> }
  /** Names what is missing for the server to do its work; nothing when it is ready. */
  readonly ready: () => Promise<readonly string[]>
  /** What methods answer beside plain JSON, and which of them any script may read. */
  readonly representations: Resources
}

/** The dependencies with what follows from them. */
export interface GatewayContext extends GatewayDeps {
  readonly sourceOf: SourceOf
  /** The issuer's path; empty when it has none. */
  readonly basePath: string
}

/** The request's id, which the listener has settled before any route. */
export function requestIdOf(request: FastifyRequest): string {
  return request.raw.headers['x-request-id'] as string
}

/** Answers any error as a problem document; what is not a refusal of the request is logged. */
export function sendProblem(
  context: GatewayContext,
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const error = requestError(thrown)
  const requestId = requestIdOf(request)
  if (error !== thrown && error.reason === 'INTERNAL') {
    context.log.error({ error: thrown, requestId }, 'request failed in the gateway')
  }
  const problem = problemOf(error, requestId, request.headers.authorization !== undefined)
  reply.code(problem.status).headers(problem.headers).send(Buffer.from(problem.body))
}
