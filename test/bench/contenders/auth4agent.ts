import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { type Asserter, adminAsserter, newKeys } from '../../support/parties.ts'
import { ALL_CORES, type Machine, SERVER_CORE } from '../machine.ts'
import { type ContenderProcess, startContender } from './process.ts'

/** The issuer of the server. It is only a name here, because the server listens on a free port. */
export const BENCH_ISSUER = 'http://localhost:8080'

/** This server with its database. */
export interface Auth4Agent extends ContenderProcess {
  /** `http://127.0.0.1:port`. */
  readonly http: string
  readonly grpc: string
}

/** The database, the secrets and the folder that all servers on one database share. */
export interface Installation {
  readonly machine: Machine
  /** Folder for logs. */
  readonly folder: string
  readonly admin: Asserter
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Options of one server. */
export interface StartOptions {
  /**
   * AUTH4AGENT_WORKERS. If it is set, the server runs on all cores. If it is undefined, the setting is left out and
   * the server runs only on the core for servers.
   */
  readonly workers?: number
  /** The part of the traces to record, and the collector that gets them. Without it, tracing is off. */
  readonly traces?: { readonly ratio: number; readonly collector: string } | undefined
  /** Folder for a CPU profile. */
  readonly cpuProfile?: string | undefined
}

/** Creates the secrets of a deployment with an empty database. */
export function installation(machine: Machine, folder: string, databaseUrl: string): Installation {
  const admin = newKeys()
  return {
    machine,
    folder,
    admin: adminAsserter(admin, BENCH_ISSUER),
    env: {
      DATABASE_URL: databaseUrl,
      AUTH4AGENT_KEK: randomBytes(32).toString('base64'),
      AUTH4AGENT_ADMIN_KEY: admin.publicKey.toString('base64'),
      AUTH4AGENT_BASE_URL: BENCH_ISSUER,
      AUTH4AGENT_RATE_LIMIT_PERCENT: '1000000',
    },
  }
}

/** Starts the server as its image does, with all defaults except the rate limits. Its log goes to a file. */
export async function startAuth4Agent(
  { machine, folder, env }: Installation,
  { workers, cpuProfile, traces }: StartOptions = {},
): Promise<Auth4Agent> {
  const [port, grpcPort] = [await freePort(), await freePort()]
  const http = `http://127.0.0.1:${port}`
  const profile = cpuProfile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProfile}`]
  const started = await startContender({
    name: 'this server',
    machine,
    core: workers === undefined ? SERVER_CORE : ALL_CORES,
    args: [...profile, 'services/start.mjs'],
    env: {
      ...env,
      PORT: String(port),
      AUTH4AGENT_GRPC_PORT: String(grpcPort),
      OTEL_EXPORTER_OTLP_ENDPOINT: traces?.collector,
      OTEL_TRACES_SAMPLER_ARG: traces === undefined ? undefined : String(traces.ratio),
      AUTH4AGENT_WORKERS: workers === undefined ? undefined : String(workers),
    },
    logFile: join(folder, `auth4agent-${port}.log`),
    probe: `${http}/.well-known/jwks.json`,
  })
  return { ...started, http, grpc: `http://127.0.0.1:${grpcPort}` }
}
