import type { Route } from '../http-port/exchange.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Exposition } from '../platform/metrics/exposition.ts'

/** What probes and monitors are told from. */
export interface OperationDeps {
  /** What /metrics answers. */
  readonly metrics: Exposition
  /** Names what is missing for the process to do its work; nothing when it is ready. It asks nobody. */
  readonly ready: () => readonly string[]
}

/** Creates the routes of probes and monitors: /health (the process lives), /ready (it can do its work), /metrics. */
export function operationRoutes({ metrics, ready }: OperationDeps, basePath = ''): readonly Route[] {
  return [
    ...[...new Set(['/health', `${basePath}/health`])].map((path) => ({ verb: 'GET', path, handle: health })),
    {
      verb: 'GET',
      path: '/ready',
      async handle() {
        const missing = ready()
        if (missing.length === 0) return json({ status: 'ready' })
        throw new ApiError('UNAVAILABLE', `The server is not ready: ${missing.join(', ')}`, { retryAfter: 1 })
      },
    },
    {
      verb: 'GET',
      path: '/metrics',
      handle: async () => ({
        status: 200,
        headers: { 'content-type': metrics.contentType },
        body: await metrics.metrics(),
      }),
    },
  ]
}

async function health() {
  return json({ status: 'ok', timestamp: Math.floor(Date.now() / 1000) })
}

function json(body: object) {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
