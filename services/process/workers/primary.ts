import cluster, { type Worker as Process } from 'node:cluster'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Ports } from '../../compose/start-listeners.ts'
import type { Server, ServerDeps } from '../../compose/start-server.ts'
import { StartupError } from '../../platform/errors/startup-error.ts'
import { type Contributor, type Gathering, gatherMetrics } from './gather-metrics.ts'
import type { Assignment, ToPrimary, ToWorker } from './messages.ts'
import { superviseWorkers, type Worker } from './supervise.ts'
import { closeUnaccepted } from './unaccepted.ts'

/** What a server takes to close its listeners and its connections, at most, and some more, in milliseconds. */
const CLOSING_MS = 17_000

/**
 * Starts so many processes like this one, which share the ports, and looks after them. This one accepts connections and hands
 * them out in turn; it does nothing else of a server. Rejects with StartupError when one cannot start.
 */
export function startWorkers({ config, secrets, databaseUrl, log }: Omit<ServerDeps, 'expose'>): Promise<Server> {
  // The other serialization would make bytes of keys into objects.
  cluster.setupPrimary({ serialization: 'advanced', windowsHide: true })
  const gathering = gatherMetrics(ownMetrics())
  const lookAfter = closeUnaccepted()
  const fork = () => {
    const child = cluster.fork()
    lookAfter(child)
    return child
  }
  return superviseWorkers({
    count: config.workers,
    stopMs: config.drainDelayMs + CLOSING_MS,
    log,
    launch: (number) => launch(fork(), { number, config, secrets, databaseUrl }, gathering),
  })
}

/** Metrics of this process, which add to those of the workers, and how many of them listen. */
function ownMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const gauge = new Gauge({ name: 'auth4agent_workers', help: 'Workers that listen.', registers: [registry] })
  return (workers: number) => {
    gauge.set(workers)
    return registry.getMetricsAsJSON()
  }
}

function launch(child: Process, assignment: Assignment, gathering: Gathering): Worker {
  const tell = (message: ToWorker): void => {
    // To one that is about to end nothing need be said.
    if (child.isConnected()) child.send(message, () => undefined)
  }
  let contributor: Contributor | undefined
  const { promise: listening, resolve, reject } = Promise.withResolvers<Ports>()
  child.on('message', (message: ToPrimary) => {
    switch (message.kind) {
      case 'listening':
        contributor = gathering.join(() => tell({ kind: 'collect' }))
        return resolve(message.ports)
      case 'failed':
        return reject(new StartupError(message.sentence))
      case 'collected':
        return contributor?.received(message.snapshot)
      case 'expose':
        return void gathering.exposition.metrics().then(
          (text) => tell({ kind: 'exposed', text }),
          () => tell({ kind: 'exposed', text: undefined }),
        )
    }
  })
  const ended = endOf(child).then((reason) => {
    contributor?.leave()
    reject(new StartupError(`Worker ${assignment.number} ended before it listened: ${reason}.`))
    return reason
  })
  tell({ kind: 'start', assignment })
  return {
    pid: child.process.pid ?? 0,
    listening,
    ended,
    stop: () => tell({ kind: 'stop' }),
    kill: () => void child.process.kill('SIGKILL'),
  }
}

/** How a process ended; one that could not even begin says so by an error alone. */
function endOf(child: Process): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  child.once('exit', (code: number | null, signal: string | null) => {
    resolve(signal === null ? `exit status ${code}` : `killed by ${signal}`)
  })
  child.on('error', ({ message }) => {
    if (child.process.pid === undefined) resolve(message)
  })
  return promise
}
