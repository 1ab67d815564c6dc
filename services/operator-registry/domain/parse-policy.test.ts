import { describe, expect, test } from 'vitest'
import { parsePolicy } from './parse-policy.ts'

const FLAGS = {
  requireBoundChallenges: true,
  requireBodyDigest: false,
  hideAllowedScopes: true,
  delegateTo: ['other.com'],
  maxGrantTtl: 600,
  usersTo: [],
}
const rules = { domain: 'example.com', testDomains: false }

function parse(
  ...audiences: { audience: string; callers: string[]; tokenSigningAlg?: string; dpop?: string; tokenStatus?: string }[]
) {
  const whole = audiences.map((rule) => Object.assign({}, NO_TERMS, rule))
  return parsePolicy({ audiences: whole, ...FLAGS }, rules)
}

const NO_TERMS = { tokenSigningAlg: '', dpop: '', tokenStatus: '' }

function many(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `a${at}.example.com`)
}

test('parsePolicy accepts audiences under the domain and returns callers as a set of A-labels', () => {
  const callers = ['Other.COM', 'other.com.', 'bücher.de']
  expect(
    parse({ audience: 'example.com', callers }, { audience: 'https://api.example.com/v1', callers: ['*'] }),
  ).toEqual({
    audiences: [
      { audience: 'example.com', callers: ['other.com', 'xn--bcher-kva.de'], ...NO_TERMS },
      { audience: 'https://api.example.com/v1', callers: ['*'], ...NO_TERMS },
    ],
    ...FLAGS,
  })
})

describe('parsePolicy', () => {
  test.each(['', 'EdDSA', 'Ed25519', 'ES256', 'RS256'])(
    'accepts the algorithm "%s" without callers',
    (tokenSigningAlg) => {
      expect(parse({ audience: 'example.com', callers: [], tokenSigningAlg }).audiences).toEqual([
        { audience: 'example.com', callers: [], ...NO_TERMS, tokenSigningAlg },
      ])
    },
  )

  test.each([
    ['that is none', 'none'],
    ['that is symmetric', 'HS256'],
    ['of the same family', 'ES384'],
    ['with another padding', 'PS256'],
    ['in lower case', 'es256'],
    ['in upper case', 'EDDSA'],
    ['with a leading blank', ' ES256'],
    ['with a trailing line end', 'ES256\n'],
    ['with an invisible character', 'ES256\u200b'],
    ['that is a list of two', 'ES256,RS256'],
    ['that is a blank', ' '],
    ['that is a curve', 'P-256'],
    ['named like a member of every array', 'length'],
    ['named like a member of every object', '__proto__'],
  ])('refuses an algorithm %s', (_, tokenSigningAlg) => {
    expect(() => parse({ audience: 'example.com', callers: [], tokenSigningAlg })).toThrow(
      expect.objectContaining({ reason: 'INVALID_ALGORITHM' }),
    )
  })

  test.each(['optional', 'Required', 'required ', 'true', 'bearer'])('refuses the DPoP rule "%s"', (dpop) => {
    expect(() => parse({ audience: 'example.com', callers: [], dpop })).toThrow(
      'dpop must be empty or one of required, required-with-nonce',
    )
  })

  test.each(['introspection', 'Status_list', 'status_list ', 'true', 'constructor'])(
    'refuses the rule "%s" for the status of tokens',
    (tokenStatus) => {
      expect(() => parse({ audience: 'example.com', callers: [], tokenStatus })).toThrow(
        'token_status must be empty or status_list',
      )
    },
  )

  test('keeps the terms of each audience', () => {
    const audiences = many(4).map((audience, at) => ({
      audience,
      callers: [],
      tokenSigningAlg: ['ES256', '', 'RS256', 'EdDSA'][at] ?? '',
      dpop: ['required', '', 'required-with-nonce', ''][at] ?? '',
      tokenStatus: ['', 'status_list', 'status_list', ''][at] ?? '',
    }))
    expect(parse(...audiences).audiences).toEqual(audiences)
  })
})

describe('parsePolicy', () => {
  test.each([
    ['a foreign audience', [{ audience: 'other.com', callers: [] }], 'INVALID_AUDIENCE'],
    [
      'an audience that only ends with the same letters',
      [{ audience: 'badexample.com', callers: [] }],
      'INVALID_AUDIENCE',
    ],
    ['the parent domain', [{ audience: 'com', callers: [] }], 'INVALID_AUDIENCE'],
    [
      'the domain as user information',
      [{ audience: 'https://example.com@other.com/', callers: [] }],
      'INVALID_AUDIENCE',
    ],
    ['a text that is not an audience', [{ audience: 'a b', callers: [] }], 'INVALID_AUDIENCE'],
    ['an empty audience', [{ audience: '', callers: [] }], 'INVALID_AUDIENCE'],
    ['NUL', [{ audience: 'https://example.com/\0', callers: [] }], 'INVALID_AUDIENCE'],
    ['an audience twice', [1, 2].map(() => ({ audience: 'example.com', callers: [] })), 'INVALID_AUDIENCE'],
    ['65 audiences', many(65).map((audience) => ({ audience, callers: [] })), 'INVALID_AUDIENCE'],
    ['65 callers', [{ audience: 'example.com', callers: many(65) }], 'INVALID_DOMAIN'],
    ['a caller that is no domain', [{ audience: 'example.com', callers: ['localhost'] }], 'INVALID_DOMAIN'],
    ['* beside a caller', [{ audience: 'example.com', callers: ['*', 'other.com'] }], 'INVALID_DOMAIN'],
    ['* twice', [{ audience: 'example.com', callers: ['*', '*'] }], 'INVALID_DOMAIN'],
  ])('refuses %s', (_, audiences, reason) => {
    expect(() => parse(...audiences)).toThrow(expect.objectContaining({ reason }))
  })

  test('accepts a policy of 64 audiences with 64 callers each', () => {
    expect(parse(...many(64).map((audience) => ({ audience, callers: many(64) }))).audiences).toHaveLength(64)
  })
})
