import { describe, expect, it } from 'vitest'
import { createKeyAges, type StandingKey } from './key-ages.ts'

const DAY_MS = 86_400_000

/** Ages of a process whose monotonic clock a test sets. */
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
  alg: 'EdDSA',
  state,
  sinceMs,
})

it('tells each key with its age, in the order asked', () => {
  const { ages } = newProcess()
  expect(ages.look([row('b', 'active', 1_000), row('a', 'prepared', 3_500)], 4_000)).toEqual([
    { kid: 'b', alg: 'EdDSA', state: 'active', ageS: 3 },
    { kid: 'a', alg: 'EdDSA', state: 'prepared', ageS: 0.5 },
  ])
})

describe('what stands when a process starts', () => {
  it.each([
    ['has the age that the database says', 10_000, 40_000, 30],
    ['has none where the database says it is to come', 40_000, 10_000, 0],
    ['has the time for which all were down', 0, 30 * DAY_MS, (30 * DAY_MS) / 1000],
  ])('%s', (_, sinceMs, databaseNowMs, ageS) => {
    expect(newProcess().look([row('a', 'prepared', sinceMs)], databaseNowMs)).toEqual([ageS])
  })

  it.each([
    ['stands', 0],
    ['goes on', 10_000],
    ['is set forward', 9 * DAY_MS],
    ['is set back', -9 * DAY_MS],
  ])("grows older by the monotonic clock, while the database's %s", (_, by) => {
    const { clock, look } = newProcess()
    look([row('a', 'prepared', 10_000)], 40_000)
    clock.ms += 10_000
    expect(look([row('a', 'prepared', 10_000)], 40_000 + by)).toEqual([40])
  })
})

describe('what a process sees come', () => {
  it.each([
    ['a key', []],
    ['a state', [row('a', 'prepared', 0)]],
  ])("counts from then, whatever the database's clock says: %s", (_, before) => {
    const { clock, look } = newProcess()
    look(before, 50 * DAY_MS)
    clock.ms += 10_000
    expect(look([row('a', 'active', 40 * DAY_MS)], 51 * DAY_MS)).toEqual([0])
    clock.ms += 2_500
    expect(look([row('a', 'active', 40 * DAY_MS)], 0)).toEqual([2.5])
  })

  it('leaves the others as old as they are', () => {
    const { clock, look } = newProcess()
    look([row('a', 'prepared', 0)], 10_000)
    clock.ms += 10_000
    expect(look([row('a', 'prepared', 0), row('b', 'prepared', 0)], 20_000)).toEqual([20, 0])
  })

  it.each([
    ['a failover has undone it', [row('a', 'active', 0)]],
    ['the key was gone meanwhile', []],
  ])('counts anew where %s', (_, between) => {
    const { clock, look } = newProcess()
    look([], 0)
    look([row('a', 'retiring', 0)], 0)
    clock.ms += 10_000
    look(between, 10_000)
    clock.ms += 10_000
    expect(look([row('a', 'retiring', 20_000)], 20_000)).toEqual([0])
  })
})
