import './shared/require-node.ts'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WrongKeyError } from './authn/index.ts'
import { printWelcome } from './banner.ts'
import { startServer } from './compose.ts'
import { type Config, ConfigError, readConfig } from './shared/config/config.ts'
import { loadSecrets, type Secrets } from './shared/config/secrets.ts'
import { parseServices } from './shared/config/service-names.ts'
import { toApiError } from './shared/errors/api-error.ts'
import { giveBackMemory } from './shared/give-back-memory.ts'
import { createLogger, type Logger } from './shared/log/log.ts'
import { StartupError } from './shared/startup-error.ts'

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url))
/** Mistakes of a configuration or a machine by the code of their error, in words for the person who can mend them. */
const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Set PORT, AUTH4AGENT_GRPC_PORT or AUTH4AGENT_INTERNAL_PORT to a port that is free.',
  EACCES: 'The server may not use this; run it as a user who may, or choose another.',
  ENOENT: 'Check the path.',
  '28P01': 'The user or password in DATABASE_URL is not right.',
  '28000': 'The user or password in DATABASE_URL is not right.',
  '3D000': 'The database that DATABASE_URL names does not exist.',
}

/** A terminal and npm both pass on the one Ctrl-C that somebody pressed, this close to each other, in milliseconds. */
const SAME_SIGNAL_MS = 300

/** How often a server under npm looks whether npm is still there, in milliseconds. */
const ORPHAN_CHECK_MS = 500

try {
  await main()
  // A connection attempt that nobody answers would keep the process for as long as the system lets it last.
  process.exit(0)
} catch (error) {
  const isPlain = error instanceof ConfigError || error instanceof StartupError || error instanceof WrongKeyError
  process.stderr.write(`${isPlain ? error.message : explain(error)}\n`)
  process.exit(1)
}

/** Starts what the environment asks for, and stops it in order when told to. Throws when it cannot go on. */
async function main(): Promise<void> {
  const services = parseServices(process.argv.slice(2))
  const config = readConfig(process.env, await defaultDataDir(), services)
  const log = createLogger(config.logLevel)
  const stopping = stopReason()
  const secrets = await loadSecrets(config)
  if (config.databaseUrl !== undefined) return serve({ config, secrets, log, stopping }, config.databaseUrl)

  const { startEmbeddedPostgres } = await import('./shared/db/embedded-postgres.ts')
  const lost = Promise.withResolvers<never>()
  // It may be lost while the server still starts, when nobody awaits this yet.
  lost.promise.catch(() => undefined)
  const onLost = (reason: string) => lost.reject(new StartupError(`The embedded database is lost: ${reason}`))
  const database = await startEmbeddedPostgres({ dataDir: config.dataDir, log, onLost })
  try {
    await Promise.race([serve({ config, secrets, log, stopping }, database.url), lost.promise])
  } finally {
    await database.stop()
  }
}

/** Where data is kept unless a setting says otherwise. With a database elsewhere nothing is, and nobody has to be asked. */
async function defaultDataDir(): Promise<string> {
  if (process.env.DATABASE_URL) return join(CHECKOUT, 'data')
  const embedded = await import('./shared/db/embedded-postgres.ts')
  return embedded.defaultDataDir(CHECKOUT)
}

interface Serving {
  readonly config: Config
  readonly secrets: Secrets
  readonly log: Logger
  readonly stopping: Promise<string>
}

async function serve({ config, secrets, log, stopping }: Serving, databaseUrl: string): Promise<void> {
  const server = await startServer(config, secrets, databaseUrl, log)
  try {
    giveBackMemory()
    printWelcome(config, secrets, server.ports)
    log.info({ issuer: config.issuer, ...server.ports, services: config.services }, 'listening')
    log.info({ reason: await stopping }, 'stopping')
  } finally {
    await server.stop()
  }
}

/**
 * Resolves with why the server is to stop: a signal, or the end of the shell that npm runs it in. A signal that comes after
 * ends the process at once.
 */
function stopReason(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let firstAt: number | undefined
  const stop = (signal: string): void => {
    firstAt ??= performance.now()
    if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(1)
    resolve(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  if (process.env.npm_lifecycle_event !== undefined) {
    // npm passes SIGTERM to its shell, which ends without passing it on.
    const parent = process.ppid
    setInterval(() => process.ppid !== parent && resolve('npm has ended'), ORPHAN_CHECK_MS).unref()
  }
  return promise
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return `Auth4Agent could not start: ${String(error)}`
  const advice = 'code' in error && typeof error.code === 'string' ? ADVICE[error.code] : undefined
  if (advice !== undefined) return `Auth4Agent could not start: ${error.message}. ${advice}`
  if (process.env.DATABASE_URL !== undefined && toApiError(error).reason === 'UNAVAILABLE') {
    return `The database of DATABASE_URL cannot be reached: ${error.message}`
  }
  return `Auth4Agent could not start: ${error.stack}`
}
