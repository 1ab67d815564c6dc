import { describe, expect, it } from 'vitest'
import { entriesOf, parseUserAccess, parseUsersTo, type UserAccess, type UserScope } from './user-access.ts'

const RULES = { domain: 'example.com', testDomains: false }
const READ: UserScope = { name: 'orders:read', words: 'Read your orders', groups: [], isDefault: true }
const ACCESS: UserAccess = { domains: ['example.com'], scopes: [READ], clients: 'any', maxDays: 7, device: false }
const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `a${at}.com`)
const manyScopes = (count: number) => Array.from({ length: count }, (_, at) => ({ ...READ, name: `s${at}` }))
const manyGroups = (count: number) => Array.from({ length: count }, (_, at) => `g${at}`)
const parse = (change: Partial<UserAccess>) => parseUserAccess({ ...ACCESS, ...change }, RULES)
const scope = (change: Partial<UserScope>) => ({ scopes: [{ ...READ, ...change }] })

describe('parseUserAccess', () => {
  it.each<[string, Partial<UserAccess>, Partial<UserAccess>]>([
    ['all members', {}, {}],
    ['every operator', { domains: ['*'] }, {}],
    ['nobody', { domains: [], scopes: [] }, {}],
    ['domains as a set of A-labels', { domains: ['Bücher.de', 'bücher.de.'] }, { domains: ['xn--bcher-kva.de'] }],
    ['the default of clients', { clients: '' }, { clients: 'listed' }],
    ['the default of days', { maxDays: 0, device: false }, { maxDays: 30 }],
    ['the shortest and the longest time', { maxDays: 1 }, {}],
    ['90 days', { maxDays: 90 }, {}],
    ['groups as a set', scope({ groups: ['b', 'a', 'b'] }), scope({ groups: ['b', 'a'] })],
    ['scopes in their order', { scopes: [{ ...READ, name: 'z' }, READ] }, {}],
    ['words of 120 characters', scope({ words: '😀'.repeat(120) }), {}],
    ['64 domains, 32 scopes', { domains: many(64), scopes: manyScopes(32) }, {}],
    ['32 groups', scope({ groups: manyGroups(32) }), {}],
  ])('accepts %s', (_name, given, expected) => {
    expect(parse(given)).toEqual({ ...ACCESS, ...given, ...expected })
  })

  it.each<[string, Partial<UserAccess>, string, RegExp]>([
    ['65 domains', { domains: many(65) }, 'INVALID_DOMAIN', /^users.domains must have at most 64 domains$/],
    ['* beside a domain', { domains: ['*', 'a.com'] }, 'INVALID_DOMAIN', /^users.domains must not contain \*/],
    ['a domain that is none', { domains: ['localhost'] }, 'INVALID_DOMAIN', /./],
    ['33 scopes', { scopes: manyScopes(33) }, 'INVALID_SCOPE', /^users must have at most 32 scopes$/],
    [
      'a scope twice',
      { scopes: [READ, { ...READ, words: 'x' }] },
      'INVALID_SCOPE',
      /^users must not name a scope twice$/,
    ],
    ['a scope without a name', scope({ name: '' }), 'INVALID_SCOPE', /scope-token/],
    ['a name of two scopes', scope({ name: 'a b' }), 'INVALID_SCOPE', /scope-token/],
    ['a wildcard', scope({ name: 'orders:*' }), 'INVALID_SCOPE', /scope-token/],
    ['no words', scope({ words: '' }), 'INVALID_ARGUMENT', /^The words of the scope orders:read must be/],
    ['words of 121 characters', scope({ words: 'x'.repeat(121) }), 'INVALID_ARGUMENT', /1 to 120 visible/],
    ['words with a line end', scope({ words: 'Read\nall' }), 'INVALID_ARGUMENT', /visible/],
    ['words that change direction', scope({ words: 'Read \u202eall' }), 'INVALID_ARGUMENT', /visible/],
    ['33 groups', scope({ groups: manyGroups(33) }), 'INVALID_ARGUMENT', /must have at most 32 groups$/],
    ['an empty group', scope({ groups: [''] }), 'INVALID_ARGUMENT', /^Each group of the scope orders:read/],
    ['a group that is too long', scope({ groups: ['g'.repeat(121)] }), 'INVALID_ARGUMENT', /^Each group/],
    ['an unknown rule for clients', { clients: 'Any' }, 'INVALID_ARGUMENT', /must be empty or one of listed, any$/],
    ['a negative time', { maxDays: -1 }, 'INVALID_ARGUMENT', /max_days must be between 1 and 90, or 0 for 30$/],
    ['91 days', { maxDays: 91 }, 'INVALID_ARGUMENT', /max_days/],
  ])('refuses %s', (_name, given, reason, message) => {
    expect(() => parse(given)).toThrow(expect.objectContaining({ reason, message: expect.stringMatching(message) }))
  })
})

describe('parseUsersTo', () => {
  it('returns a set of A-labels without the own domain', () => {
    expect(parseUsersTo(['B.com', 'example.com', 'b.com.'], RULES)).toEqual(['b.com'])
  })

  it.each([
    ['*', ['*']],
    ['65 domains', many(65)],
    ['an empty entry', ['']],
  ])('refuses %s', (_name, domains) => {
    expect(() => parseUsersTo(domains, RULES)).toThrow(expect.objectContaining({ reason: 'INVALID_DOMAIN' }))
  })
})

describe('entriesOf', () => {
  it('counts domains, scopes and groups', () => {
    expect(entriesOf({ ...ACCESS, scopes: [READ, { ...READ, groups: ['a', 'b'] }] })).toBe(5)
    expect(entriesOf(undefined)).toBe(0)
  })
})
