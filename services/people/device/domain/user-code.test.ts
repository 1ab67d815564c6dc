import { describe, expect, it } from 'vitest'
import { newUserCode, readUserCode, showUserCode } from './user-code.ts'

describe('a user code', () => {
  it('has eight letters, is shown in two halves, and is read as it is shown', () => {
    const codes = Array.from({ length: 1_000 }, newUserCode)
    expect(new Set(codes).size).toBe(1_000)
    for (const code of codes) {
      expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/)
      expect(showUserCode(code)).toMatch(/^[A-Z]{4}-[A-Z]{4}$/)
      expect(readUserCode(showUserCode(code))).toBe(code)
    }
  })

  it.each([
    ['in small letters', 'bcdf-ghjk'],
    ['without the hyphen', 'BCDFGHJK'],
    ['with spaces', ' BCDF GHJK '],
  ])('is read %s', (_name, typed) => {
    expect(readUserCode(typed)).toBe('BCDFGHJK')
  })

  it.each([
    ['empty', ''],
    ['too short', 'BCDF-GHJ'],
    ['too long', 'BCDF-GHJKL'],
    ['with a vowel', 'ACDF-GHJK'],
  ])('is not read if it is %s', (_name, typed) => {
    expect(readUserCode(typed)).toBeUndefined()
  })
})
