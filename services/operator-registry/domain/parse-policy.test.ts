import { describe, expect, test } from 'vitest'
import { parsePolicy } from './parse-policy.ts'

const rules = { domain: 'example.com', testDomains: false }

function parse(...audiences: { audience: string; callers: string[] }[]) {
  return parsePolicy({ audiences, requireBoundChallenges: true }, rules)
}

function many(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `a${at}.example.com`)
}

test('reads audiences under the domain, callers as a set of A-labels', () => {
  const callers = ['Other.COM', 'other.com.', 'bücher.de']
  expect(
    parse({ audience: 'example.com', callers }, { audience: 'https://api.example.com/v1', callers: ['*'] }),
  ).toEqual({
    audiences: [
      { audience: 'example.com', callers: ['other.com', 'xn--bcher-kva.de'] },
      { audience: 'https://api.example.com/v1', callers: ['*'] },
    ],
    requireBoundChallenges: true,
  })
})

describe('refuses', () => {
  test.each([
    ['a foreign audience', [{ audience: 'other.com', callers: [] }], 'INVALID_AUDIENCE'],
    ['a domain that only ends alike', [{ audience: 'badexample.com', callers: [] }], 'INVALID_AUDIENCE'],
    ['the parent domain', [{ audience: 'com', callers: [] }], 'INVALID_AUDIENCE'],
    [
      'the domain as user information',
      [{ audience: 'https://example.com@other.com/', callers: [] }],
      'INVALID_AUDIENCE',
    ],
    ['what is no audience', [{ audience: 'a b', callers: [] }], 'INVALID_AUDIENCE'],
    ['an empty audience', [{ audience: '', callers: [] }], 'INVALID_AUDIENCE'],
    ['NUL', [{ audience: 'https://example.com/\0', callers: [] }], 'INVALID_AUDIENCE'],
    ['an audience twice', [1, 2].map(() => ({ audience: 'example.com', callers: [] })), 'INVALID_AUDIENCE'],
    ['65 audiences', many(65).map((audience) => ({ audience, callers: [] })), 'INVALID_AUDIENCE'],
    ['65 callers', [{ audience: 'example.com', callers: many(65) }], 'INVALID_DOMAIN'],
    ['a caller that is no domain', [{ audience: 'example.com', callers: ['localhost'] }], 'INVALID_DOMAIN'],
    ['* beside a caller', [{ audience: 'example.com', callers: ['*', 'other.com'] }], 'INVALID_DOMAIN'],
    ['* twice', [{ audience: 'example.com', callers: ['*', '*'] }], 'INVALID_DOMAIN'],
  ])('%s', (_, audiences, reason) => {
    expect(() => parse(...audiences)).toThrow(expect.objectContaining({ reason }))
  })

  test('nothing of 64 audiences with 64 callers', () => {
    expect(parse(...many(64).map((audience) => ({ audience, callers: many(64) }))).audiences).toHaveLength(64)
  })
})
