import { describe, expect, it } from 'vitest'
import { isUnixSeconds } from './numeric-date.ts'

describe('isUnixSeconds', () => {
  it.each([
    ['the first second', 1],
    ['a time of today', 1_790_000_000],
    ['the last second of the year 9999', 253_402_300_799],
  ])('accepts %s', (_name, value) => expect(isUnixSeconds(value)).toBe(true))

  it.each<[string, unknown]>([
    ['0', 0],
    ['-0', -0],
    ['a negative number', -1],
    ['a fraction', 1_790_000_000.5],
    ['the smallest fraction of a number', 1_790_000_000.0000002],
    ['milliseconds', 1_790_000_000_000],
    ['the first second of the year 10000', 253_402_300_800],
    ['a number that is not exact', 2 ** 53],
    ['infinity', Number.POSITIVE_INFINITY],
    ['no number', Number.NaN],
    ['a text', '1790000000'],
    ['a text with an exponent', '1e9'],
    ['a bigint', 1_790_000_000n],
    ['a date', new Date(1_790_000_000_000)],
    ['a list', [1_790_000_000]],
    ['true', true],
    ['null', null],
    ['nothing', undefined],
  ])('refuses %s', (_name, value) => expect(isUnixSeconds(value)).toBe(false))
})
