import type { Route } from '../http-port/exchange.ts'
import type { DurabilityFacts } from '../platform/db/durability.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Exposition } from '../platform/metrics/exposition.ts'

/** Options of operationRoutes. */
export interface OperationDeps {
  /** The answer of /metrics. */
  readonly metrics: Exposition
  /** Returns the reasons why the process is not ready, or an empty list if it is ready. */
  readonly ready: () => readonly string[]
  /** Returns what commits survive, which /ready shows. */
  readonly durability?: () => DurabilityFacts
}

/** Creates the routes for probes and monitors: /health (the process runs), /ready (it can do its work), /metrics. */
export function operationRoutes({ metrics, ready, durability }: OperationDeps, basePath = ''): readonly Route[] {
  return [
    ...[...new Set(['/health', `${basePath}/health`])].map(healthRoute),
    readyRoute(ready, durability),
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

/** Creates the routes for the probes of a process that waits before it can start. `why` continues "is not ready". */
export function waitingRoutes(why: string): readonly Route[] {
  return [healthRoute('/health'), readyRoute(() => [why])]
}

function healthRoute(path: string): Route {
  return { verb: 'GET', path, handle: health }
}

function readyRoute(ready: OperationDeps['ready'], durability?: OperationDeps['durability']): Route {
  return {
    verb: 'GET',
    path: '/ready',
    async handle() {
      const missing = ready()
      if (missing.length === 0) return json({ status: 'ready', ...durability?.() })
      throw new ApiError('UNAVAILABLE', `The server is not ready: ${missing.join(', ')}`, { retryAfter: 1 })
    },
  }
}

async function health() {
  return json({ status: 'ok', timestamp: Math.floor(Date.now() / 1000) })
}

function json(body: object) {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
