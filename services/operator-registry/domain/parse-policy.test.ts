import { describe, expect, test } from 'vitest'
import { parsePolicy } from './parse-policy.ts'

const rules = { domain: 'example.com', testDomains: false }

function parse(...audiences: { audience: string; callers: string[]; tokenSigningAlg?: string }[]) {
  const whole = audiences.map(({ audience, callers, tokenSigningAlg = '' }) => ({ audience, callers, tokenSigningAlg }))
  return parsePolicy({ audiences: whole, requireBoundChallenges: true }, rules)
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
      { audience: 'example.com', callers: ['other.com', 'xn--bcher-kva.de'], tokenSigningAlg: '' },
      { audience: 'https://api.example.com/v1', callers: ['*'], tokenSigningAlg: '' },
    ],
    requireBoundChallenges: true,
  })
})

describe('the algorithm of an audience', () => {
  test.each(['', 'EdDSA', 'Ed25519', 'ES256', 'RS256'])('may be "%s", with no caller beside it', (tokenSigningAlg) => {
    expect(parse({ audience: 'example.com', callers: [], tokenSigningAlg }).audiences).toEqual([
      { audience: 'example.com', callers: [], tokenSigningAlg },
    ])
  })

  test.each([
    ['none', 'none'],
    ['symmetric', 'HS256'],
    ['another of the same family', 'ES384'],
    ['of another padding', 'PS256'],
    ['in lower case', 'es256'],
    ['in upper case', 'EDDSA'],
    ['with a blank before it', ' ES256'],
    ['with a line end after it', 'ES256\n'],
    ['with a character that is not seen', 'ES256\u200b'],
    ['one of two', 'ES256,RS256'],
    ['a blank', ' '],
    ['a curve', 'P-256'],
    ['a member of every array', 'length'],
    ['a member of every object', '__proto__'],
  ])('may not be %s', (_, tokenSigningAlg) => {
    expect(() => parse({ audience: 'example.com', callers: [], tokenSigningAlg })).toThrow(
      expect.objectContaining({ reason: 'INVALID_ALGORITHM' }),
    )
  })

  test('is each its own', () => {
    const audiences = many(4).map((audience, at) => ({
      audience,
      callers: [],
      tokenSigningAlg: ['ES256', '', 'RS256', 'EdDSA'][at] ?? '',
    }))
    expect(parse(...audiences).audiences).toEqual(audiences)
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
