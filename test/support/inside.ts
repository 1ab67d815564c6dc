import { tmpdir } from 'node:os'
import { type Server, startServer } from '../../services/compose/start-server.ts'
import { checkFiles } from '../../services/configuration/check-files.ts'
import { readConfig } from '../../services/configuration/config.ts'
import { loadSecrets } from '../../services/configuration/secrets.ts'
import { createLogger } from '../../services/platform/log/log.ts'
import { PATIENT } from './patient.ts'
import { type Environment, type RunningServer, SERVER_DEFAULTS } from './server.ts'

/** Settings that only a process of its own can have. */
const OF_PROCESSES = [
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'AUTH4AGENT_WORKERS',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
] as const
/** What only a process of its own can do. */
const NEEDS_PROCESS = 'This server runs inside the process of the test: start it with ownProcess: true'

/** Returns whether a server with these settings can run inside the process of a test. */
export function canRunInside(env: Environment): boolean {
  return env['DATABASE_URL'] !== undefined && OF_PROCESSES.every((name) => env[name] === undefined)
}

/**
 * Starts all parts inside this process, with real listeners and the same settings as `startServer`. The start takes a
 * fifth of the processor time of a process, because the code is loaded already. Such a server cannot be killed, frozen
 * or restarted.
 */
export async function startInside(env: Environment): Promise<RunningServer> {
  const lines: string[] = []
  const config = readConfig({ ...SERVER_DEFAULTS, AUTH4AGENT_DRAIN_DELAY: '0s', ...PATIENT, ...env }, tmpdir())
  const { databaseUrl } = config
  if (databaseUrl === undefined) throw new Error(NEEDS_PROCESS)
  const log = createLogger(config.logLevel, (line) => void lines.push(line.trimEnd()), {}, config.logFormat)
  await checkFiles(config)
  const secrets = await loadSecrets(config)
  const stopping = new AbortController()
  const server = await startServer({ config, secrets, databaseUrl, log, stopping: stopping.signal })
  return control(server, () => lines.join('\n'))
}

function control(server: Server, logs: () => string): RunningServer {
  const { ports } = server
  const { promise: ended, resolve } = Promise.withResolvers<number>()
  let stopped: Promise<void> | undefined
  return {
    get pid(): number {
      throw new Error(NEEDS_PROCESS)
    },
    baseUrl: `http://127.0.0.1:${ports.httpPort}`,
    grpcAddress: `127.0.0.1:${ports.grpcPort}`,
    internalAddress: undefined,
    ended,
    logs,
    async stop() {
      stopped ??= server.stop()
      await stopped
      resolve(0)
      return 0
    },
    kill: () => Promise.reject(new Error(NEEDS_PROCESS)),
    restart: () => Promise.reject(new Error(NEEDS_PROCESS)),
    freeze() {
      throw new Error(NEEDS_PROCESS)
    },
    thaw() {
      throw new Error(NEEDS_PROCESS)
    },
  }
}
