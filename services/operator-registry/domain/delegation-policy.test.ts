import { expect, test } from 'vitest'
import { type DelegationPolicy, narrowsDelegation, parseDelegationPolicy } from './delegation-policy.ts'

const rules = { domain: 'example.com', testDomains: false }
const parse = (policy: Partial<DelegationPolicy>) =>
  parseDelegationPolicy({ delegateTo: [], maxGrantTtl: 0, ...policy }, rules)
const others = (count: number) => Array.from({ length: count }, (_, at) => `a${at}.other.com`)

test('parseDelegationPolicy returns the domains as a set of A-labels', () => {
  const delegateTo = ['Other.COM', 'other.com.', 'bücher.de', 'example.com']
  expect(parse({ delegateTo })).toEqual({
    delegateTo: ['other.com', 'xn--bcher-kva.de', 'example.com'],
    maxGrantTtl: 0,
  })
})

test.each([
  ['no domain', { delegateTo: [] }],
  ['15 other domains', { delegateTo: others(15) }],
  ['15 other domains and the own one', { delegateTo: ['example.com', ...others(15)] }],
  ['the shortest lifetime', { maxGrantTtl: 60 }],
  ['the longest lifetime', { maxGrantTtl: 3600 }],
])('parseDelegationPolicy accepts %s', (_, policy) => {
  expect(parse(policy)).toMatchObject(policy)
})

test.each([
  ['16 other domains', { delegateTo: others(16) }, 'INVALID_DOMAIN'],
  ['a wildcard', { delegateTo: ['*'] }, 'INVALID_DOMAIN'],
  ['an empty domain', { delegateTo: [''] }, 'INVALID_DOMAIN'],
  ['a name that is no domain', { delegateTo: ['localhost'] }, 'INVALID_DOMAIN'],
  ['10,000 domains', { delegateTo: Array(10_000).fill('other.com') }, 'INVALID_DOMAIN'],
  ['a lifetime of 59 s', { maxGrantTtl: 59 }, 'INVALID_ARGUMENT'],
  ['a lifetime of 3601 s', { maxGrantTtl: 3601 }, 'INVALID_ARGUMENT'],
  ['a negative lifetime', { maxGrantTtl: -1 }, 'INVALID_ARGUMENT'],
])('parseDelegationPolicy refuses %s', (_, policy, reason) => {
  expect(() => parse(policy)).toThrow(expect.objectContaining({ reason }))
})

const OWN = 'example.com'
const whole = (policy: Partial<DelegationPolicy>) => ({ delegateTo: [], maxGrantTtl: 0, ...policy })

test.each<[string, boolean, Partial<DelegationPolicy>, Partial<DelegationPolicy>]>([
  ['nothing changes', false, {}, {}],
  ['a domain is added', false, {}, { delegateTo: ['a.com'] }],
  ['the own domain is named', false, {}, { delegateTo: [OWN] }],
  ['the own domain is no longer named', false, { delegateTo: [OWN, 'a.com'] }, { delegateTo: ['a.com'] }],
  ['domains change their order', false, { delegateTo: ['a.com', 'b.com'] }, { delegateTo: ['b.com', 'a.com'] }],
  ['a domain is removed', true, { delegateTo: ['a.com', 'b.com'] }, { delegateTo: ['b.com'] }],
  ['a domain is replaced', true, { delegateTo: ['a.com'] }, { delegateTo: ['b.com'] }],
  ['all domains are removed', true, { delegateTo: ['a.com'] }, {}],
  ['the lifetime becomes shorter', true, { maxGrantTtl: 600 }, { maxGrantTtl: 599 }],
  ['the lifetime becomes longer', false, { maxGrantTtl: 600 }, { maxGrantTtl: 601 }],
  ['the lifetime is limited for the first time', true, {}, { maxGrantTtl: 3599 }],
  ['the longest lifetime is named', false, {}, { maxGrantTtl: 3600 }],
  ['the limit of the lifetime is lifted', false, { maxGrantTtl: 600 }, {}],
])('narrowsDelegation: when %s it is %s', (_, narrows, before, after) => {
  expect(narrowsDelegation(whole(before), whole(after), OWN)).toBe(narrows)
})
