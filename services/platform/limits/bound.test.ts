import { describe, expect, it } from 'vitest'
import { createBound } from './bound.ts'

describe('a bound', () => {
  it('counts in all and by key', () => {
    const bound = createBound(3, 2)
    const release = bound('a')
    expect([bound('a'), bound('a'), bound('b'), bound('c')].map((place) => place !== undefined)).toStrictEqual([
      true,
      false,
      true,
      false,
    ])
    release?.()
    expect(bound('c')).toBeDefined()
  })
})
