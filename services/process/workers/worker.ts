import { type Server, startServer } from '../../compose/start-server.ts'
import { createLogger } from '../../platform/log/log.ts'
import { type Exposition, rememberExposition } from '../../platform/metrics/exposition.ts'
import type { Metrics } from '../../platform/metrics/metrics.ts'
import { explainFailure } from '../explain-failure.ts'
import type { Assignment, ToPrimary, ToWorker } from './messages.ts'

/**
 * Runs this process as a worker. The worker stops cleanly when the primary process asks, and ends at once when the
 * primary process is gone.
 */
export function runWorker(): void {
  // Ctrl-C in a terminal and service managers signal every process, but only the primary process decides when to stop.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  // Kill this process, because the normal exit of node:cluster would wait until the log is read.
  process.prependOnceListener('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  let starting: Promise<Server> | undefined
  const stopping = new AbortController()
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'start') starting = start(message.assignment, stopping.signal)
    if (message.kind !== 'stop') return
    stopping.abort()
    void stop(starting)
  })
}

async function start({ number, config, secrets, databaseUrl }: Assignment, stopping: AbortSignal): Promise<Server> {
  const log = createLogger(config.logLevel, undefined, { worker: number }, config.logFormat)
  try {
    const server = await startServer({ config, secrets, databaseUrl, log, stopping, expose: exposeAll })
    tell({ kind: 'listening', ports: server.ports })
    server.outdated.catch(async (error: unknown) => {
      log.error({ problem: explainFailure(error) }, 'stopping')
      await server.stop()
      process.exit(1)
    })
    return server
  } catch (error) {
    if (stopping.aborted) process.exit(0)
    // Exit only after the primary process has the reason.
    tell({ kind: 'failed', sentence: explainFailure(error) }, () => process.exit(1))
    return new Promise(() => undefined)
  }
}

async function stop(starting: Promise<Server> | undefined): Promise<void> {
  const server = await starting
  await server?.stop()
  process.exit(0)
}

/** Sends this worker's metrics to the primary process on request, and asks it for the metrics of all workers. */
function exposeAll(metrics: Metrics): Exposition {
  let asked: PromiseWithResolvers<string> | undefined
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'collect') void metrics.snapshot().then((snapshot) => tell({ kind: 'collected', snapshot }))
    if (message.kind !== 'exposed') return
    if (message.text === undefined)
      asked?.reject(new Error('The primary process could not collect the metrics of all workers'))
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
