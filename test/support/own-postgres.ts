import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { binariesFor, locateBinaries } from '../../services/shared/db/embedded/binaries.ts'
import { DATABASE, ensureCluster, ensureDatabase } from '../../services/shared/db/embedded/cluster.ts'
import { openDataFolder } from '../../services/shared/db/embedded/data-folder.ts'
import { createDataFolder } from './data-folder.ts'

/** A PostgreSQL that a test may crash. It comes back on the same port, with what was on its disk. */
export interface OwnPostgres {
  readonly url: string
  /** Ends it at once without a checkpoint, as a crash does: it recovers from its log at the next start. */
  crash(): Promise<void>
  /** Starts it again; resolves once it accepts connections. */
  restart(): Promise<void>
  /** Stops all its processes where they are: connections stay open, and nothing answers. */
  freeze(): Promise<void>
  /** Lets frozen processes go on. */
  thaw(): void
  /** Ends it for good and removes its data. */
  remove(): Promise<void>
}

const run = promisify(execFile)
const running = new Set<ChildProcess>()

process.once('exit', () => {
  for (const child of running) child.kill('SIGQUIT')
})

/** Makes a cluster of its own with an empty database, and starts it. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const data = await createDataFolder()
  const installed = await locateBinaries()
  const { folder, account } = await openDataFolder(data.path)
  const binaries = account === undefined ? installed : await binariesFor(account, installed, folder.path)
  const password = await ensureCluster(folder, binaries, account)
  const port = await freePort()
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'logging_collector=off']
  const args = ['-D', folder.cluster, ...settings.flatMap((setting) => ['-c', setting])]
  const start = () => launch(binaries.postgres, args, account)
  const url = `postgresql://${DATABASE}:${password}@127.0.0.1:${port}/${DATABASE}`
  let child = await start()
  let frozen: readonly number[] = []
  const thaw = (): void => {
    for (const pid of frozen) process.kill(pid, 'SIGCONT')
    frozen = []
  }
  await ensureDatabase(url)
  return {
    url,
    crash: () => end(child, 'SIGQUIT'),
    async restart() {
      child = await start()
    },
    async freeze() {
      frozen = [child.pid ?? 0, ...(await childrenOf(child.pid ?? 0))]
      for (const pid of frozen) process.kill(pid, 'SIGSTOP')
    },
    thaw,
    async remove() {
      thaw()
      await end(child, 'SIGINT')
      await data.remove()
    },
  }
}

async function launch(program: string, args: readonly string[], account?: { uid: number; gid: number }) {
  const child = spawn(program, args, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], ...account })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const lines: string[] = []
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line)
    if (line.includes('ready to accept connections')) resolve()
  })
  child.once('close', () => reject(new Error(`PostgreSQL ended:\n${lines.join('\n')}`)))
  await ready
  return child
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run('pgrep', ['-P', String(pid)])
  return stdout.trim().split('\n').map(Number)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return address.port
}
