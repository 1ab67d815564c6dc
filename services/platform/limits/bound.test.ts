import { describe, expect, it } from 'vitest'
import { createBound } from './bound.ts'

describe('createBound', () => {
  it('limits the places in total and for each key', () => {
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
