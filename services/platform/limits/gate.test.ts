import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { createGate } from './gate.ts'

describe('createGate', () => {
  it.each([
    ['total limit', { total: 2, perKey: 9 }, ['a', 'b', 'c']],
    ['limit of one key', { total: 9, perKey: 2 }, ['a', 'a', 'a']],
  ])(
    'refuses a task above the %s, and accepts one again after a task has succeeded or failed',
    async (_, rules, keys) => {
      const gate = createGate(rules)
      const works = keys.map(() => Promise.withResolvers<string>())
      const [first, second, third] = keys.map(
        (key, index) => () => gate(key, () => works[index]?.promise ?? Promise.reject()),
      )
      const running = [first?.(), second?.()]
      expect(await refusalOf(Promise.resolve(third?.()))).toBe('OVERLOADED')
      works[0]?.reject(new Error('failed'))
      await expect(running[0]).rejects.toThrow('failed')
      works[2]?.resolve('third')
      expect(await third?.()).toBe('third')
      works[1]?.resolve('second')
      expect(await running[1]).toBe('second')
    },
  )

  it('accepts a task of another key while one key is full', async () => {
    const gate = createGate({ total: 9, perKey: 1 })
    const slow = Promise.withResolvers<void>()
    const running = gate('a', () => slow.promise)
    expect(await gate('b', async () => 'b')).toBe('b')
    slow.resolve()
    await running
  })
})
