import { describe, expect, it } from 'vitest'
import { parseDuration, parseLongDuration } from './duration.ts'

describe('parseDuration', () => {
  it.each([
    ['90s', 90],
    ['15m', 900],
    ['1h', 3600],
    ['1h30m', 5400],
    ['15m0s', 900],
    ['1h0m0s', 3600],
    ['0s', 0],
    ['900', 900],
    ['0', 0],
    ['00900', 900],
    ['1.5m', 90],
    ['0.1s0.2s0.7s', 1],
    ['1.10m', 66],
    ['2.05m', 123],
    ['1000ms', 1],
    ['500ms500ms', 1],
    ['1000000us', 1],
    ['1000000µs', 1],
    ['1000000μs', 1],
    ['999999999ns1ns', 1],
    ['60s1h', 3660],
    ['999999999h', 3_599_999_996_400],
  ])('reads %s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds)
  })

  it('reads every hundredth of a minute that is a whole number of seconds exactly', () => {
    const hundredths = Array.from({ length: 4000 }, (_, index) => index * 5)
    const wrong = hundredths.filter((n) => parseDuration(`${(n / 100).toFixed(2)}m`) !== (n * 60) / 100)
    expect(wrong).toEqual([])
  })

  it.each([
    '',
    ' ',
    ' 90s',
    '90s ',
    '90 s',
    '90s\n',
    '90\n',
    '-90s',
    '+90s',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    's',
    '1d',
    '1S',
    '1h30',
    '1.s',
    '.5m',
    '1..5m',
    '1.1s',
    '1ms',
    '0.999999999s',
    '1_000s',
    '９０s',
    '1s\0',
    'NaN',
    'Infinity',
    '9999999999',
    '9999999999s',
    '1s'.repeat(33),
    'constructor',
    '1constructor',
  ])('refuses "%s"', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })
})

it.each([
  ['30d', 2_592_000],
  ['0d', 0],
  ['90s', 90],
  ['1h30m', 5400],
  ['900', 900],
  ['1.5d', undefined],
  ['d', undefined],
  ['-1d', undefined],
  ['10000d', undefined],
  ['1d12h', undefined],
])('parseLongDuration(%j) returns %j', (text, seconds) => {
  expect(parseLongDuration(text)).toBe(seconds)
})
