import { describe, expect, it } from 'vitest'
import { mergePolicy, type PolicyChange, replacePolicy } from './merge-policy.ts'

const API = { audience: 'https://api.acme.test', callers: ['a.test'], token_signing_alg: 'ES256', dpop: 'required' }
const WEB = { audience: 'web.acme.test', callers: ['*'] }
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
    ['removes a rule', { removedAudiences: [WEB.audience] }, { audiences: [API] }],
  ])('%s', (_name, change, expected) => {
    expect(mergePolicy(POLICY, change)).toEqual({ ...POLICY, ...expected })
  })

  it('sends no member that an older server does not know', () => {
    const old = { audiences: [WEB], require_bound_challenges: false }
    expect(mergePolicy(old, { require_bound_challenges: true })).toEqual({ ...old, require_bound_challenges: true })
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
