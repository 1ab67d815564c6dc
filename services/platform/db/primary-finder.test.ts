import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDataFolder } from '../../../test/support/data-folder.ts'
import {
  askPort,
  deadUrl,
  type FoundDatabase,
  hostOf,
  openFound,
  portOf,
  silentUrl,
  untilPort,
} from '../../../test/support/found-database.ts'
import { freePort } from '../../../test/support/free-port.ts'
import { clusterUrl, createCluster, startPostgres } from '../../../test/support/postgres-cluster.ts'
import {
  type ReplicatedPostgres,
  severalHosts,
  startReplicatedPostgres,
} from '../../../test/support/replicated-postgres.ts'
import { runSql, siblingUrl } from '../../../test/support/sql.ts'
import { until } from '../../../test/support/until.ts'
import { ensureDatabase } from '../../embedded-postgres/cluster.ts'
import { toApiError } from '../errors/api-error.ts'
import { StartupError } from '../errors/startup-error.ts'

/** Starts a server of a cluster of its own, with the password of `url`. */
async function startStranger(url: string) {
  const data = await createDataFolder()
  const cluster = await createCluster(data.path)
  const port = await freePort()
  const server = await startPostgres(cluster, port)
  const own = clusterUrl(cluster, port)
  await ensureDatabase(own)
  await runSql(own, `ALTER ROLE auth4agent PASSWORD '${new URL(url).password}'`)
  return {
    url: Object.assign(new URL(url), { port: String(port) }).href,
    async remove() {
      await server.end('SIGQUIT')
      await data.remove()
    },
  }
}

/** Returns a statement that fails with this code. */
const raise = (code: string) => `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${code}'; END $$`

describe('a primary with its standby', () => {
  let postgres: ReplicatedPostgres
  let stranger: Awaited<ReturnType<typeof startStranger>>
  beforeAll(async () => {
    postgres = await startReplicatedPostgres()
    stranger = await startStranger(postgres.primaryUrl)
  })
  afterAll(async () => {
    await stranger?.remove()
    await postgres?.remove()
  })

  it.each<[title: string, other: () => Promise<string> | string]>([
    ['a dead host', () => deadUrl(postgres.primaryUrl)],
    ['a standby', () => postgres.standbyUrl],
    ['a host that accepts connections and is silent', () => silentUrl(postgres.primaryUrl)],
  ])('is found behind %s, at the first attempt and without a word', async (_title, other) => {
    const db = openFound(severalHosts(await other(), postgres.primaryUrl))
    await db.start()
    expect(await askPort(db)).toBe(portOf(postgres.primaryUrl))
    expect(db.lines).toEqual([])
  })

  it('refuses a start with a host of another cluster, and names both', async () => {
    const db = openFound(severalHosts(stranger.url, postgres.primaryUrl))
    const failure = await db.start().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(StartupError)
    expect((failure as Error).message).toMatch(
      new RegExp(
        `different clusters: .* \\(${hostOf(stranger.url)} to \\d+, ${hostOf(postgres.primaryUrl)} to \\d+\\)`,
      ),
    )
  })

  it('lets a start wait while no host takes writes, and says why for each', async () => {
    const dead = await deadUrl(postgres.primaryUrl)
    const silent = await silentUrl(postgres.primaryUrl)
    const db = openFound(severalHosts(dead, postgres.standbyUrl, silent))
    void db.start().catch(() => undefined)
    await until(
      async () => db.lines.at(0),
      (line) => line !== undefined,
    )
    expect(db.lines[0]).toMatchObject({
      text: 'waiting for the database of DATABASE_URL',
      problem:
        `No host in DATABASE_URL is a primary that takes writes: ${hostOf(dead)}: connect ECONNREFUSED ${hostOf(dead)}; ` +
        `${hostOf(postgres.standbyUrl)} is a standby, which takes no writes; ${hostOf(silent)}: no answer within 1 s`,
    })
    expect(JSON.stringify(db.lines)).not.toContain(new URL(dead).password)
  })

  it('refuses a start with a wrong password at once', async () => {
    const url = Object.assign(new URL(postgres.primaryUrl), { password: 'wrong' }).href
    const db = openFound(severalHosts(url, postgres.standbyUrl))
    await expect(db.start()).rejects.toThrow('password authentication failed')
  })

  const ways: [string, (db: FoundDatabase) => Promise<unknown>][] = [
    ['plain pg', ({ pool }) => pool.query('SELECT 1')],
    ['raw Prisma', ({ prisma }) => prisma.$queryRaw`SELECT 1`],
    ['a transaction', ({ prisma }) => prisma.$transaction((tx) => tx.$queryRaw`SELECT 1`)],
  ]
  it.each(ways)('refuses a standby as the only host, as UNAVAILABLE through %s', async (_name, work) => {
    const db = openFound(postgres.standbyUrl)
    const failure = await work(db).catch((error: unknown) => toApiError(error))
    expect(failure).toMatchObject({ reason: 'UNAVAILABLE' })
    await expect(db.pool.query('SELECT 1')).rejects.toThrow('The database is a standby, which takes no writes')
    expect(db.pool.idleCount).toBe(0)
  })

  it('refuses another cluster behind the same address, until the address leads back', async () => {
    const db = openFound(postgres.url)
    await askPort(db)
    postgres.proxy.repoint({ host: '127.0.0.1', port: Number(portOf(stranger.url)) })
    await until(
      () => askPort(db).catch((error: Error) => error.message),
      (answer) => answer?.includes('The database belongs to another cluster') === true,
    )
    postgres.proxy.repoint({ host: '127.0.0.1', port: Number(portOf(postgres.primaryUrl)) })
    await untilPort(db, portOf(postgres.primaryUrl))
  })

  it('refuses a database that takes no writes, and says what to change', async () => {
    const url = siblingUrl(postgres.primaryUrl, 'read_only')
    await runSql(postgres.primaryUrl, 'CREATE DATABASE read_only')
    await runSql(postgres.primaryUrl, 'ALTER DATABASE read_only SET default_transaction_read_only = on')
    const db = openFound(url)
    await expect(db.pool.query('SELECT 1')).rejects.toThrow(
      'The database takes no writes: turn default_transaction_read_only off',
    )
  })

  it('works for a role that owns nothing but its database, and says which right is missing', async () => {
    await runSql(postgres.primaryUrl, "CREATE ROLE plain LOGIN PASSWORD 'plain'")
    const url = Object.assign(new URL(postgres.primaryUrl), { username: 'plain', password: 'plain' }).href
    await openFound(url).start()
    await runSql(postgres.primaryUrl, 'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public')
    onTestFinished(() => runSql(postgres.primaryUrl, 'GRANT EXECUTE ON FUNCTION pg_control_system() TO public'))
    await expect(openFound(url).start()).rejects.toThrow(
      'The user in DATABASE_URL must be allowed to execute pg_control_system()',
    )
  })
})

describe('two servers that take writes, on different timelines', () => {
  let postgres: ReplicatedPostgres
  beforeAll(async () => {
    postgres = await startReplicatedPostgres()
    await postgres.promoteUnfenced()
  })
  afterAll(() => postgres?.remove())
  const sentence = () =>
    `${hostOf(postgres.primaryUrl)} is an old primary on timeline 1, but there is one on timeline 2: stop it`

  it('leave no choice: a start takes the higher timeline, and names the server to stop', async () => {
    const db = openFound(severalHosts(postgres.primaryUrl, postgres.standbyUrl))
    await db.start()
    expect(await askPort(db)).toBe(portOf(postgres.standbyUrl))
    expect(db.problems()).toContain(sentence())
  })

  it('cannot both be the only host: a process that knows the new one refuses the old one', async () => {
    const db = openFound(postgres.url)
    postgres.proxy.repoint({ host: '127.0.0.1', port: Number(portOf(postgres.standbyUrl)) })
    await askPort(db)
    postgres.proxy.repoint({ host: '127.0.0.1', port: Number(portOf(postgres.primaryUrl)) })
    await until(
      () => askPort(db).catch((error: Error) => error.message),
      (answer) => answer === 'The database is an old primary on timeline 1, but there is one on timeline 2: stop it',
    )
  })

  it.each([
    ['a statement that a read-only server refuses', 'BEGIN READ ONLY; CREATE TABLE refused ()'],
    ['57P01', raise('57P01')],
    ['57P02', raise('57P02')],
    ['57P03', raise('57P03')],
    ['08006', raise('08006')],
  ])(
    'are told apart after %s: the process moves to the new one, and ends a connection that is in use',
    async (_title, statement) => {
      const db = openFound(severalHosts(postgres.primaryUrl, postgres.standbyUrl))
      const held = await db.pool.connect()
      onTestFinished(() => held.release(true))
      const hasEnded = new Promise((resolve) => held.once('end', resolve))
      expect(await askPort(db)).toBe(portOf(postgres.primaryUrl))
      await expect(db.pool.query(statement)).rejects.toThrow()
      await untilPort(db, portOf(postgres.standbyUrl))
      expect(db.problems()).toContain(sentence())
      await hasEnded
    },
  )
})
