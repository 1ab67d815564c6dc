import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FullDiskPostgres, startFullDiskPostgres } from './full-disk.ts'
import { runSql } from './sql.ts'
import { until } from './until.ts'

let postgres: FullDiskPostgres

beforeAll(async () => {
  postgres = await startFullDiskPostgres()
  await runSql(postgres.url, 'CREATE TABLE texts (t text)')
})
afterAll(async () => {
  await postgres?.remove()
})

const write = () =>
  runSql(postgres.url, 'INSERT INTO texts SELECT repeat(md5(n::text), 60) FROM generate_series(1, 2000) n').then(
    () => 'written',
    (error: unknown) => String(error),
  )

it('PostgreSQL on a full disk refuses writes until the disk has space again', async () => {
  expect(await write()).toBe('written')
  await postgres.fill()
  expect(await until(write, (outcome) => outcome !== 'written')).toMatch(/No space left on device|terminated|ECONN/)
  await postgres.free()
  await postgres.restart()
  expect(await write()).toBe('written')
})
