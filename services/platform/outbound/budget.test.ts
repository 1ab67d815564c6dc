import { describe, expect, it } from 'vitest'
import { createBudget, PUSHES, REQUESTS, STREAMS } from './budget.ts'

const RULES = { max: 4, part: 1 / 2, rate: { perMinute: 60, burst: 4 } }
const busy = (text: string) => expect.objectContaining({ why: 'BUSY', message: expect.stringContaining(text) })

describe('createBudget', () => {
  it('refuses one request more than a host may have, until one ends', () => {
    const enter = createBudget(RULES, () => 0)
    const leave = enter('a.example')
    enter('a.example')
    expect(() => enter('a.example')).toThrow(busy('Too many requests to a.example'))
    leave()
    expect(enter('a.example')).toBeTypeOf('function')
  })

  it('refuses one request more than all hosts may have', () => {
    const enter = createBudget(RULES, () => 0)
    enter('a.example')
    enter('b.example')
    enter('c.example')
    enter('d.example')
    expect(() => enter('e.example')).toThrow(busy('or to all hosts'))
  })

  it.each([
    ['requests', REQUESTS],
    ['pushes', PUSHES],
    ['streams', STREAMS],
  ])('leaves places for other hosts while eight hosts take as many %s as they get', (_, rules) => {
    const enter = createBudget({ ...rules, rate: { perMinute: 6_000_000, burst: 1_000_000 } }, () => 0)
    for (const host of Array.from({ length: 8 }, (_, n) => `slow${n}.example`)) {
      for (let n = 0; n < rules.max; n += 1) {
        try {
          enter(host)
        } catch {
          break
        }
      }
    }
    for (let n = 0; n < 20; n += 1) expect(enter(`other${n}.example`)).toBeTypeOf('function')
  })

  it('refuses a host that gets too many requests in a short time, and no other host', () => {
    let now = 0
    const enter = createBudget(RULES, () => now)
    for (let n = 0; n < RULES.rate.burst; n += 1) enter('a.example')()
    expect(() => enter('a.example')).toThrow(busy('a.example gets more requests than 60 a minute'))
    enter('b.example')()
    now += 1_000
    enter('a.example')()
  })

  it('keeps no place for a request that the rate refuses', () => {
    let now = 0
    const enter = createBudget(RULES, () => now)
    for (let n = 0; n < RULES.rate.burst; n += 1) enter('a.example')()
    for (let n = 0; n < RULES.max; n += 1) expect(() => enter('a.example')).toThrow(busy('a minute'))
    now += 60_000
    expect(enter('a.example')).toBeTypeOf('function')
  })
})
