import cluster, { type Worker as Process } from 'node:cluster'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Ports } from '../../compose/listener.ts'
import type { Server, ServerDeps } from '../../compose/start-server.ts'
import { StartupError } from '../../platform/errors/startup-error.ts'
import { type Contributor, type Gathering, gatherMetrics } from './gather-metrics.ts'
import type { Assignment, ToPrimary, ToWorker } from './messages.ts'
import { superviseWorkers, type Worker } from './supervise.ts'
import { closeUnaccepted } from './unaccepted.ts'

/** The longest time a server needs to close its listeners and connections, plus a margin, in milliseconds. */
const CLOSING_MS = 17_000

/**
 * Starts `config.workers` workers, which share the ports, and supervises them. This process only accepts connections
 * and passes them to the workers in turn.
 * @throws StartupError when a worker cannot start; the reason of `stopping` when it aborts before all workers listen
 */
export function startWorkers(deps: Omit<ServerDeps, 'expose'>): Promise<Server> {
  const { config, secrets, databaseUrl, log, stopping } = deps
  // JSON, the default serialization, would turn the bytes of keys into plain objects.
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
    stopping,
    log,
    launch: (number) => launch(fork(), { number, config, secrets, databaseUrl }, gathering),
  })
}

/** Returns a function for this process's own metrics, which are added to those of the workers. */
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
    // A worker without a channel has ended or is about to end, so it needs no message.
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
    reject(new StartupError(`Worker ${assignment.number} ended before it listened: ${reason}`))
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

/** Resolves with the exit status or the signal of a process, or with the error if it could not be started. */
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
