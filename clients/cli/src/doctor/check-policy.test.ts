import type { OperatorPolicy } from '@auth4agent/sdk'
import { describe, expect, it } from 'vitest'
import { judgePolicy } from './check-policy.ts'

const URL = 'https://api.acme.test/v1'
const HOST = 'api.acme.test'
const AT = '2026-11-01T00:00:00Z'
const POLICY: OperatorPolicy = {
  audiences: [],
  require_bound_challenges: false,
  require_body_digest: true,
  hide_allowed_scopes: false,
  delegate_to: [],
  max_grant_ttl: 0,
}
const off = { require_body_digest: false }
const rule = (audience: string, terms: object = {}) => ({ audience, callers: [], ...terms })
const rules = (...audiences: OperatorPolicy['audiences']) => ({ audiences })

describe('judgePolicy', () => {
  it.each<[string, Partial<OperatorPolicy>, number, Partial<OperatorPolicy>[], string[]]>([
    ['nothing in a policy that demands the digest', {}, 3, [], []],
    ['nothing without digest and without roles', off, 0, [], []],
    ['nothing on a server that knows no digest', { require_body_digest: undefined }, 1, [], []],
    ['a missing digest while a key has a role', off, 1, [], ['require_body_digest is off, but 1 key has roles']],
    [
      'a missing digest that was demanded',
      off,
      0,
      [{}],
      [`require_body_digest is off, and was on in the policy of ${AT}`],
    ],
    [
      'a missing digest once, for both reasons',
      off,
      2,
      [{}, {}],
      ['require_body_digest is off, but 2 keys have roles'],
    ],
    ['nothing if a setting was weaker', {}, 0, [off], []],
    [
      'DPoP that was demanded',
      rules(rule(HOST)),
      0,
      [rules(rule(HOST, { dpop: 'required' }))],
      [`${HOST} dpop is none, and was required in the policy of ${AT}`],
    ],
    [
      'every operator as caller, where only one was listed',
      rules(rule(HOST, { callers: ['*'] })),
      0,
      [rules(rule(HOST, { callers: ['b.test'] }))],
      [`${HOST} callers is every operator, and was b.test in the policy of ${AT}`],
    ],
    [
      'a rule that is gone',
      {},
      0,
      [rules(rule(HOST, { token_status: 'status_list' }))],
      [`${HOST} token_status is none, and was status_list`],
    ],
    [
      'an audience that is open to every operator now',
      rules(rule(HOST, { callers: ['*'] })),
      0,
      [rules(rule(HOST, { callers: ['b.test'] }))],
      [`${HOST} callers is every operator, and was b.test`],
    ],
    [
      'a rule that demands less than the rule of its host',
      rules(rule(HOST, { dpop: 'required', token_status: 'status_list' }), rule(URL, { token_status: 'status_list' })),
      0,
      [],
      [`the rule for ${URL} demands less than the rule for ${HOST}: dpop none instead of required`],
    ],
    [
      'nothing if the rule of a URL demands more',
      rules(rule(HOST, { dpop: 'required' }), rule(URL, { dpop: 'required-with-nonce' })),
      0,
      [],
      [],
    ],
  ])('finds %s', (_name, policy, roleKeys, earlier, expected) => {
    const before = earlier.map((each) => ({ at: AT, policy: { ...POLICY, ...each } }))
    const found = judgePolicy({ ...POLICY, ...policy }, roleKeys, before)
    const levels = expected.length === 0 ? ['ok'] : expected.map(() => 'warning')
    expect(found.map(({ level }) => level)).toEqual(levels)
    for (const [index, message] of expected.entries()) expect(found[index]?.message).toContain(message)
  })
})
