import './shared/require-node.ts'
import { fileURLToPath } from 'node:url'
import { WrongKeyError } from './authn/index.ts'
import { printWelcome } from './banner.ts'
import { type Server, startServer } from './compose.ts'
import { ConfigError, readConfig } from './shared/config/config.ts'
import { loadSecrets } from './shared/config/secrets.ts'
import { defaultDataDir, startEmbeddedPostgres } from './shared/db/embedded-postgres.ts'
import { toApiError } from './shared/errors/api-error.ts'
import { createLogger } from './shared/log/log.ts'
import { StartupError } from './shared/startup-error.ts'

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url))
/** How often a server under npm looks whether npm is still there, in milliseconds. */
const ORPHAN_CHECK_MS = 500

try {
  await main()
} catch (error) {
  const isPlain = error instanceof ConfigError || error instanceof StartupError || error instanceof WrongKeyError
  process.stderr.write(`${isPlain ? error.message : explain(error)}\n`)
  process.exit(1)
}

/** Starts what the environment asks for, and stops it in order when told to. */
async function main(): Promise<void> {
  if (process.argv.length > 2)
    throw new StartupError('This server takes no arguments; it is configured by its environment.')
  const config = readConfig(process.env, await defaultDataDir(CHECKOUT))
  const log = createLogger(config.logLevel)
  const stopping = stopReason()
  const secrets = await loadSecrets(config)
  const database =
    config.databaseUrl === undefined ? await startEmbeddedPostgres({ dataDir: config.dataDir, log }) : undefined
  let server: Server | undefined
  try {
    server = await startServer(config, secrets, config.databaseUrl ?? database?.url ?? '', log)
    printWelcome(config, secrets, server)
    log.info({ issuer: config.issuer, httpPort: server.httpPort, grpcPort: server.grpcPort }, 'listening')
    log.info({ reason: await stopping }, 'stopping')
  } finally {
    await server?.stop()
    await database?.stop()
  }
}

/** Resolves with why the server is to stop: a signal, or the end of the shell that npm runs it in. */
function stopReason(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, resolve)
  if (process.env.npm_lifecycle_event !== undefined) {
    // npm passes SIGTERM to its shell, which ends without passing it on.
    const parent = process.ppid
    setInterval(() => process.ppid !== parent && resolve('npm has ended'), ORPHAN_CHECK_MS).unref()
  }
  return promise
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return `Auth4Agent could not start: ${String(error)}`
  if ('code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}: set PORT or AUTH4AGENT_GRPC_PORT to a port that is free.`
  }
  if (process.env.DATABASE_URL !== undefined && toApiError(error).reason === 'UNAVAILABLE') {
    return `The database of DATABASE_URL cannot be reached: ${error.message}`
  }
  return `Auth4Agent could not start: ${error.stack}`
}
