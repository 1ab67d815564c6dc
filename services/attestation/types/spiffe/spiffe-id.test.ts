import { describe, expect, it } from 'vitest'
import { parseSpiffeId, parseWorkloadId } from './spiffe-id.ts'

describe('parseSpiffeId', () => {
  it.each([
    ['spiffe://example.org', { trustDomain: 'example.org', path: '' }],
    ['spiffe://example.org/a', { trustDomain: 'example.org', path: '/a' }],
    ['spiffe://a_b-c.9/ns/Default/sa/a.b_c-d', { trustDomain: 'a_b-c.9', path: '/ns/Default/sa/a.b_c-d' }],
    ['spiffe://example.org/...', { trustDomain: 'example.org', path: '/...' }],
    [`spiffe://${'a'.repeat(255)}/x`, { trustDomain: 'a'.repeat(255), path: '/x' }],
    [`spiffe://a/${'b'.repeat(2_037)}`, { trustDomain: 'a', path: `/${'b'.repeat(2_037)}` }],
  ])('parses %s', (text, id) => {
    expect(parseSpiffeId(text)).toEqual(id)
  })

  it.each([
    ['another scheme', 'https://example.org/a'],
    ['a scheme in capitals', 'SPIFFE://example.org/a'],
    ['no trust domain', 'spiffe:///a'],
    ['nothing', ''],
    ['a trust domain in capitals', 'spiffe://Example.org/a'],
    ['a port', 'spiffe://example.org:8080/a'],
    ['a user', 'spiffe://user@example.org/a'],
    ['a slash at the end', 'spiffe://example.org/a/'],
    ['only a slash', 'spiffe://example.org/'],
    ['an empty segment', 'spiffe://example.org/a//b'],
    ['a step up', 'spiffe://example.org/a/../b'],
    ['a step to the same place', 'spiffe://example.org/./b'],
    ['a step at the end', 'spiffe://example.org/b/..'],
    ['a query', 'spiffe://example.org/a?b'],
    ['a fragment', 'spiffe://example.org/a#b'],
    ['an escape', 'spiffe://example.org/a%2fb'],
    ['a space', 'spiffe://example.org/a b'],
    ['a line break at the end', 'spiffe://example.org/a\n'],
    ['a letter that is not ASCII', 'spiffe://example.org/ä'],
    ['a trust domain of 256 characters', `spiffe://${'a'.repeat(256)}/x`],
    ['2,049 characters', `spiffe://a/${'b'.repeat(2_038)}`],
  ])('refuses %s', (_name, text) => {
    expect(parseSpiffeId(text)).toBeUndefined()
  })
})

describe('parseWorkloadId refuses', () => {
  it.each([
    ['the id of the trust domain', 'spiffe://example.org'],
    ['another trust domain', 'spiffe://example.com/a'],
    ['a trust domain below', 'spiffe://a.example.org/a'],
  ])('%s', (_name, text) => {
    expect(parseWorkloadId(text, 'example.org')).toBeUndefined()
  })
})
