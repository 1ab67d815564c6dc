import { describe, expect, it } from 'vitest'
import { parseOAuthClaims } from './oauth-claims.ts'

const OPERATOR = 'c0000000-0000-8000-8000-000000000001'
const JKT = 'A'.repeat(43)
const GOOD = {
  iss: 'https://id.example',
  sub: 'agent-1',
  aud: ['https://api.example'],
  scope: 'read write',
  iat: 1_000,
  nbf: 1_000,
  exp: 1_600,
  jti: 'token-1',
  client_id: 'client-1',
}

describe('parseOAuthClaims reads', () => {
  it('all claims, without epochs', () => {
    expect(parseOAuthClaims(GOOD, OPERATOR)).toEqual({ ...GOOD, operator_id: OPERATOR, epoch: [] })
  })

  it('a token without scope, nbf and client_id, and with one audience as text', () => {
    const { iss, sub, iat, exp, jti } = GOOD
    const claims = parseOAuthClaims({ iss, sub, iat, exp, jti, aud: 'https://api.example' }, OPERATOR)
    expect(claims).toMatchObject({ aud: ['https://api.example'], scope: '', nbf: iat, client_id: '' })
  })

  it('the thumbprint of the key of a bound token', () => {
    expect(parseOAuthClaims({ ...GOOD, cnf: { jkt: JKT } }, OPERATOR)).toMatchObject({ cnf: { jkt: JKT } })
  })
})

describe('parseOAuthClaims refuses', () => {
  it.each<[string, Record<string, unknown>]>([
    ['an issuer that is no text', { iss: 1 }],
    ['an empty subject', { sub: '' }],
    ['a subject of 513 characters', { sub: 's'.repeat(513) }],
    ['no audience', { aud: [] }],
    ['nine audiences', { aud: Array.from({ length: 9 }, (_, n) => `a${n}`) }],
    ['an audience that is no text', { aud: ['https://api.example', 1] }],
    ['a list of scopes', { scope: ['read'] }],
    ['a scope with a quotation mark', { scope: 'read "write"' }],
    ['a scope of 16,385 characters', { scope: 's'.repeat(16_385) }],
    ['a client_id that is no text', { client_id: 1 }],
    ['a client_id of 513 characters', { client_id: 'c'.repeat(513) }],
    ['a jti of 65 characters', { jti: 'j'.repeat(65) }],
    ['no jti', { jti: undefined }],
    ['an iat with a fraction', { iat: 1_000.5 }],
    ['an exp that is text', { exp: '1600' }],
    ['an nbf before iat', { nbf: 999 }],
    ['an exp that is not after nbf', { exp: 1_000 }],
    ['a lifetime of more than an hour', { exp: 1_000 + 3_601 }],
    ['another confirmation method', { cnf: { 'x5t#S256': JKT } }],
    ['a second confirmation method', { cnf: { jkt: JKT, 'x5t#S256': JKT } }],
    ['a thumbprint of 31 bytes', { cnf: { jkt: 'A'.repeat(42) } }],
    ['a confirmation that is null', { cnf: null }],
  ])('%s', (_, change) => {
    expect(parseOAuthClaims({ ...GOOD, ...change }, OPERATOR)).toBeUndefined()
  })
})
