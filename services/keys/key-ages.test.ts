import { describe, expect, it } from 'vitest'
import { createKeyAges, type StandingKey } from './key-ages.ts'

const DAY_MS = 86_400_000

/** A measure of key ages with a monotonic clock that the test sets. */
function newProcess() {
  const clock = { ms: 5_000 }
  const ages = createKeyAges(() => clock.ms)
  return {
    clock,
    look: (keys: readonly StandingKey[], databaseNowMs: number) =>
      ages.look(keys, databaseNowMs).map(({ ageS }) => ageS),
    ages,
  }
}
const row = (kid: string, state: StandingKey['state'], sinceMs: number): StandingKey => ({
  kid,
  purpose: 'access_token',
  alg: 'EdDSA',
  state,
  sinceMs,
})

it('look returns each key with its age, in the order of the argument', () => {
  const { ages } = newProcess()
  expect(ages.look([row('b', 'active', 1_000), row('a', 'prepared', 3_500)], 4_000)).toEqual([
    { kid: 'b', purpose: 'access_token', alg: 'EdDSA', state: 'active', ageS: 3 },
    { kid: 'a', purpose: 'access_token', alg: 'EdDSA', state: 'prepared', ageS: 0.5 },
  ])
})

describe('a state that exists when the process starts', () => {
  it.each([
    ["has its age by the database's clock", 10_000, 40_000, 30],
    ["has the age 0 when it is in the future by the database's clock", 40_000, 10_000, 0],
    ['has an age that includes the time without any process', 0, 30 * DAY_MS, (30 * DAY_MS) / 1000],
  ])('%s', (_, sinceMs, databaseNowMs, ageS) => {
    expect(newProcess().look([row('a', 'prepared', sinceMs)], databaseNowMs)).toEqual([ageS])
  })

  it.each([
    ['stops', 0],
    ['continues', 10_000],
    ['is set forward', 9 * DAY_MS],
    ['is set back', -9 * DAY_MS],
  ])("ages by the monotonic clock when the database's clock %s", (_, by) => {
    const { clock, look } = newProcess()
    look([row('a', 'prepared', 10_000)], 40_000)
    clock.ms += 10_000
    expect(look([row('a', 'prepared', 10_000)], 40_000 + by)).toEqual([40])
  })
})

describe('a state that begins while the process runs', () => {
  it.each([
    ['a new key', []],
    ['a new state', [row('a', 'prepared', 0)]],
  ])("counts from the moment when it is first seen, not by the database's clock: %s", (_, before) => {
    const { clock, look } = newProcess()
    look(before, 50 * DAY_MS)
    clock.ms += 10_000
    expect(look([row('a', 'active', 40 * DAY_MS)], 51 * DAY_MS)).toEqual([0])
    clock.ms += 2_500
    expect(look([row('a', 'active', 40 * DAY_MS)], 0)).toEqual([2.5])
  })

  it('does not change the ages of other keys', () => {
    const { clock, look } = newProcess()
    look([row('a', 'prepared', 0)], 10_000)
    clock.ms += 10_000
    expect(look([row('a', 'prepared', 0), row('b', 'prepared', 0)], 20_000)).toEqual([20, 0])
  })

  it.each([
    ['a failover has undone it', [row('a', 'active', 0)]],
    ['the key was absent in between', []],
  ])('counts from the start again when %s', (_, between) => {
    const { clock, look } = newProcess()
    look([], 0)
    look([row('a', 'retiring', 0)], 0)
    clock.ms += 10_000
    look(between, 10_000)
    clock.ms += 10_000
    expect(look([row('a', 'retiring', 20_000)], 20_000)).toEqual([0])
  })
})
