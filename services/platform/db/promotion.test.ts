import { expect, it, onTestFinished } from 'vitest'
import { askPort, deadUrl, hostOf, openFound, portOf, untilPort } from '../../../test/support/found-database.ts'
import {
  type ReplicatedPostgres,
  severalHosts,
  startReplicatedPostgres,
} from '../../../test/support/replicated-postgres.ts'
import { readSql, runSql } from '../../../test/support/sql.ts'
import { until } from '../../../test/support/until.ts'
import { listen } from './listen.ts'

let postgres: ReplicatedPostgres
const begin = async () => {
  postgres = await startReplicatedPostgres()
  onTestFinished(() => postgres.remove())
  await runSql(postgres.primaryUrl, 'CREATE TABLE numbers (n int PRIMARY KEY)')
  return severalHosts(await deadUrl(postgres.primaryUrl), postgres.standbyUrl, postgres.primaryUrl)
}

it('a promotion under running calls loses no acknowledged row, leads all calls and LISTEN to the new primary, and says so', async () => {
  const db = openFound(await begin(), 1_700)
  await db.start()
  let listening = 0
  const heard: string[] = []
  const channels = { numbers: (payload: string) => void heard.push(payload) }
  onTestFinished(listen({ ...db.database, log: db.log, channels, onListening: () => (listening += 1) }))
  const acknowledged: number[] = []
  const over = new AbortController()
  const writer = async (first: number) => {
    for (let n = first; !over.signal.aborted; n += 3) {
      const done = await db.pool.query('INSERT INTO numbers VALUES ($1)', [n]).catch(() => undefined)
      if (done !== undefined) acknowledged.push(n)
      else await new Promise(setImmediate)
    }
  }
  const writers = [0, 1, 2].map(writer)
  const untilWritten = async () => {
    const before = acknowledged.length
    await until(
      async () => acknowledged.length,
      (count) => count > before + 30,
    )
  }
  await untilWritten()
  await until(
    async () => listening,
    (count) => count === 1,
  )
  await postgres.promote()
  await untilWritten()
  await until(
    async () => listening,
    (count) => count === 2,
  )
  over.abort()
  await Promise.all(writers)
  const rows = await readSql(postgres.standbyUrl, 'SELECT n FROM numbers')
  const kept = new Set(rows.map(({ n }) => n))
  expect(acknowledged.filter((n) => !kept.has(n))).toEqual([])
  await db.pool.query("SELECT pg_notify('numbers', 'here')")
  await until(
    async () => heard,
    (payloads) => payloads.includes('here'),
  )
  expect(await askPort(db)).toBe(portOf(postgres.standbyUrl))
  expect(db.lines).toContainEqual({
    database: hostOf(postgres.standbyUrl),
    timeline: 2,
    text: 'connections go to another primary, or to the same one after its restart',
  })
})

it('a promotion while the old primary is frozen: no connection stays at the old one when it continues', async () => {
  const db = openFound(await begin(), 1_000)
  await db.start()
  // Two connections: one is silent when the primary freezes, the other one is idle.
  const [one, two] = [await db.pool.connect(), await db.pool.connect()]
  two.release()
  await postgres.freezePrimary()
  const silent = one.query('SELECT 1').catch((error: Error) => error.message)
  await postgres.promoteUnfenced()
  expect(await silent).toBe('Query read timeout')
  one.release(true)
  await untilPort(db, portOf(postgres.standbyUrl))
  postgres.thawPrimary()
  const ports = await Promise.all([1, 2, 3].map(() => askPort(db)))
  expect(new Set(ports)).toEqual(new Set([portOf(postgres.standbyUrl)]))
  await until(
    () => readSql(postgres.primaryUrl, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'auth4agent'"),
    (rows) => rows.length === 0,
  )
})
