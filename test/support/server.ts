import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Ports } from '../../services/compose/listener.ts'
import type { ServiceName } from '../../services/configuration/service-names.ts'
import type { ListeningMessage } from '../../services/process/parent.ts'
import { recordingEnvironment } from '../growth/record.ts'
import { guard } from './guardian.ts'
import { STRICT } from './projects.ts'
import { PATIENCE_MS } from './until.ts'

/** A process of a deployment, with real listeners on free ports of 127.0.0.1. */
export interface RunningProcess {
  readonly pid: number
  /** `http://127.0.0.1:port`, which is not the issuer. */
  readonly baseUrl: string
  /** The address at which other processes of the deployment call this process; undefined if none calls it. */
  readonly internalAddress: string | undefined
  /** Resolves with the exit status when the current run of the process ends; null if a signal ended it. */
  readonly ended: Promise<number | null>
  /** Returns all standard output and standard error of all its runs so far. */
  logs(): string
  /**
   * Asks the process to stop, and returns its exit status. Kills it if that takes minutes. The status is null if a
   * signal ended the process.
   */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<number | null>
  /** Kills the process at once with SIGKILL, as in a crash. */
  kill(): Promise<void>
  /** Restarts the process at the same addresses after it has ended. Resolves when it listens. */
  restart(): Promise<void>
  /** Freezes the process: connections stay open, but nothing answers. */
  freeze(): void
  /** Lets the frozen process continue. */
  thaw(): void
}

/** A process with the public ports. */
export interface RunningServer extends RunningProcess {
  /** `127.0.0.1:port`. */
  readonly grpcAddress: string
}

/** Settings of a process. A setting that is undefined is left out. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Options of startProcess. */
export interface ProcessOptions {
  readonly env: Environment
  /** The parts to run; all by default. */
  readonly services?: readonly ServiceName[]
  /** The folder of another checkout: version 1, which reports its ports only in its log. */
  readonly root?: string
  /** Receives each line that the process writes. The process object then keeps only the last lines. */
  readonly onLine?: (line: string) => void
}

/** One run of a process, from start to end. */
interface Life {
  readonly child: ChildProcess
  readonly ports: Promise<Ports>
  readonly ended: Promise<number | null>
}

const ROOT = join(import.meta.dirname, '../..')
/** Settings of every server of a test, unless the test has its own. */
export const SERVER_DEFAULTS = {
  PORT: '0',
  AUTH4AGENT_GRPC_PORT: '0',
  AUTH4AGENT_RATE_LIMIT_PERCENT: '1000000',
} as const
// Without a compile cache, compiling would take most of the time of a start.
const DEFAULTS = { ...SERVER_DEFAULTS, NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/auth4agent-tests') }
/**
 * Settings that an older version would refuse. No balancer stands before the servers of most tests. What a dependency
 * will remove, such as pg's queue of statements on one connection, ends the server.
 */
const OF_THIS_VERSION = { AUTH4AGENT_DRAIN_DELAY: '0s', NODE_OPTIONS: STRICT.join(' ') }
/** How long a stop may take. This is longer than the server waits for running requests and for its database. */
const STOP_MS = PATIENCE_MS / 2
/** How many lines are kept if `onLine` receives them. */
const LAST_LINES = 20

/** Starts all parts in one process, with `startProcess`. */
export function startServer(env: Environment): Promise<RunningServer> {
  return startProcess({ env })
}

/**
 * Starts `services/main.ts`. Its environment is the default of the tests, changed by `env`, without the settings of
 * this process. Resolves when it listens. If it ends before that, rejects with everything that it wrote. `grpcAddress`
 * is useless without the gateway.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningServer> {
  const lines: string[] = []
  const logs = (): string => lines.join('\n')
  const begin: Begin = async (env) => {
    const life = launch({ ...options, env }, lines)
    return { life, ports: await Promise.race([life.ports, failureOf(life, logs)]) }
  }
  return control(await begin(options.env), logs, begin, options)
}

type Begin = (env: Environment) => Promise<{ readonly life: Life; readonly ports: Ports }>

function control(
  { life: first, ports }: Awaited<ReturnType<Begin>>,
  logs: () => string,
  begin: Begin,
  { env }: ProcessOptions,
): RunningServer {
  let life = first
  const { internalPort, internalSocket } = ports
  const local = internalPort === undefined ? undefined : `127.0.0.1:${internalPort}`
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    life.child.kill(signal)
    life.child.kill('SIGCONT')
    const cut = setTimeout(() => life.child.kill('SIGKILL'), STOP_MS)
    const code = await life.ended
    clearTimeout(cut)
    return code
  }
  return {
    get pid() {
      return life.child.pid ?? 0
    },
    baseUrl: `http://127.0.0.1:${ports.httpPort}`,
    grpcAddress: `127.0.0.1:${ports.grpcPort}`,
    internalAddress: internalSocket === undefined ? local : `unix:${internalSocket}`,
    get ended() {
      return life.ended
    },
    logs,
    stop: (signal = 'SIGTERM') => end(signal),
    kill: async () => void (await end('SIGKILL')),
    async restart() {
      await life.ended
      life = (await begin({ ...env, ...settingsOf(ports) })).life
    },
    freeze: () => void life.child.kill('SIGSTOP'),
    thaw: () => void life.child.kill('SIGCONT'),
  }
}

/** A server that may not listen yet. */
export interface BegunServer {
  readonly listening: Promise<Ports>
  readonly ended: Promise<number | null>
  readonly logs: () => string
  readonly signal: (name: NodeJS.Signals) => void
}

/** Starts a server and does not wait until it listens. */
export function beginServer(env: Environment): BegunServer {
  const lines: string[] = []
  const { child, ports, ended } = launch({ env }, lines)
  return { listening: ports, ended, logs: () => lines.join('\n'), signal: (name) => void child.kill(name) }
}

/** Starts a server that should refuse to start. Returns its exit status and everything that it wrote. */
export async function failToStart(env: Environment): Promise<{ status: number | null; logs: string }> {
  const lines: string[] = []
  const { child, ports, ended } = launch({ env }, lines)
  return Promise.race([
    ended.then((status) => ({ status, logs: lines.join('\n') })),
    ports.then(async () => {
      child.kill('SIGTERM')
      await ended
      throw new Error('The server started, but it should have refused to start')
    }),
  ])
}

async function failureOf({ ended }: Life, logs: () => string): Promise<never> {
  const code = await ended
  throw new Error(`The server ended with status ${code}:\n${logs()}`)
}

function launch({ env, services = [], root = ROOT, onLine }: ProcessOptions, lines: string[]): Life {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, ['services/main.ts', ...services], {
    cwd: root,
    env: { PATH, HOME, ...DEFAULTS, ...(root === ROOT && { ...OF_THIS_VERSION, ...recordingEnvironment() }), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  // On SIGTERM a server also stops the database that it started.
  guard(child, 'SIGTERM')
  const { promise: ports, resolve } = Promise.withResolvers<Ports>()
  // One turn of the event loop later, this process has read everything that the server had logged before.
  child.on('message', (message: ListeningMessage) => setImmediate(resolve, message.ports))
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) throw new Error('The output of the server must be a pipe')
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (onLine !== undefined) lines.splice(0, lines.length - LAST_LINES)
      onLine?.(line)
      const found = root === ROOT ? undefined : readPorts(line)
      if (found !== undefined) resolve(found)
    })
  }
  return { child, ports, ended: once(child, 'close').then(([code]: (number | null)[]) => code ?? null) }
}

function readPorts(line: string): Ports | undefined {
  if (!line.startsWith('{')) return undefined
  const { msg, httpPort, ...others }: Partial<Ports & { msg: string }> = JSON.parse(line)
  return msg === 'listening' && httpPort !== undefined ? { ...others, httpPort } : undefined
}

/** Returns the settings that make a process listen on the same ports again. */
function settingsOf({ httpPort, grpcPort, internalPort }: Ports): Environment {
  return {
    PORT: String(httpPort),
    ...(grpcPort !== undefined && { AUTH4AGENT_GRPC_PORT: String(grpcPort) }),
    ...(internalPort !== undefined && { AUTH4AGENT_INTERNAL_PORT: String(internalPort) }),
  }
}
