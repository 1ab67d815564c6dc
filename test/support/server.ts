import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A server as a process of its own, with real listeners on free ports of 127.0.0.1. */
export interface RunningServer {
  readonly pid: number
  /** `http://127.0.0.1:port`; the issuer is another matter. */
  readonly baseUrl: string
  /** `127.0.0.1:port`. */
  readonly grpcAddress: string
  /** All that it wrote so far, standard output and error. */
  logs(): string
  /** Asks it to end, and answers its exit status; null when a signal ended it, as it does when 20 seconds are not enough. */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<number | null>
  /** Ends it on the spot with SIGKILL, as a crash does. */
  kill(): Promise<void>
}

/** Settings of a process; undefined leaves one out. */
export type Environment = Readonly<Record<string, string | undefined>>

const ROOT = join(import.meta.dirname, '../..')
const DEFAULTS = {
  PORT: '0',
  AUTH4AGENT_GRPC_PORT: '0',
  AUTH4AGENT_RATE_LIMIT_PERCENT: '1000000',
}
/** More than the server allows what is under way, and its database, to end. */
const STOP_MS = 20_000
const running = new Set<ChildProcess>()

// A run that ends before its hooks have run leaves no server behind. On SIGTERM one also stops the database it started.
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM')
})

/**
 * Starts `services/main.ts` with `env` over the tests' defaults and nothing of this process's own settings. Resolves once
 * it listens; rejects with all that it wrote when it ends before.
 */
export async function startServer(env: Environment): Promise<RunningServer> {
  const { child, logs, ports } = launch(env)
  const exited = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  const { httpPort, grpcPort } = await Promise.race([
    ports,
    exited.then((code) => Promise.reject(new Error(`the server ended with status ${code}:\n${logs()}`))),
  ])
  return {
    pid: child.pid ?? 0,
    baseUrl: `http://127.0.0.1:${httpPort}`,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    logs,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const cut = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      const code = await exited
      clearTimeout(cut)
      return code
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Starts a server that is not meant to come up. Answers its exit status and all that it wrote. */
export async function failToStart(env: Environment): Promise<{ status: number | null; logs: string }> {
  const { child, logs, ports } = launch(env)
  const closed = once(child, 'close').then(([code]: (number | null)[]) => ({ status: code ?? null, logs: logs() }))
  return Promise.race([
    closed,
    ports.then(async () => {
      child.kill('SIGTERM')
      await closed
      throw new Error('the server started')
    }),
  ])
}

interface Ports {
  readonly httpPort: number
  readonly grpcPort: number
}

function launch(env: Environment): { child: ChildProcess; logs: () => string; ports: Promise<Ports> } {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, ['services/main.ts'], {
    cwd: ROOT,
    env: { PATH, HOME, ...DEFAULTS, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const lines: string[] = []
  const { promise: ports, resolve } = Promise.withResolvers<Ports>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      const found = readPorts(line)
      if (found !== undefined) resolve(found)
    })
  }
  return { child, logs: () => lines.join('\n'), ports }
}

function readPorts(line: string): Ports | undefined {
  if (!line.startsWith('{')) return undefined
  const { msg, httpPort, grpcPort }: Partial<Ports & { msg: string }> = JSON.parse(line)
  return msg === 'listening' && httpPort !== undefined && grpcPort !== undefined ? { httpPort, grpcPort } : undefined
}
