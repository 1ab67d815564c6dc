import { describe, expect, it } from 'vitest'
import { mergePolicy, type PolicyChange, replacePolicy } from './merge-policy.ts'
import { mergeUsers, type UserChange } from './merge-users.ts'

const API = { audience: 'https://api.acme.test', callers: ['a.test'], token_signing_alg: 'ES256', dpop: 'required' }
const WEB = { audience: 'web.acme.test', callers: ['*'] }
const READ = { name: 'read', words: 'Read', groups: ['staff'] }
const USERS = { domains: ['a.test'], scopes: [READ], clients: 'any', max_days: 7 }
const POLICY = {
  audiences: [API, WEB],
  require_bound_challenges: true,
  require_body_digest: true,
  hide_allowed_scopes: true,
  delegate_to: ['b.test'],
  max_grant_ttl: 600,
  etag: 'e1',
}

describe('mergePolicy', () => {
  it.each<[string, PolicyChange, object]>([
    ['changes nothing without a change', {}, {}],
    ['changes one setting', { require_body_digest: false }, { require_body_digest: false }],
    ['empties a list', { delegate_to: [] }, { delegate_to: [] }],
    ['takes the etag of the change', { etag: 'e0' }, { etag: 'e0' }],
    [
      'changes one member of a rule',
      { audiences: [{ audience: API.audience, token_status: 'status_list' }] },
      { audiences: [{ ...API, token_status: 'status_list' }, WEB] },
    ],
    [
      'adds a rule for another audience',
      { audiences: [{ audience: 'acme.test', dpop: 'required' }] },
      { audiences: [API, WEB, { audience: 'acme.test', callers: [], dpop: 'required' }] },
    ],
    [
      'replaces the callers',
      { audiences: [{ audience: API.audience, callers: ['c.test'] }] },
      { audiences: [{ ...API, callers: ['c.test'] }, WEB] },
    ],
    [
      'adds and removes callers',
      { audiences: [{ audience: API.audience, addedCallers: ['c.test', 'd.test'], removedCallers: ['a.test'] }] },
      { audiences: [{ ...API, callers: ['c.test', 'd.test'] }, WEB] },
    ],
    [
      'adds no caller twice',
      { audiences: [{ audience: API.audience, addedCallers: ['a.test'] }] },
      { audiences: [API, WEB] },
    ],
    [
      'lets users in',
      {
        audiences: [
          { audience: WEB.audience, userChange: { domains: ['a.test'], scopes: [{ name: 'x', words: 'X' }] } },
        ],
      },
      { audiences: [API, { ...WEB, users: { domains: ['a.test'], scopes: [{ name: 'x', words: 'X' }] } }] },
    ],
    [
      'replaces the users',
      { audiences: [{ audience: WEB.audience, users: USERS }] },
      { audiences: [API, { ...WEB, users: USERS }] },
    ],
    ['replaces the targets of users', { users_to: ['c.test'] }, { users_to: ['c.test'] }],
    ['removes a rule', { removedAudiences: [WEB.audience] }, { audiences: [API] }],
  ])('%s', (_name, change, expected) => {
    expect(mergePolicy(POLICY, change)).toEqual({ ...POLICY, ...expected })
  })

  it('sends no member that an older server does not know', () => {
    const old = { audiences: [WEB], require_bound_challenges: false }
    expect(mergePolicy(old, { require_bound_challenges: true })).toEqual({ ...old, require_bound_challenges: true })
  })
})

describe('mergeUsers', () => {
  it.each<[string, UserChange, object]>([
    ['keeps what is not named', {}, {}],
    [
      'replaces single members',
      { domains: [], clients: 'listed', max_days: 1 },
      { domains: [], clients: 'listed', max_days: 1 },
    ],
    [
      'keeps the groups of a scope with other words',
      { scopes: [{ name: 'read', words: 'See' }] },
      { scopes: [{ ...READ, words: 'See' }] },
    ],
    ['adds a scope', { scopes: [{ name: 'x', words: 'X' }] }, { scopes: [READ, { name: 'x', words: 'X' }] }],
    ['removes a scope', { removedScopes: ['read', 'y'] }, { scopes: [] }],
  ])('%s', (_name, change, expected) => {
    expect(mergeUsers(USERS, change)).toEqual({ ...USERS, ...expected })
  })
})

describe('replacePolicy', () => {
  it('resets each member that the change does not name, except the etag', () => {
    const given = { audiences: [{ audience: 'acme.test' }], delegate_to: ['c.test'] }
    expect(replacePolicy(POLICY, given)).toEqual({
      audiences: [{ audience: 'acme.test', callers: [] }],
      require_bound_challenges: false,
      delegate_to: ['c.test'],
      etag: 'e1',
    })
  })
})
