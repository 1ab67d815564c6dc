import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createShares, type Place, type Shares } from './shares.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Takes all that a key gets. */
function takeAll(shares: Shares, key: string): Place[] {
  const places: Place[] = []
  for (let place = shares(key); place !== undefined; place = shares(key)) places.push(place)
  return places
}
const keys = (count: number) => Array.from({ length: count }, (_, index) => `key ${index}`)

describe('a share', () => {
  it('of a key that is alone leaves most places free', () => {
    expect(takeAll(createShares({ max: 4_096, part: 1 / 4, keptMs: 0 }), 'a')).toHaveLength(820)
  })

  it('shrinks as places run out, so that 32 keys which take all they get leave room for others', () => {
    const shares = createShares({ max: 4_096, part: 1 / 4, keptMs: 0 })
    const rounds = Array.from({ length: 4_096 }, () => keys(32).map((key) => shares(key) !== undefined))
    expect(rounds.flat().filter(Boolean).length).toBeLessThan(3_700)
    expect(takeAll(shares, 'honest').length).toBeGreaterThan(50)
  })

  it('is one place at least while any is free, and nothing when none is', () => {
    const shares = createShares({ max: 100, part: 1 / 4, keptMs: 0 })
    for (const key of keys(100)) expect(shares(key)).toBeDefined()
    expect(shares('late')).toBeUndefined()
  })

  it('grows again when places are given back', () => {
    const shares = createShares({ max: 8, part: 1 / 2, keptMs: 0 })
    const others = keys(6).map((key) => shares(key))
    expect(takeAll(shares, 'a')).toHaveLength(1)
    for (const other of others) other?.giveBack(false)
    expect(takeAll(shares, 'a').length).toBeGreaterThan(0)
  })
})

describe('a kept place', () => {
  const rules = { max: 2, part: 1, keptMs: 1_000 }

  it('is taken again by its key though all others are taken', () => {
    const shares = createShares(rules)
    const first = shares('a')
    expect(shares('b')).toBeDefined()
    first?.giveBack(true)
    expect(shares('c')).toBeUndefined()
    expect(shares('a')).toBeDefined()
    expect(shares('a')).toBeUndefined()
  })

  it('is free for others once its time is over, and not before', () => {
    const shares = createShares(rules)
    shares('b')
    shares('a')?.giveBack(true)
    vi.advanceTimersByTime(999)
    expect(shares('c')).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect(shares('c')).toBeDefined()
    expect(shares('a')).toBeUndefined()
  })

  it('that was taken again stays taken, whatever its time was', () => {
    const shares = createShares(rules)
    shares('b')
    shares('a')?.giveBack(true)
    expect(shares('a')).toBeDefined()
    vi.advanceTimersByTime(2_000)
    expect(shares('c')).toBeUndefined()
  })

  it('that is given back unkept is free at once', () => {
    const shares = createShares(rules)
    shares('b')
    shares('a')?.giveBack(false)
    expect(shares('c')).toBeDefined()
  })
})
