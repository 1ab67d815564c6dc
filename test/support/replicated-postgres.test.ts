import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ReplicatedPostgres, startReplicatedPostgres, walTimeline } from './replicated-postgres.ts'
import { runSql } from './sql.ts'
import { until } from './until.ts'

let postgres: ReplicatedPostgres

beforeAll(async () => {
  postgres = await startReplicatedPostgres()
  await runSql(postgres.url, 'CREATE TABLE numbers (n int PRIMARY KEY)')
})
afterAll(async () => {
  await postgres?.remove()
})

it('a commit waits for the synchronous standby', async () => {
  await postgres.freezeStandby()
  const commit = runSql(postgres.url, 'INSERT INTO numbers VALUES (-1)')
  const watcher = new pg.Client({ connectionString: postgres.url })
  await watcher.connect()
  await until(
    () => watcher.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"),
    ({ rowCount }) => rowCount === 1,
  )
  postgres.thawStandby()
  await commit
  await watcher.end()
})

it('a promotion under load loses no committed row, keeps the URL and starts a new timeline', async () => {
  const before = await walTimeline(postgres.url)
  const acknowledged: number[] = []
  const writer = new pg.Client({ connectionString: postgres.url })
  writer.on('error', () => undefined)
  await writer.connect()
  const writing = (async () => {
    for (let n = 0; ; n += 1) {
      await writer.query('INSERT INTO numbers VALUES ($1)', [n])
      acknowledged.push(n)
    }
  })()
  const ended = writing.catch((error: unknown) => error)
  await until(
    async () => acknowledged.length,
    (count) => count > 50,
  )
  await postgres.promote()
  expect(await ended).toBeInstanceOf(Error)
  const reader = new pg.Client({ connectionString: postgres.url })
  await reader.connect()
  const { rows } = await reader.query<{ n: number }>('SELECT n FROM numbers WHERE n >= 0 ORDER BY n')
  expect(rows.map(({ n }) => n).slice(0, acknowledged.length)).toEqual(acknowledged)
  await reader.query('INSERT INTO numbers VALUES (-2)')
  await reader.end()
  expect([before, await walTimeline(postgres.url)]).toEqual(['00000001', '00000002'])
})
