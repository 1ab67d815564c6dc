import { describe, expect, it } from 'vitest'
import { readPolicy } from './operator-policy.ts'

const SCOPE = { name: 'read', words: 'Read', groups: ['staff'], is_default: true }
const USERS = { domains: ['example.com'], scopes: [SCOPE], clients: 'any', max_days: 7 }
const RULE = { audience: 'api.example.com', callers: [], token_signing_alg: '', dpop: '', token_status: '' }
const answer = (users: unknown, more: object = {}) => ({
  audiences: [{ ...RULE, users }],
  require_bound_challenges: false,
  ...more,
})

describe('readPolicy', () => {
  it('reads the users of an audience and the targets of users', () => {
    expect(readPolicy(answer(USERS, { users_to: ['b.com'] }))).toEqual(answer(USERS, { users_to: ['b.com'] }))
  })

  it.each([[undefined], [null]])(
    'leaves out users that are %s, so that an older server takes the policy back',
    (none) => {
      expect(readPolicy(answer(none))).toEqual({ audiences: [RULE], require_bound_challenges: false })
    },
  )

  it.each([
    ['users that are a text', 'all'],
    ['users without domains', { ...USERS, domains: undefined }],
    ['domains that are one text', { ...USERS, domains: 'example.com' }],
    ['scopes that are no list', { ...USERS, scopes: SCOPE }],
    ['a scope without words', { ...USERS, scopes: [{ ...SCOPE, words: undefined }] }],
    ['a number of days that is a text', { ...USERS, max_days: '7' }],
  ])('refuses %s', (_name, users) => {
    expect(() => readPolicy(answer(users))).toThrow(expect.objectContaining({ reason: 'UNEXPECTED_ANSWER' }))
  })
})
