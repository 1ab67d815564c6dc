import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createShares, type Place, type Shares } from './shares.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Takes all places that a key can get. */
function takeAll(shares: Shares, key: string): Place[] {
  const places: Place[] = []
  for (let place = shares(key); place !== undefined; place = shares(key)) places.push(place)
  return places
}
const keys = (count: number) => Array.from({ length: count }, (_, index) => `key ${index}`)

describe('createShares', () => {
  it('leaves most places free when only one key takes places', () => {
    expect(takeAll(createShares({ max: 4_096, part: 1 / 4, keptMs: 0 }), 'a')).toHaveLength(820)
  })

  it('leaves room for others when 32 keys take all places that they can get', () => {
    const shares = createShares({ max: 4_096, part: 1 / 4, keptMs: 0 })
    const rounds = Array.from({ length: 4_096 }, () => keys(32).map((key) => shares(key) !== undefined))
    expect(rounds.flat().filter(Boolean).length).toBeLessThan(3_700)
    expect(takeAll(shares, 'honest').length).toBeGreaterThan(50)
  })

  it('gives a new key one place while any place is free, and refuses it when all places are taken', () => {
    const shares = createShares({ max: 100, part: 1 / 4, keptMs: 0 })
    for (const key of keys(100)) expect(shares(key)).toBeDefined()
    expect(shares('late')).toBeUndefined()
  })

  it('gives a key more places after others have given places back', () => {
    const shares = createShares({ max: 8, part: 1 / 2, keptMs: 0 })
    const others = keys(6).map((key) => shares(key))
    expect(takeAll(shares, 'a')).toHaveLength(1)
    for (const other of others) other?.giveBack(false)
    expect(takeAll(shares, 'a').length).toBeGreaterThan(0)
  })
})

describe('createShares, with kept places', () => {
  const rules = { max: 2, part: 1, keptMs: 1_000 }

  it('gives a kept place to its key again, although all other places are taken', () => {
    const shares = createShares(rules)
    const first = shares('a')
    expect(shares('b')).toBeDefined()
    first?.giveBack(true)
    expect(shares('c')).toBeUndefined()
    expect(shares('a')).toBeDefined()
    expect(shares('a')).toBeUndefined()
  })

  it('gives a kept place to another key only after keptMs', () => {
    const shares = createShares(rules)
    shares('b')
    shares('a')?.giveBack(true)
    vi.advanceTimersByTime(999)
    expect(shares('c')).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect(shares('c')).toBeDefined()
    expect(shares('a')).toBeUndefined()
  })

  it('does not free a kept place that its key has taken again', () => {
    const shares = createShares(rules)
    shares('b')
    shares('a')?.giveBack(true)
    expect(shares('a')).toBeDefined()
    vi.advanceTimersByTime(2_000)
    expect(shares('c')).toBeUndefined()
  })

  it('frees a place at once when it is given back without keeping it', () => {
    const shares = createShares(rules)
    shares('b')
    shares('a')?.giveBack(false)
    expect(shares('c')).toBeDefined()
  })
})
