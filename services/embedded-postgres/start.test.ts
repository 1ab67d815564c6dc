import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { processIdentity } from './process-identity.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './start.ts'

type Line = { level: string; message: string }

let dataDir: string
let lines: Line[]
let started: EmbeddedPostgres[]
let servers: ChildProcess[]

let onLine: (line: Line) => void = () => undefined

const logAt = (level: string) => (_fields: object, message: string) => {
  lines.push({ level, message })
  onLine({ level, message })
}
const log = { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') }

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'a4a-postgres-'))
  // If this test runs as root, PostgreSQL runs as another user, who must be able to enter the folder.
  await chmod(dataDir, 0o711)
  lines = []
  started = []
  servers = []
})

afterEach(async () => {
  for (const server of servers) server.kill('SIGKILL')
  await Promise.all(started.map((postgres) => postgres.stop()))
  await rm(dataDir, { recursive: true })
})

async function start(onLost?: (reason: string) => void): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir, log, ...(onLost && { onLost }) })
  started.push(postgres)
  return postgres
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** Starts a separate server process on the same folder. */
async function startServer(): Promise<{ server: ChildProcess; pid: number; url: string }> {
  const module = new URL('./start.ts', import.meta.url).href
  const script = `
    const { startEmbeddedPostgres } = await import('${module}')
    const none = () => {}
    const log = { debug: none, info: none, warn: none, error: none }
    const { pid, url } = await startEmbeddedPostgres({ dataDir: process.argv[1], log })
    console.log(JSON.stringify({ pid, url }))
    process.once('SIGUSR2', () => process.exit(1))
    setInterval(none, 1000)`
  const server = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  servers.push(server)
  const [line]: string[] = await once(createInterface({ input: server.stdout }), 'line')
  const answer: { pid: number; url: string } = JSON.parse(line ?? '')
  return { server, ...answer }
}

async function kill(server: ChildProcess): Promise<void> {
  const exited = once(server, 'exit')
  server.kill('SIGKILL')
  await exited
}

/** Returns the pids of the watchdogs of this test's cluster. */
async function watchdogs(): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,args='])
  const own = stdout.split('\n').filter((line) => line.includes('auth4agent-watchdog') && line.includes(dataDir))
  return own.map((line) => Number.parseInt(line, 10))
}

async function killWatchdog(): Promise<void> {
  const [pid] = await watchdogs()
  if (pid === undefined) throw new Error('There is no watchdog')
  process.kill(pid, 'SIGKILL')
  await untilEnded(pid)
}

describe('startEmbeddedPostgres, at the first start', () => {
  it('serves a durable UTF-8 database in the C locale, only on loopback TCP', async () => {
    const { url } = await start()
    expect(new URL(url).hostname).toBe('127.0.0.1')
    const settings = `SELECT current_database() AS database, current_setting('server_encoding') AS encoding,
      (SELECT datcollate FROM pg_database WHERE datname = current_database()) AS locale,
      current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets,
      current_setting('password_encryption') AS passwords`
    expect(await query(url, settings)).toEqual([
      {
        database: 'auth4agent',
        encoding: 'UTF8',
        locale: 'C',
        fsync: 'on',
        synchronous_commit: 'on',
        addresses: '127.0.0.1',
        sockets: '',
        passwords: 'scram-sha-256',
      },
    ])
  })

  it('refuses a wrong password, and keeps the right one in a file that only its owner can read', async () => {
    const { url } = await start()
    await expect(query(url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    )
    const file = join(dataDir, 'postgres-password')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(url).toContain(`:${(await readFile(file, 'utf8')).trim()}@`)
  })

  it('runs PostgreSQL as an unprivileged user who owns the cluster, in a separate process group', async () => {
    const { pid } = await start()
    const { uid, mode } = await stat(join(dataDir, 'postgres'))
    const isRoot = process.getuid?.() === 0
    expect({ isRootsOwn: uid === 0, isOurs: uid === process.getuid?.(), mode: mode & 0o777 }).toEqual({
      isRootsOwn: false,
      isOurs: !isRoot,
      mode: 0o700,
    })
    expect(() => process.kill(-pid, 0)).not.toThrow()
  })

  it('removes the partial files of an earlier start that was killed', async () => {
    await mkdir(join(dataDir, 'postgres-partial'))
    await writeFile(join(dataDir, 'postgres-partial', 'PG_VERSION'), '18\n')
    await writeFile(join(dataDir, 'postgres-password-partial'), '')
    await start()
    expect((await readdir(dataDir)).toSorted()).toEqual(['postgres', 'postgres-password', 'server.pid'])
  })
})

describe('startEmbeddedPostgres, at the stop', () => {
  it('stops PostgreSQL although clients are connected, frees the folder, and returns one promise for all calls', async () => {
    const postgres = await start()
    const client = new Client({ connectionString: postgres.url })
    const dropped = new Promise((resolve) => client.on('error', resolve))
    await client.connect()
    expect(postgres.stop()).toBe(postgres.stop())
    await postgres.stop()
    await dropped
    expect(await processIdentity(postgres.pid)).toBeUndefined()
    expect((await readdir(dataDir)).toSorted()).toEqual(['postgres', 'postgres-password'])
    expect(lines.filter(({ level }) => level === 'error')).toEqual([])
    expect(lines.at(-1)).toEqual({ level: 'debug', message: expect.stringContaining('database system is shut down') })
  })
})

describe('startEmbeddedPostgres, when its process exits without a stop', () => {
  it('lets PostgreSQL end too, and keeps committed data', async () => {
    const { server, pid, url } = await startServer()
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    server.kill('SIGUSR2')
    await untilEnded(pid)
    const { url: again } = await start()
    expect(await query(again, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([])
  })

  it('lets PostgreSQL end by itself after kill -9, with a clean shutdown and all committed data', async () => {
    const { server, pid, url } = await startServer()
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const client = new Client({ connectionString: url })
    client.on('error', () => undefined)
    await client.connect()
    await kill(server)
    await untilEnded(pid)
    // A clean shutdown removes this file; a crash leaves it.
    expect(await readdir(join(dataDir, 'postgres'))).not.toContain('postmaster.pid')
    const { url: again } = await start()
    expect(await query(again, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([])
  })

  it('leaves no watchdog after a stop, and after PostgreSQL was started again', async () => {
    const log = untilLogged('the embedded PostgreSQL ended unexpectedly and is started again')
    const postgres = await start()
    process.kill(postgres.pid, 'SIGKILL')
    await log
    await until(() => query(postgres.url, 'SELECT 1'))
    expect(await watchdogs()).toHaveLength(1)
    await postgres.stop()
    while ((await watchdogs()).length > 0) await nextTurn()
  })
})

describe('startEmbeddedPostgres, at a second start', () => {
  it('keeps the data and the password', async () => {
    const first = await start()
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    const second = await start()
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    expect(new URL(second.url).password).toBe(new URL(first.url).password)
  })

  it('creates the database when an earlier start was killed before it created the database', async () => {
    const first = await start()
    await query(first.url.replace(/[^/]+$/, 'postgres'), 'DROP DATABASE auth4agent')
    await first.stop()
    expect(await query((await start()).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  it('refuses to start when the password file is missing', async () => {
    await (await start()).stop()
    await rm(join(dataDir, 'postgres-password'))
    await expect(start()).rejects.toThrow(/The file .*postgres-password.* is missing: restore it/)
    expect(await readdir(dataDir)).toEqual(['postgres'])
  })

  it("reports PostgreSQL's own error when it does not start, and frees the folder", async () => {
    await (await start()).stop()
    await writeFile(join(dataDir, 'postgres', 'postgresql.auto.conf'), "shared_buffers = 'much'\n")
    await expect(start()).rejects.toThrow(/did not start .*invalid value for parameter "shared_buffers"/s)
    expect(await readdir(dataDir)).not.toContain('server.pid')
  })
})

describe('startEmbeddedPostgres, with another server on the same folder', () => {
  it('refuses a second start in the same process, and the first PostgreSQL continues', async () => {
    const first = await start()
    await expect(start()).rejects.toThrow(`Another Auth4Agent server (process ${process.pid}) is using`)
    expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  it('refuses to start while a server in another process runs, and names its pid', async () => {
    const { server, url } = await startServer()
    await expect(start()).rejects.toThrow(`Another Auth4Agent server (process ${server.pid}) is using`)
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await kill(server)
    await start()
  })

  it('stops the PostgreSQL of a server that was killed together with its watchdog, and keeps all data', async () => {
    const killed = await startServer()
    await query(killed.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await killWatchdog()
    await kill(killed.server)
    expect(await processIdentity(killed.pid)).toBeDefined()
    const { url, pid } = await start()
    expect(await processIdentity(killed.pid)).toBeUndefined()
    expect(pid).not.toBe(killed.pid)
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    expect(lines).toContainEqual({ level: 'warn', message: 'stopped the PostgreSQL that a killed server left behind' })
  })
})

describe('startEmbeddedPostgres, when PostgreSQL ends by itself', () => {
  it('starts PostgreSQL again on the same port with all committed data', async () => {
    const postgres = await start()
    await query(postgres.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const killed = postgres.pid
    const log = untilLogged('the embedded PostgreSQL ended unexpectedly and is started again')
    process.kill(killed, 'SIGKILL')
    await log
    expect(await until(() => query(postgres.url, 'SELECT answer FROM kept'))).toEqual([{ answer: 42 }])
    expect(postgres.pid).not.toBe(killed)
  })

  it('calls onLost when PostgreSQL cannot be started again, and frees the folder', async () => {
    const lost = Promise.withResolvers<string>()
    const postgres = await start(lost.resolve)
    await rename(join(dataDir, 'postgres'), join(dataDir, 'elsewhere'))
    process.kill(postgres.pid, 'SIGKILL')
    expect(await lost.promise).toMatch(/did not start/)
    await rename(join(dataDir, 'elsewhere'), join(dataDir, 'postgres'))
    expect(await query((await start()).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

/** Resolves when the server logs a line with this message. */
function untilLogged(message: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  onLine = (line) => line.message === message && resolve()
  return promise
}

async function untilEnded(pid: number): Promise<void> {
  while ((await processIdentity(pid)) !== undefined) await nextTurn()
}

/** Calls `ask` until it succeeds. The timeout of the test is the limit. */
async function until<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch {
      await nextTurn()
    }
  }
}
