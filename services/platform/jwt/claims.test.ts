import { describe, expect, it } from 'vitest'
import { WRONG_TIMES } from '../../../test/support/wrong-times.ts'
import { checkTimes, readAudiences, requireText } from './claims.ts'
import { RefusedEvidence } from './refused-evidence.ts'

const NOW_S = 1_800_000_000
const CLOCK = { now: NOW_S * 1_000, skewMs: 60_000 }
const RULES = { name: 'token', needs: ['exp' as const], maxAgeMs: 300_000 }
const RIGHT = { iat: NOW_S, nbf: NOW_S, exp: NOW_S + 600 }

describe('checkTimes', () => {
  it('returns milliseconds', () => {
    expect(checkTimes(RIGHT, RULES, CLOCK)).toEqual({ issuedAt: NOW_S * 1_000, expiresAt: (NOW_S + 600) * 1_000 })
  })

  it('demands no time that the type does not need', () => {
    expect(checkTimes({}, { name: 'token', needs: [] }, CLOCK)).toEqual({ issuedAt: undefined, expiresAt: undefined })
  })

  it.each([
    ['the last millisecond of the skew after exp', { ...RIGHT, iat: NOW_S - 200, exp: NOW_S - 59 }],
    ['the skew before nbf', { ...RIGHT, nbf: NOW_S + 60 }],
    ['the skew before iat', { ...RIGHT, iat: NOW_S + 60 }],
    ['the longest age and the skew', { ...RIGHT, iat: NOW_S - 360 }],
  ])('accepts %s', (_name, claims) => {
    expect(checkTimes(claims, RULES, CLOCK).expiresAt).toBe(claims.exp * 1_000)
  })

  it.each([
    ['no exp', { iat: NOW_S }, 'The exp of the token must be a whole number of Unix seconds'],
    ['no iat although an age is demanded', { exp: NOW_S + 9 }, 'The iat of the token must be a whole number of Unix'],
    ...WRONG_TIMES.flatMap(([name, value]): [string, Record<string, unknown>, string][] =>
      ['exp', 'iat', 'nbf'].map((claim) => [
        `${claim} that is ${name}`,
        { ...RIGHT, [claim]: value },
        `The ${claim} of the token must be a whole number of Unix seconds`,
      ]),
    ),
    ['an end in the past', { ...RIGHT, iat: NOW_S - 200, exp: NOW_S - 60 }, 'The token must not have expired'],
    ['a begin in the future', { ...RIGHT, nbf: NOW_S + 61 }, 'The token must be valid already'],
    ['an iat in the future', { ...RIGHT, iat: NOW_S + 61 }, 'The iat of the token must not be in the future'],
    ['an exp before its iat', { ...RIGHT, exp: NOW_S - 1 }, 'The exp of the token must be after its iat'],
    ['too old a token', { ...RIGHT, iat: NOW_S - 361 }, 'The token must be at most 300 seconds old'],
  ])('refuses %s', (_name, claims, why) => {
    expect(() => checkTimes(claims, RULES, CLOCK)).toThrow(RefusedEvidence)
    expect(() => checkTimes(claims, RULES, CLOCK)).toThrow(why)
  })
})

describe('readAudiences', () => {
  it('reads a text and a list', () => {
    expect(readAudiences({ aud: 'a' }, 'token')).toEqual(['a'])
    expect(readAudiences({ aud: ['a', 'b'] }, 'token')).toEqual(['a', 'b'])
  })

  it.each([
    ['nothing', {}],
    ['an empty text', { aud: '' }],
    ['an empty list', { aud: [] }],
    ['a list with a number', { aud: ['a', 1] }],
    ['an object', { aud: { a: 'a' } }],
    ['33 audiences', { aud: Array.from({ length: 33 }, (_, at) => `a${at}`) }],
    ['a long text', { aud: 'a'.repeat(1_025) }],
  ])('refuses %s', (_name, claims) => {
    expect(() => readAudiences(claims, 'token')).toThrow(
      'The aud of the token must be a text, or a list of 1 to 32 texts',
    )
  })
})

describe('requireText', () => {
  it.each([
    ['nothing', {}],
    ['an empty text', { jti: '' }],
    ['a number', { jti: 1 }],
    ['a long text', { jti: 'a'.repeat(129) }],
  ])('refuses %s', (_name, claims) => {
    expect(() => requireText(claims, 'jti', 'token', 128)).toThrow('The jti of the token must be a text of 1 to 128')
  })
})
