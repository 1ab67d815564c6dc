import { describe, expect, it } from 'vitest'
import { isScopeString, parseScopeList, parseScopeString } from './scope.ts'

const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}`)

describe('parseScopeList', () => {
  it.each([
    ['nothing', [], []],
    ['one token', ['read'], ['read']],
    ['tokens out of order and twice', ['write', 'read', 'write'], ['read', 'write']],
    ['tokens that differ in case', ['read', 'Read'], ['Read', 'read']],
    ['the first and last characters of each range', ['!#[]~'], ['!#[]~']],
    ['the neighbours of the asterisk', ['a)+b'], ['a)+b']],
    ['URIs', ['https://a.example/scope:read'], ['https://a.example/scope:read']],
    ['names of prototype members', ['__proto__', 'constructor'], ['__proto__', 'constructor']],
    ['a token of 128 characters', ['a'.repeat(128)], ['a'.repeat(128)]],
  ])('reads %s', (_name, tokens, expected) => {
    expect(parseScopeList(tokens)).toEqual(expected)
  })

  it('reads 64 different tokens with repetitions and refuses 65', () => {
    expect(parseScopeList([...many(64), ...many(64)])).toHaveLength(64)
    expect(parseScopeList(many(65))).toBeUndefined()
  })

  it.each([
    ['an empty token', ''],
    ['a token of 129 characters', 'a'.repeat(129)],
    ['a space', 'read write'],
    ['a quote', 'a"b'],
    ['a backslash', 'a\\b'],
    ['the wildcard', '*'],
    ['a wildcard at the end', 'read:*'],
    ['a wildcard inside', 'a*b'],
    ['a NUL', 'a\0'],
    ['a line feed at the end', 'read\n'],
    ['DEL', 'a\x7f'],
    ['a letter beyond ASCII', 'lésen'],
  ])('refuses %s', (_name, token) => {
    expect(parseScopeList(['read', token])).toBeUndefined()
  })
})

describe('parseScopeString', () => {
  it.each([
    ['the empty text', '', []],
    ['one token', 'read', ['read']],
    ['several tokens, in any order and repeated', 'write read write', ['read', 'write']],
  ])('reads %s', (_name, text, expected) => {
    expect(parseScopeString(text)).toEqual(expected)
    expect(isScopeString(text)).toBe(true)
  })

  it.each([
    ['only a space', ' '],
    ['a space in front', ' read'],
    ['a space at the end', 'read '],
    ['two spaces', 'read  write'],
    ['a tab', 'read\twrite'],
    ['a line feed', 'read\n'],
    ['a wildcard', 'read *'],
    ['65 tokens', many(65).join(' ')],
    ['a token of 129 characters', `read ${'a'.repeat(129)}`],
    ['a quote', 'read a"b'],
  ])('refuses %s', (_name, text) => {
    expect(parseScopeString(text)).toBeUndefined()
    expect(isScopeString(text)).toBe(false)
  })
})
