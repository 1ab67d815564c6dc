import { describe, expect, it } from 'vitest'
import { createReplayMemory, ReplayMemoryFull } from './replay-memory.ts'

const CAPACITY = 120

/** Creates a memory with a clock that a test sets. */
function memoryAt(startS: number, capacity?: number) {
  const clock: { nowS: number; monotonicS?: number } = { nowS: startS }
  const memory = createReplayMemory({
    nowS: () => clock.nowS,
    monotonicS: () => clock.monotonicS ?? clock.nowS,
    ...(capacity !== undefined && { capacity }),
  })
  return { clock, memory }
}

describe('createReplayMemory', () => {
  it('never forgets a proof that is valid again after the clock was set forward and back', () => {
    const { clock, memory } = memoryAt(0)
    clock.monotonicS = 0
    memory.use('a', 80)
    clock.nowS = 600
    memory.use('b', 680)
    clock.nowS = 0
    expect(memory.use('a', 80)).toBe(false)
  })

  it('accepts a proof once', () => {
    const { memory } = memoryAt(0)
    expect(memory.use('a', 80)).toBe(true)
    expect(memory.use('b', 80)).toBe(true)
    expect([memory.use('a', 80), memory.use('b', 80), memory.use('a', 90)]).toEqual([false, false, false])
    expect(memory.size).toBe(2)
  })

  it('accepts a proof once in the second in which it expires, and forgets it after two generations', () => {
    const { memory, clock } = memoryAt(0)
    memory.use('a', 80)
    clock.nowS = 80
    expect(memory.use('a', 80)).toBe(false)
    clock.nowS = 80.1
    memory.use('b', 160)
    expect(memory.size).toBe(1)
    expect(memory.use('a', 80)).toBe(true)
  })

  it('forgets everything that has expired at the first call after a long pause, also when it was full', () => {
    const { memory, clock } = memoryAt(0, 4)
    memory.use('a', 80)
    clock.nowS = 50
    for (const id of ['b', 'c', 'd']) memory.use(id, 130)
    clock.nowS = 1_000
    expect(memory.use('e', 1_080)).toBe(true)
    expect(memory.size).toBe(1)
  })

  it('throws ReplayMemoryFull when it is full, and accepts proofs again when the oldest have expired', () => {
    const { memory, clock } = memoryAt(0, 3)
    for (const id of ['a', 'b']) memory.use(id, 80)
    clock.nowS = 40
    memory.use('c', 120)
    expect(() => memory.use('d', 120)).toThrow(ReplayMemoryFull)
    expect(() => memory.use('d', 120)).toThrow('The memory of used DPoP proofs is full with 3 proofs')
    expect(memory.size).toBe(3)
    clock.nowS = 121
    expect(memory.use('d', 200)).toBe(true)
  })

  it('answers that a proof was used also when it is full', () => {
    const { memory } = memoryAt(0, 1)
    memory.use('a', 80)
    expect(memory.use('a', 80)).toBe(false)
  })

  it('throws for the first proof if its capacity is 0', () => {
    expect(() => memoryAt(0, 0).memory.use('a', 80)).toThrow(ReplayMemoryFull)
  })

  it('never forgets a proof before it expires, and never has more proofs than its capacity', () => {
    const { memory, clock } = memoryAt(1_000, CAPACITY)
    const live = new Map<string, number>()
    let state = 1
    let full = 0
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return (state >>> 8) % below
    }
    for (let round = 0; round < 5_000; round += 1) {
      clock.nowS += random(100) === 0 ? random(90) : random(3) / 10
      for (const [id, expiresAtS] of live) if (expiresAtS < clock.nowS) live.delete(id)
      const again = [...live].at(random(Math.max(live.size, 1)))
      if (again !== undefined) expect(memory.use(...again)).toBe(false)
      const expiresAtS = Math.floor(clock.nowS) + 10 + random(80)
      try {
        expect(memory.use(`proof-${round}`, expiresAtS)).toBe(true)
        live.set(`proof-${round}`, expiresAtS)
      } catch (error) {
        expect(error).toBeInstanceOf(ReplayMemoryFull)
        full += 1
      }
      expect(memory.size).toBeLessThanOrEqual(CAPACITY)
    }
    expect(full).toBeGreaterThan(0)
    expect(full).toBeLessThan(4_000)
  })

  it('holds 200,000 proofs by default, with the clock of the system', () => {
    const memory = createReplayMemory()
    const expiresAtS = Date.now() / 1_000 + 600
    for (let index = 0; index < 200_000; index += 1) memory.use(`${index}`, expiresAtS)
    expect(memory.size).toBe(200_000)
    expect(() => memory.use('one more', expiresAtS)).toThrow(ReplayMemoryFull)
  })
})
