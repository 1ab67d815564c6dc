import type { FastifyInstance } from 'fastify'
import type { GatewayContext } from '../jwks-gateway/gateway-context.ts'
import { ApiError } from '../platform/errors/api-error.ts'

/** Adds what probes and monitors read: /health (the process lives), /ready (it can do its work), /metrics. */
export function addOperationRoutes(server: FastifyInstance, { basePath, metrics, ready }: GatewayContext): void {
  for (const prefix of new Set(['', basePath])) {
    server.get(`${prefix}/health`, async (_request, reply) => {
      reply.header('content-type', 'application/json')
      return Buffer.from(JSON.stringify({ status: 'ok', timestamp: Math.floor(Date.now() / 1000) }))
    })
  }
  server.get('/ready', async (_request, reply) => {
    const missing = await ready()
    if (missing.length > 0) {
      throw new ApiError('UNAVAILABLE', `The server is not ready: ${missing.join(', ')}`, { retryAfter: 1 })
    }
    reply.header('content-type', 'application/json')
    return Buffer.from(JSON.stringify({ status: 'ready' }))
  })
  server.get('/metrics', async (_request, reply) => {
    reply.header('content-type', metrics.contentType)
    return metrics.metrics()
  })
}
