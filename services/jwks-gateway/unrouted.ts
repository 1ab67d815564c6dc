import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '../platform/errors/api-error.ts'
import { type GatewayContext, sendProblem } from './gateway-context.ts'
import { PREFLIGHT_HEADERS } from './security-headers.ts'
import { pathOf } from './well-known/links.ts'

/** A path that has routes, with the methods it takes. */
export interface KnownPath {
  readonly pattern: RegExp
  readonly methods: readonly string[]
  readonly isCrossOrigin: boolean
}

/**
 * Makes the hook that answers requests no route takes, before their body is read: a preflight of a public read, 405 with
 * Allow where the path takes other methods (RFC 9110 section 15.5.6), else 404.
 */
export function unroutedHook(context: GatewayContext, paths: readonly KnownPath[]) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (request.is404) void answerUnrouted(context, paths, request, reply)
    else done()
  }
}

async function answerUnrouted(
  context: GatewayContext,
  paths: readonly KnownPath[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const path = pathOf(request.raw.url ?? '/')
  const known = paths.filter(({ pattern }) => pattern.test(path))
  const methods = [...new Set(known.flatMap(({ methods }) => methods))]
  const readable = known.some(({ isCrossOrigin }) => isCrossOrigin)
  if (request.method === 'OPTIONS' && readable) return reply.code(204).headers(PREFLIGHT_HEADERS).send()
  const refuse = async (error: ApiError) =>
    sendProblem(context, await context.rpc.refuse(error, context.callerOf(request.raw)), request, reply)
  if (methods.length === 0) return refuse(new ApiError('ROUTE_NOT_FOUND'))
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), ...(readable ? ['OPTIONS'] : [])].join(', ')
  reply.header('allow', allow)
  return refuse(new ApiError('METHOD_NOT_ALLOWED', `The path takes ${allow}`))
}
