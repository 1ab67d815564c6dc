import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import { type BegunServer, beginServer, type Environment, failToStart } from '../../support/server.ts'
import { readSql } from '../../support/sql.ts'
import { startTcpProxy, type TcpProxy, targetOf, urlThrough } from '../../support/tcp-proxy.ts'
import { until } from '../../support/until.ts'

const KEK = randomBytes(32).toString('base64')
const WAITS = 'waiting for the database of DATABASE_URL'

let database: TestDatabase
let proxy: TcpProxy
let server: BegunServer | undefined
let baseUrl: string

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  proxy = await startTcpProxy(targetOf(database.url))
})
afterEach(async () => {
  server?.signal('SIGTERM')
  await server?.ended
  server = undefined
  await proxy.close()
})

const settings = (url: string): Environment => ({
  DATABASE_URL: url,
  AUTH4AGENT_KEK: KEK,
  // A database belongs to one issuer, and each server has another port.
  AUTH4AGENT_BASE_URL: 'http://localhost:8080',
})

/** Begins a server on the proxy. Resolves with it when it has said that it waits. */
async function waiting(env: Environment = {}): Promise<BegunServer> {
  const port = await freePort()
  baseUrl = `http://127.0.0.1:${port}`
  const begun = beginServer({ ...settings(urlThrough(proxy, database.url)), PORT: String(port), ...env })
  server = begun
  const said = until(
    async () => begun.logs(),
    (logs) => logs.includes(WAITS),
  )
  const ended = begun.ended.then((status) => Promise.reject(new Error(`It ended with ${status}:\n${begun.logs()}`)))
  await Promise.race([said, ended])
  ended.catch(() => undefined)
  return begun
}

/** Returns the status of each path; 0 for no answer. */
const statusesOf = (...paths: readonly string[]) =>
  Promise.all(
    paths.map((path) =>
      fetch(baseUrl + path).then(
        ({ status }) => status,
        () => 0,
      ),
    ),
  )

describe('a server whose database is not there yet', () => {
  it.each([
    ['refuses connections', {}, () => proxy.cut()],
    ['refuses connections, with workers', { AUTH4AGENT_WORKERS: '2' }, () => proxy.cut()],
    ['accepts connections and is silent', {}, async () => proxy.stall()],
  ])('waits and answers probes while the database %s, and then serves', async (_name, env, fail) => {
    await fail()
    const { listening, ended, logs } = await waiting(env)
    const paths = ['/health', '/ready', '/.well-known/jwks.json', '/metrics']
    expect(
      await until(
        () => statusesOf(...paths),
        ([health]) => health !== 0,
      ),
    ).toEqual([200, 503, 503, 503])
    expect(logs()).not.toContain(new URL(database.url).password)
    await proxy.pass()
    await Promise.race([listening, ended.then((status) => Promise.reject(new Error(`${status}: ${logs()}`)))])
    expect(
      await until(
        () => statusesOf('/ready'),
        ([ready]) => ready === 200,
      ),
    ).toEqual([200])
    expect(await statusesOf('/.well-known/jwks.json')).toEqual([200])
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('ends at once and cleanly by %s', async (signal) => {
    proxy.stall()
    const { ended, logs, signal: send } = await waiting()
    send(signal)
    expect(await ended).toBe(0)
    expect(logs()).toContain('"msg":"stopped"')
    expect(logs()).not.toContain('listening')
  })

  it('ends its workers by SIGTERM', async () => {
    await proxy.cut()
    const { ended, logs, signal } = await waiting({ AUTH4AGENT_WORKERS: '2' })
    signal('SIGTERM')
    expect(await ended).toBe(0)
    expect(logs()).toContain('"msg":"stopped"')
  })
})

describe('a server that cannot get its lease yet', () => {
  it('is not ready, and is ready when it has the lease', async () => {
    const port = await freePort()
    baseUrl = `http://127.0.0.1:${port}`
    const locker = new Client({ connectionString: database.url })
    await locker.connect()
    try {
      await locker.query('BEGIN')
      await locker.query('LOCK TABLE verifiers IN SHARE MODE')
      server = beginServer({ ...settings(database.url), PORT: String(port) })
      await server.listening
      const refused = await (await fetch(`${baseUrl}/ready`)).text()
      expect(refused).toContain('The server is not ready: revocation log')
      await locker.query('COMMIT')
    } finally {
      await locker.end()
    }
    expect(
      await until(
        () => statusesOf('/ready'),
        ([ready]) => ready === 200,
      ),
    ).toEqual([200])
  })
})

/** Returns a function for the URL of the database with a change. */
/** Changes the URL without a Unix socket, by which no password is needed. */
const changed = (change: (url: URL) => void) => () => {
  const url = Object.assign(new URL(database.url), { search: '' })
  change(url)
  return url.href
}

describe('a server that waiting cannot help', () => {
  it.each([
    [
      'the password is wrong',
      changed((url) => (url.password = 'wrong')),
      'The user or password in DATABASE_URL is wrong',
    ],
    [
      'the database does not exist',
      changed((url) => (url.pathname = '/none')),
      'that DATABASE_URL names does not exist',
    ],
    [
      'the database has no TLS',
      changed((url) => (url.search = '?sslmode=verify-full')),
      'Turn TLS on in the database, or remove sslmode from DATABASE_URL',
    ],
  ])('ends at once with a plain message when %s', async (_name, url, message) => {
    const { status, logs } = await failToStart(settings(url()))
    expect(status).toBe(1)
    expect(logs).toContain(message)
    expect(logs).not.toContain(WAITS)
    expect(logs).not.toContain('    at ')
  })

  it('changes nothing in the database when a file of a setting is missing', async () => {
    const env = {
      ...settings(database.url),
      AUTH4AGENT_TLS_CERT_FILE: '/none.crt',
      AUTH4AGENT_TLS_KEY_FILE: '/none.key',
    }
    const before = await readSql(database.url, 'SELECT count(*)::int AS deployments FROM deployment')
    expect((await failToStart(env)).status).toBe(1)
    expect(await readSql(database.url, 'SELECT count(*)::int AS deployments FROM deployment')).toEqual(before)
  })
})
