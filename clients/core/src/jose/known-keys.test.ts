import { expect, it } from 'vitest'
import { KnownKeys } from './known-keys.ts'

const at = (ms: number) => ({ monotonic: ms, wall: ms })
const fetched = (part: object = {}) => ({ keys: new Map([['a', 1]]), begun: at(0), cachedMs: 0, freshMs: 100, ...part })

it('KnownKeys is usable while the keys are fresh, and after a failed fetch until they are too old', () => {
  const known = new KnownKeys<number>(1_000)
  expect(known.isUsable(at(0))).toBe(false)
  expect(known.replace(fetched())).toBe(100)
  expect([known.isUsable(at(99)), known.isUsable(at(100))]).toEqual([true, false])
  expect([known.keep(), known.keep(), known.isFailing]).toEqual([1, 2, true])
  expect([known.isUsable(at(999)), known.isUsable(at(1_000))]).toEqual([true, false])
  known.replace(fetched({ begun: at(500) }))
  expect([known.isFailing, known.isUsable(at(599)), known.isUsable(at(600))]).toEqual([false, true, false])
})

it('KnownKeys counts the time that an answer spent in caches as age', () => {
  const known = new KnownKeys<number>(1_000)
  expect(known.replace(fetched({ begun: at(2_000), cachedMs: 950 }))).toBe(50)
  expect([known.ageMs(at(2_000)), known.isUsable(at(2_049)), known.isUsable(at(2_050))]).toEqual([950, true, false])
  expect(() => known.replace(fetched({ cachedMs: 1_000 }))).toThrow(RangeError)
})

it('KnownKeys does not find an ended key, even if a later fetch contains it', () => {
  const known = new KnownKeys<number>(1_000)
  known.replace(fetched())
  expect(known.find('a')).toBe(1)
  known.end('a')
  known.replace(fetched())
  expect([known.find('a'), known.mayHaveCome('a', at(60_000))]).toEqual([undefined, false])
})

it('KnownKeys allows a fetch for an unknown kid at most every 30 seconds', () => {
  const known = new KnownKeys<number>(1_000)
  known.try(at(0))
  known.replace(fetched())
  expect([known.mayHaveCome('b', at(29_999)), known.mayHaveCome('b', at(30_000))]).toEqual([false, true])
  expect(known.mayHaveCome('a', at(30_000))).toBe(false)
})
