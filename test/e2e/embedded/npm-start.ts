import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type DataFolder, isRunning } from '../../support/data-folder.ts'
import { guard } from '../../support/guardian.ts'
import type { Environment } from '../../support/server.ts'
import { until } from '../../support/until.ts'

/** The processes that `npm start` started. */
export interface NpmStart {
  /** The processes from npm to the server: each one started the next. */
  readonly chain: readonly number[]
  readonly postmaster: number
  /** All output of the processes so far. */
  output(): string
  /** How npm ended: its exit status, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

/** Runs `npm start` with no settings but the data folder and free ports. Resolves when the server listens. */
export async function npmStart(data: DataFolder, env: Environment = {}): Promise<NpmStart> {
  const { PATH, HOME } = process.env
  const npm: ChildProcess = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { PATH, HOME, PORT: '0', AUTH4AGENT_GRPC_PORT: '0', AUTH4AGENT_DATA_DIR: data.path, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  guard(npm, 'SIGTERM')
  let output = ''
  for (const stream of [npm.stdout, npm.stderr]) stream?.on('data', (text: Buffer) => (output += String(text)))
  const ended = once(npm, 'exit').then(([code, signal]: (number | string | null)[]) => signal ?? code ?? -1)
  const failed = ended.then(() => Promise.reject(new Error(`npm ended:\n${output}`)))
  failed.catch(() => undefined)
  const listens = until(
    async () => output,
    (text) => text.includes('listening'),
  )
  await Promise.race([listens, failed])
  const { pid: server }: { pid: number } = JSON.parse(await readFile(join(data.path, 'server.pid'), 'utf8'))
  return {
    chain: await chainTo(server, npm.pid ?? 0),
    postmaster: (await data.postmasterPid()) ?? 0,
    output: () => output,
    ended,
  }
}

/** Waits until none of the processes runs, and returns the last line that they wrote. */
export async function endOf(started: NpmStart): Promise<string | undefined> {
  const { chain, postmaster } = started
  await until(
    async () => (await Promise.all([...chain, postmaster].map(isRunning))).filter(Boolean).length,
    (count) => count === 0,
  )
  return started.output().trimEnd().split('\n').at(-1)
}

async function chainTo(server: number, npm: number): Promise<number[]> {
  const chain = [server]
  for (let pid = server; pid !== npm; chain.unshift(pid)) {
    const { stdout } = await run('ps', ['-o', 'ppid=', '-p', String(pid)])
    pid = Number(stdout)
    if (pid <= 1) throw new Error(`${server} is not a descendant of ${npm}`)
  }
  return chain
}
