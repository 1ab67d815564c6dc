import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { StartupError } from '../platform/errors/startup-error.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { childEnvironment } from './child-environment.ts'
import { watchOver } from './watchdog.ts'

const run = promisify(execFile)
const FAST_STOP_MS = 10_000
const IMMEDIATE_STOP_MS = 5_000
const START_ATTEMPTS = 20

/** Options of startPostmaster. PostgreSQL's lines are logged at debug, and those with FATAL or PANIC at error. */
export type PostmasterOptions = {
  binaries: Binaries
  cluster: string
  account: Account | undefined
  maxConnections: number
  log: Pick<Logger, 'debug' | 'error'>
  /** The port of the PostgreSQL that this one replaces. Default: a free port. */
  port?: number
}

/**
 * A PostgreSQL that accepts connections on 127.0.0.1. `exited` resolves with its exit status or signal when it has
 * ended. `stop` may be called several times.
 */
export type Postmaster = { pid: number; port: number; exited: Promise<string>; stop(): Promise<void> }

type Attempt = {
  child: ChildProcess
  isReady: Promise<boolean>
  exited: Promise<string>
  /** The text that PostgreSQL wrote to stderr until it ended, at most 20 lines. */
  output: Promise<string>
}

/**
 * Starts PostgreSQL. Tries up to 20 times if another process has taken the port, or if backends of a killed PostgreSQL
 * still use its shared memory.
 * @throws StartupError with the output of PostgreSQL when it does not start
 */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort())
    const state = { isStopping: false }
    const { child, isReady, exited, output } = launch(options, port, state)
    if ((await isReady) && child.pid !== undefined) {
      let stopping: Promise<void> | undefined
      const stop = (): Promise<void> => {
        state.isStopping = true
        stopping ??= stopChild(child, exited, options)
        return stopping
      }
      return { pid: child.pid, port, exited, stop }
    }
    const words = await output
    if (attempt === START_ATTEMPTS || !isPassing(words)) {
      throw new StartupError(`The embedded PostgreSQL did not start (${await exited}): ${words}`)
    }
    await delay(words.includes('shared memory') || options.port !== undefined ? 500 : 0)
  }
}

const isPassing = (words: string): boolean =>
  words.includes('could not create any TCP/IP sockets') || words.includes('pre-existing shared memory block')

function launch(options: PostmasterOptions, port: number, state: { isStopping: boolean }): Attempt {
  const { binaries, account, log } = options
  const child = spawn(binaries.postgres, serverArguments(options, port), {
    cwd: binaries.root,
    env: childEnvironment(),
    // Use a separate process group, so that Ctrl-C in the terminal reaches only this process. This process then stops
    // PostgreSQL cleanly.
    detached: true,
    windowsHide: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(account && { uid: account.uid, gid: account.gid }),
  })
  const lines: string[] = []
  // If this process exits without a stop, as after a second Ctrl-C, PostgreSQL must shut down too.
  const endNow = () => void child.kill('SIGQUIT')
  process.once('exit', endNow)
  const dismiss = child.pid === undefined ? () => undefined : watchOver(child.pid, options.cluster, account)
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => {
      process.off('exit', endNow)
      dismiss()
      resolve(signal === null ? `exit status ${code}` : `killed by ${signal}`)
    })
  })
  const becameReady = new Promise<boolean>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const isFatal = /(FATAL|PANIC):/.test(line) && !state.isStopping
      log[isFatal ? 'error' : 'debug']({ source: 'postgres' }, line)
      if (line.includes('database system is ready to accept connections')) resolve(true)
      if (lines.length < 20) lines.push(line)
    })
  })
  const output = new Promise<string>((resolve) => {
    child.once('error', () => resolve(''))
    child.once('close', () => resolve(lines.join('\n')))
  })
  return { child, isReady: Promise.race([becameReady, output.then(() => false)]), exited, output }
}

function serverArguments({ cluster, maxConnections }: PostmasterOptions, port: number): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: maxConnections,
    log_destination: 'stderr',
    logging_collector: 'off',
    log_timezone: 'UTC',
    timezone: 'UTC',
  }
  return ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

async function stopChild(child: ChildProcess, exited: Promise<string>, options: PostmasterOptions): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  if (process.platform === 'win32') {
    await stopOnWindows(options.binaries, options.cluster)
  } else {
    child.kill('SIGINT')
  }
  if (await endsWithin(exited, FAST_STOP_MS)) return
  child.kill('SIGQUIT')
  if (await endsWithin(exited, IMMEDIATE_STOP_MS)) return
  child.kill('SIGKILL')
  await exited
}

/** Stops PostgreSQL cleanly on Windows, which has no signal for that. pg_ctl uses a pipe to PostgreSQL instead. */
export async function stopOnWindows(binaries: Binaries, cluster: string): Promise<void> {
  await run(binaries.pgCtl, ['stop', '-D', cluster, '-m', 'fast', '-w'], {
    env: childEnvironment(),
    windowsHide: true,
  }).catch(() => undefined)
}

async function endsWithin(exited: Promise<string>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController()
  const timeout = delay(milliseconds, false, { signal: timer.signal }).catch(() => false)
  const ended = await Promise.race([exited.then(() => true), timeout])
  timer.abort()
  return ended
}

/** Returns a port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port')
  return address.port
}
