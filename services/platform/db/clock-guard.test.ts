import { beforeEach, describe, expect, it } from 'vitest'
import { testDatabase } from '../../../test/support/database.ts'
import { createClockGuard, readClock } from './clock-guard.ts'

const DATABASE = 1_800_000_000_000
const now = { monotonic: 5_000, wall: DATABASE }
const lines: string[] = []
const log = {
  warn: (_: object, message: string) => void lines.push(message),
  info: (_: object, message: string) => void lines.push(message),
}

const guardOf = (toleranceMs: number) =>
  createClockGuard({ clocks: { monotonic: () => now.monotonic, wall: () => now.wall }, toleranceMs, log })
let guard = guardOf(10_000)

beforeEach(() => {
  Object.assign(now, { monotonic: 5_000, wall: DATABASE })
  lines.length = 0
  guard = guardOf(10_000)
})

/** Records a statement that took `ms`. In its middle, the database's clock was `offset` ahead of the wall clock. */
function read(offset: number, ms = 2): void {
  const sent = guard.monotonic()
  pass(ms / 2)
  const databaseMs = now.wall + offset
  pass(ms / 2)
  guard.saw(databaseMs, sent)
}

function pass(ms: number): void {
  now.monotonic += ms
  now.wall += ms
}

describe('createClockGuard', () => {
  it.each([
    ['behind by the tolerance', 10_000, undefined],
    ['ahead by the tolerance', -10_000, undefined],
    ['too far behind', 320_000, "The server's clock is 320 s behind the database's"],
    ['too far ahead', -15_000, "The server's clock is 15 s ahead of the database's"],
  ])('reports a problem only beyond the tolerance: a clock that is %s', (_, offset, problem) => {
    read(offset)
    expect(guard.problem()).toBe(problem)
  })

  it('reports no problem before the first reading', () => {
    expect(guard.problem()).toBeUndefined()
  })

  it('notices at once when the wall clock is set between two readings', () => {
    read(0)
    now.wall -= 320_000
    expect(guard.problem()).toContain('320 s behind')
  })

  it('logs once when the clock is wrong, and once when it is right again', () => {
    read(320_000)
    guard.problem()
    guard.problem()
    pass(60_000)
    read(0)
    expect(guard.problem()).toBeUndefined()
    expect(lines).toEqual(['the clock is wrong', 'the clock agrees with the database again'])
  })

  it('reports no problem when a reading took too long to be precise', () => {
    read(14_000, 10_000)
    expect(guard.problem()).toBeUndefined()
    read(-14_000, 10_000)
    expect(guard.problem()).toBeUndefined()
  })

  it('tolerates one second when the setting is 0, because times are in whole seconds', () => {
    guard = guardOf(0)
    read(900)
    expect(guard.problem()).toBeUndefined()
    read(1_100)
    expect(guard.problem()).toContain('1 s behind')
  })
})

it("readClock reads the database's clock", async () => {
  const { db, drop } = await testDatabase()
  const seen: number[] = []
  const sent: number[] = []
  await readClock(db.pool, {
    monotonic: () => 7,
    saw: (databaseMs, sentMs) => void (seen.push(databaseMs), sent.push(sentMs)),
    problem: () => undefined,
  })
  expect(Math.abs((seen[0] ?? Number.NaN) - Date.now())).toBeLessThan(60_000)
  expect(sent).toEqual([7])
  await drop()
})
