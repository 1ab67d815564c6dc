import { describe, expect, it } from 'vitest'
import { refuseUnknownNames, unknownName } from './unknown-name.ts'

describe('unknownName', () => {
  it.each([
    ['scopes', ['did', 'allowed_scopes'], 'Unknown field "scopes": the nearest known one is "allowed_scopes"'],
    ['limit', ['page_size', 'status'], 'Unknown field "limit": the known ones are "page_size", "status"'],
    ['limit', [], 'Unknown field "limit": this call accepts none'],
    ['\u001b[2J', ['did'], 'Unknown field: the known ones are "did"'],
    ['x'.repeat(41), ['did'], 'Unknown field: the known ones are "did"'],
    ['-----BEGIN PRIVATE KEY-----', ['did'], 'Unknown field: the known ones are "did"'],
  ])('reports %.20j among the known names %j', (name, known, text) => {
    expect(unknownName('field', name, name, known)).toBe(text)
  })
})

describe('refuseUnknownNames', () => {
  const names = { issuer: true, operators: true } as const

  it('accepts the known names with any value', () => {
    expect(() => refuseUnknownNames('option', { issuer: undefined, operators: null }, names)).not.toThrow()
  })

  it.each(['operator', 'toString', '__proto__x'])('throws for %s, even if its value is undefined', (name) => {
    expect(() => refuseUnknownNames('option', { [name]: undefined }, names)).toThrow(TypeError)
  })

  it('throws for an inherited name', () => {
    expect(() => refuseUnknownNames('option', Object.create({ operator: 'a' }), names)).toThrow('"operators"')
  })
})
