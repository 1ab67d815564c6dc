import { describe, expect, it } from 'vitest'
import { allowsLess, type Extent } from './allows-less.ts'

const A = 'https://a.test'
const B = 'https://b.test'
const BEFORE: Extent = {
  depth: 1,
  grants: [
    { audience: A, scopes: { read: ['read', 'list'], all: ['write'] } },
    { audience: B, scopes: { read: ['read'] } },
  ],
  aud: [A, B],
  expiresAt: new Date(1_000),
}
const [first, second] = BEFORE.grants

describe('allowsLess', () => {
  it.each<readonly [string, Partial<Extent>]>([
    ['the same', {}],
    ['a later expiry', { expiresAt: new Date(1_001) }],
    ['a greater depth', { depth: 2 }],
    ['one more deployment', { aud: ['https://c.test', B, A] }],
    ['one more grant', { grants: [...BEFORE.grants, { audience: 'c.test', scopes: { read: ['read'] } }] }],
    ['the grants in another order', { grants: BEFORE.grants.toReversed() }],
    [
      'one more scope',
      { grants: [{ audience: A, scopes: { ...first?.scopes, x: ['x'] } }, ...(second ? [second] : [])] },
    ],
    ['a grant for every audience', { grants: [{ audience: '', scopes: { read: ['list', 'read'], all: ['write'] } }] }],
  ])('is false for %s', (_, change) => {
    expect(allowsLess({ ...BEFORE, ...change }, BEFORE)).toBe(false)
  })

  it.each<readonly [string, Partial<Extent>]>([
    ['an earlier expiry', { expiresAt: new Date(999) }],
    ['a smaller depth', { depth: 0 }],
    ['one deployment less', { aud: [A] }],
    ['one grant less', { grants: BEFORE.grants.slice(0, 1) }],
    [
      'another audience',
      { grants: [{ audience: 'c.test', scopes: first?.scopes ?? {} }, ...(second ? [second] : [])] },
    ],
    ['one scope less', { grants: [{ audience: A, scopes: { read: ['read', 'list'] } }, ...(second ? [second] : [])] }],
    [
      'one value of a scope less',
      { grants: [{ audience: A, scopes: { read: ['read'], all: ['write'] } }, ...(second ? [second] : [])] },
    ],
    ['a smaller grant for every audience', { grants: [{ audience: '', scopes: { read: ['read'], all: ['write'] } }] }],
  ])('is true for %s', (_, change) => {
    expect(allowsLess({ ...BEFORE, ...change }, BEFORE)).toBe(true)
  })

  it('does not take the name of an inherited member for a scope', () => {
    const before = { ...BEFORE, grants: [{ audience: A, scopes: { toString: ['read'] } }] }
    expect(allowsLess({ ...before, grants: [{ audience: A, scopes: { read: ['read'] } }] }, before)).toBe(true)
  })
})
