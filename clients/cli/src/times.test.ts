import { describe, expect, it } from 'vitest'
import { readTime } from './times.ts'

const NOW = Date.parse('2026-03-10T12:00:00Z')

describe('readTime', () => {
  it.each([
    ['1h', '2026-03-10T11:00:00.000Z'],
    ['1h30m', '2026-03-10T10:30:00.000Z'],
    ['90', '2026-03-10T11:58:30.000Z'],
    ['7d', '2026-03-03T12:00:00.000Z'],
    ['2026-01-14T00:00:00Z', '2026-01-14T00:00:00Z'],
    ['2026-01-14T00:00:00.5+02:00', '2026-01-14T00:00:00.5+02:00'],
  ])('reads %s as %s', (text, time) => {
    expect(readTime('--since', text, NOW)).toBe(time)
  })

  it.each(['yesterday', '2026-01-14', '2026-13-40T00:00:00Z', '1w', '-1h', '', '99999999999999'])(
    'refuses %j and names the accepted forms',
    (text) => {
      expect(() => readTime('--since', text, NOW)).toThrow('--since must be a duration or an RFC 3339 time')
    },
  )

  it('returns undefined for undefined', () => {
    expect(readTime('--since', undefined, NOW)).toBeUndefined()
  })
})
