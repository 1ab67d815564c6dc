import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { silentLog, testDatabase } from '../../../test/support/database.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { type ReplicatedPostgres, startReplicatedPostgres } from '../../../test/support/replicated-postgres.ts'
import { runSql } from '../../../test/support/sql.ts'
import { until } from '../../../test/support/until.ts'
import { openPool } from './db.ts'
import { confirmCommits, type DurabilityMode, judgeSettings, openDurability } from './durability.ts'

let postgres: ReplicatedPostgres

beforeAll(async () => {
  postgres = await startReplicatedPostgres()
})
afterAll(() => postgres?.remove())

const GOOD = { fsync: 'on', fullPageWrites: 'on', isReplicated: true }

describe('judgeSettings', () => {
  it.each<[mode: DurabilityMode, settings: Partial<typeof GOOD>]>([
    ['quorum', {}],
    ['storage', { isReplicated: false, fullPageWrites: 'off' }],
    ['single', { fsync: 'off', isReplicated: false }],
    ['unknown', { fsync: 'off', isReplicated: false }],
  ])('is content with %s and %j', (mode, settings) => {
    expect(judgeSettings(mode, { ...GOOD, ...settings })).toBeUndefined()
  })

  it.each<[mode: DurabilityMode, settings: Partial<typeof GOOD>, names: string, canPass: boolean]>([
    ['quorum', { fsync: 'off' }, 'fsync = off', false],
    ['storage', { fsync: 'off' }, 'fsync = off', false],
    ['quorum', { fullPageWrites: 'off' }, 'full_page_writes = off', false],
    ['quorum', { isReplicated: false }, 'synchronous_standby_names, which is empty', true],
  ])('refuses %s with %j, and names setting, value and cure', (mode, settings, names, canPass) => {
    const judged = judgeSettings(mode, { ...GOOD, ...settings })
    expect(judged).toMatchObject({ canPass })
    expect(judged?.problem).toContain(`AUTH4AGENT_DURABILITY=${mode} needs`)
    expect(judged?.problem).toContain(names)
    expect(judged?.problem).toMatch(/\. (Change it|Set it)/)
  })
})

function pool(url = postgres.url) {
  const opened = openPool({ url, poolSize: 2, answerMs: 60_000, log: silentLog })
  onTestFinished(() => opened.end())
  return opened
}

describe('openDurability', () => {
  it('waits for a standby at the start, and then refuses whatever only one machine has', async () => {
    const opened = pool()
    await postgres.nameStandbys('')
    await expect(openDurability(opened, 'quorum', silentLog)).rejects.toMatchObject({ name: 'NotYetError' })
    await postgres.nameStandbys('*')
    const durability = await openDurability(opened, 'quorum', silentLog)
    await durability.confirm()
    durability.demand(true)
    await postgres.nameStandbys('')
    expect(await refusalOf(durability.confirm())).toBe('NOT_DURABLE')
    expect(() => durability.demand(false)).toThrow('one machine')
    await durability.look()
    expect(durability.facts).toMatchObject({ durability: 'quorum', problem: expect.stringContaining('is empty') })
    await postgres.nameStandbys('*')
    await durability.look()
    expect(durability.facts).toEqual({ durability: 'quorum' })
    await durability.confirm()
  })

  it.each(['storage', 'single', 'unknown'] as const)('demands no standby with %s', async (mode) => {
    await postgres.nameStandbys('')
    const durability = await openDurability(pool(), mode, silentLog)
    durability.demand(false)
    await durability.confirm()
    await durability.look()
    expect(durability.facts).toEqual({ durability: mode })
    await postgres.nameStandbys('*')
  })

  it('says that commits wait for no standby where there is none', async () => {
    const alone = await testDatabase()
    onTestFinished(() => alone.drop())
    expect(await confirmCommits(alone.db.pool)).toMatchObject({ isReplicated: false })
  })

  it('confirms a commit that began while no standby was demanded only once the standby has it', async () => {
    const opened = pool()
    await postgres.freezeStandby()
    await postgres.nameStandbys('')
    await opened.query('CREATE TABLE early (n int)')
    await postgres.nameStandbys('*')
    let isConfirmed = false
    const confirmed = confirmCommits(opened).then(({ isReplicated }) => {
      isConfirmed = true
      return isReplicated
    })
    await until(
      () => opened.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"),
      ({ rowCount }) => rowCount === 1,
    )
    expect(isConfirmed).toBe(false)
    postgres.thawStandby()
    expect(await confirmed).toBe(true)
  })
})

describe('a session', () => {
  it.each([
    ['off', 'on'],
    ['local', 'on'],
    ['remote_write', 'on'],
    ['on', 'on'],
    ['remote_apply', 'remote_apply'],
  ])('whose database sets synchronous_commit = %s uses %s', async (set, used) => {
    await runSql(postgres.url, `ALTER DATABASE auth4agent SET synchronous_commit = ${set}`)
    onTestFinished(() => runSql(postgres.url, 'ALTER DATABASE auth4agent RESET synchronous_commit'))
    const { rows } = await pool().query('SHOW synchronous_commit')
    expect(rows).toEqual([{ synchronous_commit: used }])
  })

  it('whose role sets synchronous_commit = off uses on', async () => {
    await runSql(postgres.url, 'ALTER ROLE CURRENT_USER SET synchronous_commit = off')
    onTestFinished(() => runSql(postgres.url, 'ALTER ROLE CURRENT_USER RESET synchronous_commit'))
    const { rows } = await pool().query('SHOW synchronous_commit')
    expect(rows).toEqual([{ synchronous_commit: 'on' }])
  })
})
