import { join } from 'node:path'
import { applyMigrations } from '../../../services/platform/db/migrate.ts'
import { GROWN_TABLES, grow, isGrown } from '../../growth/grow.ts'
import { type MeasuredStatement, measureStatement } from '../../growth/measure-statement.ts'
import { readRecorded } from '../../growth/read-recorded.ts'
import { statementsFolder } from '../../growth/statements-folder.ts'
import { runSql, siblingUrl } from '../../support/sql.ts'
import { connectTo } from '../contenders/database.ts'
import type { World } from '../world.ts'

const DATABASE = 'statements'
const MIGRATIONS = join(import.meta.dirname, '../../../prisma/migrations')
const silent = { info() {}, warn() {} }

/**
 * Plans and runs every statement of the server, on a database in which each table that can grow has this many rows.
 * The tests have recorded the statements.
 */
export async function measureStatements(
  started: AsyncDisposableStack,
  world: Pick<World, 'database'>,
  rows: number,
  tell: (line: string) => void,
): Promise<readonly MeasuredStatement[]> {
  const statements = await readRecorded(await statementsFolder())
  if (statements.length === 0) tell('no statements: npm test records them, for the sources as they are')
  await runSql(world.database.url, `CREATE DATABASE ${DATABASE}`)
  const url = siblingUrl(world.database.url, DATABASE)
  await applyMigrations({ url, migrationsDir: MIGRATIONS, log: silent })
  const db = await connectTo(started, url)
  await grow([db], rows)
  tell(`${rows} rows in each of ${GROWN_TABLES.size} tables`)
  const measured: MeasuredStatement[] = []
  for (const statement of statements) {
    measured.push(await measureStatement(db, statement, isGrown))
  }
  return measured
}
