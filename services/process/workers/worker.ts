import { type Server, startServer } from '../../compose/start-server.ts'
import { createLogger } from '../../platform/log/log.ts'
import { type Exposition, rememberExposition } from '../../platform/metrics/exposition.ts'
import type { Metrics } from '../../platform/metrics/metrics.ts'
import { explainFailure } from '../explain-failure.ts'
import type { Assignment, ToPrimary, ToWorker } from './messages.ts'

/**
 * Does what the primary says, until it says stop; then this process ends in order. When the primary is gone it ends at once.
 */
export function runWorker(): void {
  // The terminal's Ctrl-C, and whoever signals all processes of a service, mean the primary: it decides.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  // An exit in order, as node:cluster has it, would wait for whoever reads the log.
  process.prependOnceListener('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  let starting: Promise<Server> | undefined
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'start') starting = start(message.assignment)
    if (message.kind === 'stop') void stop(starting)
  })
}

async function start({ number, config, secrets, databaseUrl }: Assignment): Promise<Server> {
  const log = createLogger(config.logLevel, undefined, { worker: number }, config.logFormat)
  try {
    const server = await startServer({ config, secrets, databaseUrl, log, expose: exposeAll })
    tell({ kind: 'listening', ports: server.ports })
    return server
  } catch (error) {
    // It is said before the end that it explains.
    tell({ kind: 'failed', sentence: explainFailure(error) }, () => process.exit(1))
    return new Promise(() => undefined)
  }
}

async function stop(starting: Promise<Server> | undefined): Promise<void> {
  const server = await starting
  await server?.stop()
  process.exit(0)
}

/** What this worker has counted goes to the primary when it asks, and what all have is asked of the primary. */
function exposeAll(metrics: Metrics): Exposition {
  let asked: PromiseWithResolvers<string> | undefined
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'collect') void metrics.snapshot().then((snapshot) => tell({ kind: 'collected', snapshot }))
    if (message.kind !== 'exposed') return
    if (message.text === undefined) asked?.reject(new Error('the metrics of all workers cannot be told'))
    else asked?.resolve(message.text)
  })
  return rememberExposition(() => {
    asked = Promise.withResolvers()
    tell({ kind: 'expose' })
    return asked.promise
  })
}

function tell(message: ToPrimary, then: () => void = () => undefined): void {
  process.send?.(message, undefined, undefined, then)
}
