import { describe, expect, it } from 'vitest'
import { exposeClaims } from './expose-claims.ts'

const PAYLOAD = {
  sub: 'workload',
  empty: '',
  number: 7,
  yes: false,
  list: ['a', 'b'],
  none: null,
  'a/b': { 'c~d': 'deep' },
  'kubernetes.io': { pod: { name: 'pod-1' } },
}

describe('exposeClaims', () => {
  it.each([
    ['a text', '/sub', 'workload'],
    ['an empty text', '/empty', ''],
    ['a number', '/number', 7],
    ['a boolean', '/yes', false],
    ['a list of texts', '/list', ['a', 'b']],
    ['a name with a dot', '/kubernetes.io/pod/name', 'pod-1'],
    ['names with escapes', '/a~1b/c~0d', 'deep'],
  ])('exposes %s with its type', (_, pointer, value) => {
    expect(exposeClaims({ claim: pointer }, PAYLOAD)).toEqual({ claim: value })
  })

  it.each([
    ['is missing', '/other'],
    ['is null', '/none'],
    ['is missing in an object', '/kubernetes.io/node/name'],
    ['would be in a text', '/sub/length'],
    ['would be in a list', '/list/0'],
    ['is a member of every object', '/constructor'],
    ['is a member of every object, deeper', '/kubernetes.io/constructor/name'],
    ['has an escape that is decoded once', '/a~01b'],
  ])('leaves out a claim that %s', (_, pointer) => {
    expect(exposeClaims({ claim: pointer }, PAYLOAD)).toEqual({})
  })

  it.each([
    ['an object', { a: 1 }],
    ['a list of objects', [{ a: 1 }]],
    ['a list with a number', ['a', 1]],
    ['a list of 65 texts', Array.from({ length: 65 }, () => 'a')],
    ['a text of 1,025 characters', 'a'.repeat(1025)],
    ['a text with NUL', 'a\0'],
    ['a list with such a text', ['a'.repeat(1025)]],
    ['a number that is not whole', 1.5],
    ['a number that is not exact', 2 ** 53],
  ])('refuses %s, because a rule might believe that the claim is missing', (_, value) => {
    expect(() => exposeClaims({ a: '/a' }, { a: value })).toThrow(/^The claim \/a of the token must be a text/)
  })

  it('exposes the longest values', () => {
    const longest = { a: 'a'.repeat(1024), b: Array.from({ length: 64 }, () => 'b'), c: 2 ** 53 - 1 }
    expect(exposeClaims({ a: '/a', b: '/b', c: '/c' }, longest)).toEqual(longest)
  })
})
