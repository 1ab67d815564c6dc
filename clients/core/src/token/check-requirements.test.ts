import { expect, it } from 'vitest'
import { checkRequirements, type Requirements } from './check-requirements.ts'

const OPERATOR = '01890000-0000-8000-8000-000000000000'
const DID = `did:agent:acme.example:${'0'.repeat(32)}`
const CLAIMS = {
  iss: 'https://auth.example',
  sub: DID,
  client_id: DID,
  aud: ['https://a.example', 'b.example'],
  scope: 'read write',
  operator_id: OPERATOR,
  iat: 1,
  nbf: 1,
  exp: 2,
  jti: 'j',
  epoch: [1, 1],
} as const
const check = (wanted: Partial<Requirements>, claims: Parameters<typeof checkRequirements>[0] = CLAIMS) =>
  checkRequirements(claims, { audience: [], scope: [], operators: [], ...wanted }, 2)

it.each<[string, Partial<Requirements>]>([
  ['nothing', {}],
  ['one of its audiences', { audience: ['c.example', 'b.example'] }],
  ['its scopes', { scope: ['write', 'read'] }],
  ['its operator by id', { operators: ['other', OPERATOR] }],
  ['its operator by domain', { operators: ['acme.example'] }],
])('checkRequirements accepts a token if the verifier demands %s', (_, wanted) => {
  expect(check(wanted)).toBeUndefined()
})

it.each<[string, Partial<Requirements>, string]>([
  ['another audience', { audience: ['c.example'] }, 'AUDIENCE_MISMATCH'],
  ['an audience with the same beginning', { audience: ['https://a.example/'] }, 'AUDIENCE_MISMATCH'],
  ['an empty audience', { audience: [''] }, 'AUDIENCE_MISMATCH'],
  ['a scope it lacks', { scope: ['read', 'admin'] }, 'SCOPE_MISSING'],
  ['a scope in other case', { scope: ['READ'] }, 'SCOPE_MISSING'],
  ['another operator', { operators: ['other.example'] }, 'OPERATOR_NOT_TRUSTED'],
  ['a domain above its operator', { operators: ['example'] }, 'OPERATOR_NOT_TRUSTED'],
  [
    'another audience, operator and scope, and reports the audience first',
    { audience: ['c'], operators: ['o'], scope: ['s'] },
    'AUDIENCE_MISMATCH',
  ],
])('checkRequirements refuses a token if the verifier demands %s', (_, wanted, verdict) => {
  expect(check(wanted)).toBe(verdict)
})

it('checkRequirements refuses a token without scopes if the verifier demands one', () => {
  expect(check({ scope: ['read'] }, { ...CLAIMS, scope: '' })).toBe('SCOPE_MISSING')
})
