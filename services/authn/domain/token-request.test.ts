import type { ChallengeContent } from '@auth4agent/core/identity/challenge'
import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { bindingOf, isFullyBound, issuerAudience, parseRequestedTerms, resolveTerms } from './token-request.ts'

const BOUNDS = { min: 30, max: 3600 }
const ISSUER = 'https://auth.example:8443/a4a'
const DEFAULTS = { audience: issuerAudience(ISSUER), ttl: 900 }

interface Asked {
  readonly scope?: string
  readonly audience?: string[]
  readonly ttl?: string
}

const parse = ({ audience = [], ...rest }: Asked) => parseRequestedTerms({ ...rest, audience }, BOUNDS)
const resolve = (bound: Asked, asked: Asked) => resolveTerms(bindingOf(parse(bound)), parse(asked), DEFAULTS)

describe('parseRequestedTerms', () => {
  it.each<[string, Asked, object]>([
    ['a request without terms', {}, { scope: undefined, audience: undefined, ttl: undefined }],
    ['an empty scope', { scope: '' }, { scope: [] }],
    ['scopes as a sorted set', { scope: 'b a b' }, { scope: ['a', 'b'] }],
    [
      'an audience twice',
      { audience: ['a.example', 'a.example'] },
      { audience: [{ text: 'a.example', host: 'a.example' }] },
    ],
    ['an empty ttl', { ttl: '' }, { ttl: undefined }],
    ['the shortest ttl', { ttl: '30' }, { ttl: 30 }],
    ['the longest ttl', { ttl: '1h' }, { ttl: 3600 }],
    ['a compound ttl', { ttl: '1m30s' }, { ttl: 90 }],
  ])('parses %s', (_, asked, requested) => {
    expect(parse(asked)).toMatchObject(requested)
  })

  it.each<[string, Asked, string]>([
    ['a wildcard scope', { scope: 'orders:*' }, 'INVALID_SCOPE'],
    ['two spaces', { scope: 'a  b' }, 'INVALID_SCOPE'],
    ['an empty audience', { audience: [''] }, 'INVALID_AUDIENCE'],
    ['an audience with a fragment', { audience: ['https://a.example/#x'] }, 'INVALID_AUDIENCE'],
    ['an audience with a quote, which JSON would double', { audience: ['https://a.example/"'] }, 'INVALID_AUDIENCE'],
    ['nine audiences', { audience: Array.from({ length: 9 }, (_, n) => `a${n}.example`) }, 'INVALID_AUDIENCE'],
    ['a ttl below the bounds', { ttl: '29s' }, 'INVALID_TTL'],
    ['a ttl above the bounds', { ttl: '3601' }, 'INVALID_TTL'],
    ['a ttl of zero', { ttl: '0' }, 'INVALID_TTL'],
    ['a negative ttl', { ttl: '-60' }, 'INVALID_TTL'],
    ['a fractional ttl', { ttl: '60.5s' }, 'INVALID_TTL'],
    ['words as ttl', { ttl: 'soon' }, 'INVALID_TTL'],
  ])('refuses %s', (_, asked, reason) => {
    expect(reasonOf(() => parse(asked))).toBe(reason)
  })
})

describe('resolveTerms', () => {
  it('returns no scope, the issuer and the default lifetime when neither challenge nor request has terms', () => {
    expect(resolve({}, {})).toEqual({
      scope: [],
      audience: [{ text: ISSUER, host: 'auth.example' }],
      ttl: DEFAULTS.ttl,
    })
  })

  const bound = { scope: 'read write', audience: ['https://b.example/x', 'a.example'], ttl: '60' }
  const terms = { scope: ['read', 'write'], ttl: 60 }

  it.each<[string, Asked]>([
    ['omits everything', {}],
    ['repeats everything', bound],
    ['repeats everything in another order', { ...bound, scope: 'write read', audience: bound.audience.toReversed() }],
    ['repeats the ttl in another unit', { ttl: '1m' }],
    ['repeats a part', { scope: bound.scope }],
  ])('returns the terms that the challenge is bound to when the request %s', (_, asked) => {
    const resolved = resolve(bound, asked)
    expect(resolved).toMatchObject(terms)
    expect(resolved.audience.map(({ text }) => text).toSorted()).toEqual(bound.audience.toSorted())
    expect(resolved.audience.map(({ host }) => host).toSorted()).toEqual(['a.example', 'b.example'])
  })

  it.each<[string, Asked, Asked]>([
    ['more scope', bound, { scope: 'admin read write' }],
    ['less scope', bound, { scope: 'read' }],
    ['an empty scope', bound, { scope: '' }],
    ['a scope when the bound scope is empty', { scope: '' }, { scope: 'read' }],
    ['another audience', bound, { audience: ['c.example'] }],
    ['one audience of two', bound, { audience: ['a.example'] }],
    ['one more audience', bound, { audience: [...bound.audience, 'c.example'] }],
    ['the same audience in another spelling', bound, { audience: ['https://b.example/x/', 'a.example'] }],
    ['a shorter ttl', bound, { ttl: '30' }],
    ['a longer ttl', bound, { ttl: '61' }],
  ])('refuses %s when the challenge is bound to other terms', (_, sealed, asked) => {
    expect(reasonOf(() => resolve(sealed, asked))).toBe('BINDING_MISMATCH')
  })

  it('uses terms of the request to which the challenge is not bound', () => {
    expect(resolve({ scope: 'read' }, { audience: ['a.example'], ttl: '45' })).toEqual({
      scope: ['read'],
      audience: [{ text: 'a.example', host: 'a.example' }],
      ttl: 45,
    })
  })
})

it('bindingOf returns the same members for terms in any order', () => {
  const one = bindingOf(parse({ scope: 'a b', audience: ['x.example', 'y.example'], ttl: '60' }))
  expect(bindingOf(parse({ scope: 'b a', audience: ['y.example', 'x.example'], ttl: '1m' }))).toEqual(one)
  expect(one).toEqual({ scope: 'a b', aud: ['x.example', 'y.example'], ttl: 60 })
})

it('isFullyBound needs scope, audience and ttl, and accepts an empty scope', () => {
  const content: ChallengeContent = { v: 1, iss: 'i', did: 'd', exp: 1, kid: 'k', scope: '', aud: ['a'], ttl: 60 }
  expect(isFullyBound(content)).toBe(true)
  for (const name of ['scope', 'aud', 'ttl'] as const) {
    const { [name]: _, ...rest } = content
    expect(isFullyBound(rest), name).toBe(false)
  }
})
