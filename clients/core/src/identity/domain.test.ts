import { describe, expect, it } from 'vitest'
import { isDomain } from './domain.ts'

describe('isDomain', () => {
  it.each(['acme.example', 'a.b.acme.example', 'xn--bcher-kva.example'])('accepts %s', (text) => {
    expect(isDomain(text)).toBe(true)
  })
  it.each([
    ['one label', 'localhost'],
    ['upper case', 'Acme.example'],
    ['a U-label', 'bücher.example'],
    ['a dot at the end', 'acme.example.'],
    ['a wildcard', '*.acme.example'],
    ['an IPv4 address', '192.0.2.1'],
    ['a port', 'acme.example:443'],
    ['an underscore', '_a.acme.example'],
    ['254 characters', `${'a.'.repeat(123)}examples`],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(isDomain(text)).toBe(false)
  })
})
