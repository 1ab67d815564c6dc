import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Ports } from '../../services/compose/start-listeners.ts'
import type { ServiceName } from '../../services/process/configuration/service-names.ts'
import type { ListeningMessage } from '../../services/process/parent.ts'
import { guard } from './guardian.ts'

/** A process of a deployment, with real listeners on free ports of 127.0.0.1. */
export interface RunningProcess {
  readonly pid: number
  /** `http://127.0.0.1:port`; the issuer is another matter. */
  readonly baseUrl: string
  /** Where other processes of the deployment call it; undefined where none does. */
  readonly internalAddress: string | undefined
  /** Exit status of the life that it has now, once that is over; null when a signal ended it. */
  readonly ended: Promise<number | null>
  /** All that it wrote so far, in all its lives, standard output and error. */
  logs(): string
  /** Asks it to end, and answers its exit status; null when a signal ended it, as it does when 20 seconds are not enough. */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<number | null>
  /** Ends it on the spot with SIGKILL, as a crash does. */
  kill(): Promise<void>
  /** Starts it again at the same addresses once it has ended; resolves when it listens. */
  restart(): Promise<void>
  /** Stops it where it is: connections stay open, and nothing answers. */
  freeze(): void
  /** Lets it go on. */
  thaw(): void
}

/** A process with the public ports. */
export interface RunningServer extends RunningProcess {
  /** `127.0.0.1:port`. */
  readonly grpcAddress: string
}

/** Settings of a process; undefined leaves one out. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What to start. */
export interface ProcessOptions {
  readonly env: Environment
  /** None for all. */
  readonly services?: readonly ServiceName[]
  /** Another checkout than this one: version 1, whose log alone tells where it listens. */
  readonly root?: string
  /** Takes each line that it writes; then it keeps the last few alone. */
  readonly onLine?: (line: string) => void
}

/** From start to end. */
interface Life {
  readonly child: ChildProcess
  readonly ports: Promise<Ports>
  readonly ended: Promise<number | null>
}

const ROOT = join(import.meta.dirname, '../..')
const DEFAULTS = {
  // Most of a start is compiling.
  NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/auth4agent-tests'),
  PORT: '0',
  AUTH4AGENT_GRPC_PORT: '0',
  AUTH4AGENT_RATE_LIMIT_PERCENT: '1000000',
}
/** More than the server allows what is under way, and its database, to end. */
const STOP_MS = 20_000
/** What is kept of lines that somebody else keeps. */
const LAST_LINES = 20

/** Starts all services in one process; see `startProcess`. */
export function startServer(env: Environment): Promise<RunningServer> {
  return startProcess({ env })
}

/**
 * Starts `services/main.ts` with `env` over the tests' defaults and nothing of this process's own settings. Resolves once
 * it listens; rejects with all that it wrote when it ends before. One without the gateway has no use for `grpcAddress`.
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

/** Starts a server that is not meant to come up. Answers its exit status and all that it wrote. */
export async function failToStart(env: Environment): Promise<{ status: number | null; logs: string }> {
  const lines: string[] = []
  const { child, ports, ended } = launch({ env }, lines)
  return Promise.race([
    ended.then((status) => ({ status, logs: lines.join('\n') })),
    ports.then(async () => {
      child.kill('SIGTERM')
      await ended
      throw new Error('the server started')
    }),
  ])
}

async function failureOf({ ended }: Life, logs: () => string): Promise<never> {
  const code = await ended
  throw new Error(`the server ended with status ${code}:\n${logs()}`)
}

function launch({ env, services = [], root = ROOT, onLine }: ProcessOptions, lines: string[]): Life {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, ['services/main.ts', ...services], {
    cwd: root,
    env: { PATH, HOME, ...DEFAULTS, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  // On SIGTERM a server also stops the database it started.
  guard(child, 'SIGTERM')
  const { promise: ports, resolve } = Promise.withResolvers<Ports>()
  // What it logged before can be read by now, and is.
  child.on('message', (message: ListeningMessage) => setImmediate(resolve, message.ports))
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) throw new Error('its output is a pipe')
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

/** What makes a process listen where it did. */
function settingsOf({ httpPort, grpcPort, internalPort }: Ports): Environment {
  return {
    PORT: String(httpPort),
    ...(grpcPort !== undefined && { AUTH4AGENT_GRPC_PORT: String(grpcPort) }),
    ...(internalPort !== undefined && { AUTH4AGENT_INTERNAL_PORT: String(internalPort) }),
  }
}
