import { expect, it } from 'vitest'
import { silentLog, testDatabase } from '../../../test/support/database.ts'
import { createPassedTime, createPassedTimeJudge, INTERVAL_MS, SETTLED_MS } from './passed-time.ts'

const START = 1_800_000_000_000
const MINUTE = 60_000

/**
 * Returns a function that judges a reading `seconds` after the start. `database` and `wall` set these clocks forward
 * by milliseconds.
 */
function looks() {
  const judge = createPassedTimeJudge()
  return (seconds: number, { database = 0, wall = 0 } = {}) => {
    const ms = seconds * 1_000
    return judge({ databaseMs: START + ms + database, monotonicMs: 77 + ms, wallMs: START + ms + wall })
  }
}

it('createPassedTimeJudge needs two readings that are at least 5 seconds apart', () => {
  const look = looks()
  expect(look(0)).toEqual({ kind: 'early' })
  expect(look(INTERVAL_MS / 1_000 - 1)).toEqual({ kind: 'early' })
  expect(look(60)).toEqual({ kind: 'passed', ms: START + MINUTE })
})

it('createPassedTimeJudge ignores a database clock that jumps forward and back', () => {
  const look = looks()
  look(0)
  for (let minute = 1; minute <= 50; minute += 1) {
    expect(look(60 * minute, { database: 1_000_000 })).toEqual({ kind: 'jumped', byMs: 1_000_000 })
  }
  expect(look(60 * 51)).toEqual({ kind: 'passed', ms: START + 51 * MINUTE })
})

it('createPassedTimeJudge trusts a database clock that was set after it has run evenly for an hour', () => {
  const look = looks()
  look(0)
  const set = { database: -300_000 }
  look(60, set)
  look(60 + SETTLED_MS / 1_000, set)
  expect(look(120 + SETTLED_MS / 1_000, set)).toMatchObject({ kind: 'passed' })
})

it('createPassedTimeJudge never trusts a database clock that is set again and again', () => {
  const look = looks()
  look(0)
  for (let minute = 1; minute < 300; minute += 1) {
    const database = minute % 30 < 15 ? 400_000 : 800_000
    expect(look(minute * 60, { database })).toMatchObject({ kind: 'jumped' })
  }
})

it('createPassedTimeJudge returns the time of the slowest clock: the monotonic clock or the wall clock', () => {
  const look = looks()
  look(0)
  expect(look(60, { database: 1_500 })).toEqual({ kind: 'passed', ms: START + MINUTE })
  expect(look(120, { wall: -9_000 })).toEqual({ kind: 'passed', ms: START + 2 * MINUTE - 9_000 })
})

it('createPassedTimeJudge returns whole milliseconds, and never a moment that has not passed', () => {
  const look = looks()
  look(0.000_4)
  expect(look(60.000_9, { database: 1_500 })).toEqual({ kind: 'passed', ms: START + MINUTE })
  expect(look(120, { wall: -0.1 })).toEqual({ kind: 'passed', ms: START + 2 * MINUTE - 1 })
})

it("createPassedTime returns no time while the database's clock does not advance", async () => {
  const { db, drop } = await testDatabase()
  let offsetMs = 0
  const clocks = { monotonic: () => performance.now() + offsetMs, wall: () => Date.now() }
  const passed = createPassedTime(db.pool, clocks, silentLog)
  expect(await passed.read()).toBeUndefined()
  offsetMs = 60_000
  // One minute has passed by the monotonic clock, but none by the database's clock.
  expect(await passed.read()).toBeUndefined()
  await drop()
})
