import './process/require-node.ts'
import cluster from 'node:cluster'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { engineChoice } from '@auth4agent/core/keys/ed25519'
import type { Server, ServerDeps } from './compose/start-server.ts'
import { checkFiles } from './configuration/check-files.ts'
import { type Config, readConfig } from './configuration/config.ts'
import { loadSecrets, type Secrets } from './configuration/secrets.ts'
import { parseServices } from './configuration/service-names.ts'
import { StartupError } from './platform/errors/startup-error.ts'
import { createLogger, type Logger } from './platform/log/log.ts'
import { untilAborted } from './platform/schedule/unless-aborted.ts'
import { printWelcome } from './process/banner.ts'
import { explainFailure } from './process/explain-failure.ts'
import { tellParent, whenParentEnds } from './process/parent.ts'

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url))
/**
 * Connections of a worker to the database in addition to its pool: for redemptions, reads, look-ups, leases, waits,
 * two for notifications, and for migrations at the start.
 */
const OTHER_CONNECTIONS = 23
/** Connections for people who inspect the embedded database, and those that PostgreSQL reserves for its superuser. */
const SPARE_CONNECTIONS = 10

/**
 * Signals within this time of the first one count as one signal, in milliseconds, because the terminal, npm and the
 * bootstrap all pass on Ctrl-C.
 */
const SAME_SIGNAL_MS = 1_000

if (cluster.isWorker) {
  const { runWorker } = await import('./process/workers/worker.ts')
  runWorker()
} else {
  try {
    await main()
    // Exit now. An unanswered connection attempt would keep the process alive until the operating system gives up.
    process.exit(0)
  } catch (error) {
    process.stderr.write(`${explainFailure(error)}\n`)
    process.exit(1)
  }
}

/** Runs the server until it must stop, and then stops it cleanly. Throws when the server cannot start or continue. */
async function main(): Promise<void> {
  const services = parseServices(process.argv.slice(2))
  const config = readConfig(process.env, await defaultDataDir(), services)
  const log = createLogger(config.logLevel, undefined, {}, config.logFormat)
  const stopping = stopSignal()
  await checkFiles(config)
  const secrets = await loadSecrets(config)
  const serving = { config, secrets, log, stopping }
  if (config.databaseUrl === undefined) await serveOverEmbedded(serving)
  else await serve(serving, config.databaseUrl)
  log.info({}, 'stopped')
}

async function serveOverEmbedded(serving: Serving): Promise<void> {
  const { config, log } = serving
  const { startEmbeddedPostgres } = await import('./embedded-postgres/start.ts')
  const lost = Promise.withResolvers<never>()
  // The database may be lost while nothing awaits this promise. Without a handler, Node would end the process.
  lost.promise.catch(() => undefined)
  const onLost = (reason: string) => lost.reject(new StartupError(`The embedded database is lost: ${reason}`))
  const database = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    maxConnections: config.workers * (config.dbPoolSize + OTHER_CONNECTIONS) + SPARE_CONNECTIONS,
    log,
    onLost,
  })
  try {
    await Promise.race([serve(serving, database.url), lost.promise])
  } finally {
    await database.stop()
  }
}

/**
 * Returns the default data folder. With DATABASE_URL the server keeps nothing in it, so this function does not load
 * the code of the embedded database.
 */
async function defaultDataDir(): Promise<string> {
  if (process.env.DATABASE_URL) return join(CHECKOUT, 'data')
  const embedded = await import('./embedded-postgres/start.ts')
  return embedded.defaultDataDir(CHECKOUT)
}

interface Serving {
  readonly config: Config
  readonly secrets: Secrets
  readonly log: Logger
  readonly stopping: AbortSignal
}

async function serve({ config, secrets, log, stopping }: Serving, databaseUrl: string): Promise<void> {
  const server = await start({ config, secrets, databaseUrl, log, stopping }).catch((error: unknown) => {
    if (stopping.aborted) return log.info({ reason: stopping.reason }, 'stopping before the start was done')
    throw error
  })
  if (server === undefined) return
  try {
    printWelcome(config, secrets, server.ports)
    log.info({ engine: engineChoice.engine.name, problem: engineChoice.problem }, 'the engine for Ed25519 is chosen')
    const { issuer, services, workers } = config
    log.info({ issuer, ...server.ports, services, ...(workers > 1 && { workers }) }, 'listening')
    tellParent({ kind: 'listening', ports: server.ports })
    await Promise.race([untilAborted(stopping), server.outdated])
    log.info({ reason: stopping.reason }, 'stopping')
  } finally {
    await server.stop()
  }
}

/**
 * Starts the server or its workers. Loads the code of the server only if this process runs it, because the primary
 * process does not need that code.
 */
async function start(deps: ServerDeps): Promise<Server> {
  if (deps.config.workers > 1) return (await import('./process/workers/primary.ts')).startWorkers(deps)
  return (await import('./compose/start-server.ts')).startServer(deps)
}

/**
 * Returns a signal that aborts when the process must stop. Its reason is a text: the name of a signal, or that npm, or
 * a parent with a channel to this process, has ended. A signal of the system that comes more than one second after the
 * first one ends the process at once.
 */
function stopSignal(): AbortSignal {
  const stopping = new AbortController()
  const resolve = (reason: string) => stopping.abort(reason)
  let firstAt: number | undefined
  const stop = (signal: string): void => {
    firstAt ??= performance.now()
    if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(1)
    resolve(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  // A parent that is killed sends no signal, but its channel closes.
  process.once('disconnect', () => resolve('its parent has ended'))
  if (process.env.npm_lifecycle_event !== undefined) whenParentEnds(() => resolve('npm has ended'))
  return stopping.signal
}
