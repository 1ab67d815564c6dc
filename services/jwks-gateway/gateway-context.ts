import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requestId } from '../chain/request-id.ts'
import type { Caller, Rpc } from '../chain/rpc.ts'
import { createSourceOf } from '../chain/source-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { StatusRefusals } from '../platform/errors/status-refusal.ts'
import type { Logger } from '../platform/log/log.ts'
import { type GatewayConfig, issuerPath } from './config.ts'
import { problemOf, requestError } from './problem.ts'
import type { Resources } from './rest/resource.ts'

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
  /** How answers that say no are refused to callers who prefer that. */
  readonly statusRefusals: StatusRefusals
}

/** What a caller is told by. */
interface Received {
  readonly socket: { readonly remoteAddress?: string | undefined }
  readonly headers: IncomingHttpHeaders
}

/** The dependencies with what follows from them. */
export interface GatewayContext extends GatewayDeps {
  /** Tells whose request it is. The listener has settled its id before any route. */
  readonly callerOf: (request: Received) => Caller
  /** The issuer's path; empty when it has none. */
  readonly basePath: string
  /** Aborts when the gateway closes: streams end then. */
  readonly closing: AbortSignal
}

/** Adds what follows from the dependencies. Throws Error for settings that cannot be. */
export function createContext(deps: GatewayDeps, closing: AbortSignal): GatewayContext {
  const { trustedProxies, baseUrl } = deps.config
  const sourceOf = createSourceOf(trustedProxies)
  return {
    ...deps,
    closing,
    basePath: issuerPath(baseUrl),
    callerOf: ({ socket, headers }) => ({
      requestId: requestId(headers['x-request-id']),
      source: sourceOf(socket.remoteAddress ?? '', forwardedBy(headers['x-forwarded-for'])),
    }),
  }
}

function forwardedBy(header: string | string[] | undefined): readonly string[] {
  return typeof header === 'string' ? [header] : (header ?? [])
}

/** Answers any error as a problem document. What is no ApiError has not been before the chain, and goes there first. */
export async function sendProblem(
  { rpc, callerOf }: GatewayContext,
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const caller = callerOf(request.raw)
  const error = thrown instanceof ApiError ? thrown : await rpc.refuse(requestError(thrown), caller)
  const problem = problemOf(error, caller.requestId, request.headers.authorization !== undefined)
  return reply.code(problem.status).headers(problem.headers).send(Buffer.from(problem.body))
}
