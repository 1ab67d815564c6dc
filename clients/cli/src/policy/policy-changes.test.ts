import type { OperatorPolicy } from '@auth4agent/sdk'
import { describe, expect, it } from 'vitest'
import { describeDifference, policyDifferences } from './policy-changes.ts'

const URL = 'https://api.acme.test/v1'
const HOST = 'api.acme.test'
const POLICY: OperatorPolicy = {
  audiences: [],
  require_bound_challenges: false,
  require_body_digest: false,
  hide_allowed_scopes: false,
  delegate_to: [],
  max_grant_ttl: 0,
}
const rule = (audience: string, terms: object = {}) => ({ audience, callers: [], ...terms })
const READ = { name: 'read', words: 'Read' }
const users = (change: object = {}) => ({ users: { domains: ['b.test'], scopes: [READ], ...change } })
const rules = (...audiences: OperatorPolicy['audiences']) => ({ audiences })

describe('policyDifferences', () => {
  it.each<[string, Partial<OperatorPolicy>, Partial<OperatorPolicy>, string[]]>([
    ['nothing for equal policies', {}, {}, []],
    [
      'nothing for members that an older server leaves out',
      { hide_allowed_scopes: undefined, delegate_to: undefined, max_grant_ttl: undefined },
      { max_grant_ttl: 3600 },
      [],
    ],
    ['a switch', {}, { require_body_digest: true }, ['require_body_digest: off -> on']],
    [
      'switches that demand less',
      { require_bound_challenges: true, require_body_digest: true, hide_allowed_scopes: true },
      {},
      [
        'require_bound_challenges: on -> off (weaker)',
        'require_body_digest: on -> off (weaker)',
        'hide_allowed_scopes: on -> off (weaker)',
      ],
    ],
    ['a partner more', {}, { delegate_to: ['b.test'] }, ['delegate_to: none -> b.test']],
    [
      'a partner less',
      { delegate_to: ['b.test', 'c.test'] },
      { delegate_to: ['c.test'] },
      ['delegate_to: b.test c.test -> c.test (ends all tokens and grants of your agents)'],
    ],
    [
      'a shorter lifetime',
      {},
      { max_grant_ttl: 60 },
      ['max_grant_ttl: 3600 s -> 60 s (ends all tokens and grants of your agents)'],
    ],
    ['a longer lifetime', { max_grant_ttl: 60 }, {}, ['max_grant_ttl: 60 s -> 3600 s (weaker)']],
    [
      'a new rule',
      {},
      rules(rule(URL, { callers: ['b.test'], token_status: 'status_list' })),
      [`rule for ${URL}: none -> there`, `${URL} callers: none -> b.test`, `${URL} token_status: none -> status_list`],
    ],
    [
      'a removed rule',
      rules(
        rule(URL, { callers: ['b.test'], token_signing_alg: 'ES256', dpop: 'required', token_status: 'status_list' }),
      ),
      {},
      [
        `rule for ${URL}: there -> none`,
        `${URL} callers: b.test -> none (ends the tokens of these callers)`,
        `${URL} token_signing_alg: ES256 -> EdDSA`,
        `${URL} dpop: required -> none (weaker)`,
        `${URL} token_status: status_list -> none (weaker)`,
      ],
    ],
    [
      'a removed rule whose terms the rule of its host has too',
      rules(rule(URL, { dpop: 'required' }), rule(HOST, { dpop: 'required' })),
      rules(rule(HOST, { dpop: 'required' })),
      [`rule for ${URL}: there -> none`],
    ],
    [
      'a new rule that demands less than the rule of its host',
      rules(rule(HOST, { dpop: 'required-with-nonce' })),
      rules(rule(HOST, { dpop: 'required-with-nonce' }), rule(URL, { dpop: 'required' })),
      [`rule for ${URL}: none -> there`, `${URL} dpop: required-with-nonce -> required (weaker)`],
    ],
    [
      'every operator as caller, which ends the tokens that the replaced callers have',
      rules(rule(HOST, { callers: ['b.test'] })),
      rules(rule(HOST, { callers: ['*'] })),
      [`${HOST} callers: b.test -> every operator (weaker; ends the tokens of these callers)`],
    ],
    [
      'every operator as caller, where nobody was one',
      rules(rule(HOST)),
      rules(rule(HOST, { callers: ['*'] })),
      [`${HOST} callers: none -> every operator (weaker)`],
    ],
    [
      'some operators as callers in place of every one',
      rules(rule(HOST, { callers: ['*'] })),
      rules(rule(HOST, { callers: ['b.test'] })),
      [`${HOST} callers: every operator -> b.test (ends the tokens of these callers)`],
    ],
    [
      'nothing for defaults that are written out',
      rules(rule(HOST, users())),
      rules(rule(HOST, users({ clients: 'listed', max_days: 30 }))),
      [],
    ],
    [
      'users, where none could come',
      rules(rule(HOST)),
      rules(rule(HOST, users())),
      [`${HOST} users: none -> of b.test; by listed clients; for at most 30 days; read "Read"`],
    ],
    [
      'devices',
      rules(rule(HOST, users())),
      rules(rule(HOST, users({ device: true }))),
      [
        `${HOST} users: of b.test; by listed clients; for at most 30 days; read "Read" -> of b.test; by listed clients; for at most 30 days; also from devices; read "Read" (ends the tokens for users if it allows less)`,
      ],
    ],
    [
      'other users',
      rules(rule(HOST, users())),
      rules(rule(HOST, users({ scopes: [{ ...READ, groups: ['a', 'b'], is_default: true }], max_days: 7 }))),
      [
        `${HOST} users: of b.test; by listed clients; for at most 30 days; read "Read" -> of b.test; by listed clients; for at most 7 days; read "Read" (default; groups a, b) (ends the tokens for users if it allows less)`,
      ],
    ],
    [
      'users of every operator by any client',
      rules(rule(HOST, users())),
      rules(rule(HOST, users({ domains: ['*'], clients: 'any' }))),
      [
        `${HOST} users: of b.test; by listed clients; for at most 30 days; read "Read" -> of every operator; by any client; for at most 30 days; read "Read" (weaker; ends the tokens for users if it allows less)`,
      ],
    ],
    [
      'no users of a URL whose host has some',
      rules(rule(URL, users()), rule(HOST, users())),
      rules(rule(URL), rule(HOST, users())),
      [
        `${URL} users: of b.test; by listed clients; for at most 30 days; read "Read" -> none (ends the tokens for users if it allows less)`,
      ],
    ],
    ['a target of users more', {}, { users_to: ['b.test'] }, ['users_to: none -> b.test']],
    [
      'a target of users less',
      { users_to: ['b.test', 'c.test'] },
      { users_to: ['c.test'] },
      ['users_to: b.test c.test -> c.test (ends the tokens of your users there)'],
    ],
    [
      'another algorithm',
      rules(rule(HOST)),
      rules(rule(HOST, { token_signing_alg: 'RS256' })),
      [`${HOST} token_signing_alg: EdDSA -> RS256`],
    ],
  ])('returns %s', (_name, before, after, expected) => {
    const found = policyDifferences({ ...POLICY, ...before }, { ...POLICY, ...after })
    expect(found.map(describeDifference)).toEqual(expected)
  })
})
