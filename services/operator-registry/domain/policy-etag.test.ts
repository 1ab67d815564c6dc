import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import type { OperatorPolicy } from './parse-policy.ts'
import { etagOf, refuseIfChanged } from './policy-etag.ts'
import type { UserAccess } from './user-access.ts'

const RULE = {
  audience: 'api.acme.test',
  callers: ['a.test', 'b.test'],
  tokenSigningAlg: '',
  dpop: '',
  tokenStatus: '',
}
const SCOPE = { name: 'read', words: 'Read', groups: [], isDefault: false }
const USERS = { domains: ['a.test'], scopes: [SCOPE], clients: 'listed', maxDays: 30, device: false }
const OTHER = { ...RULE, audience: 'web.acme.test', callers: [] }
const POLICY: OperatorPolicy = {
  audiences: [RULE, OTHER],
  requireBoundChallenges: false,
  requireBodyDigest: true,
  hideAllowedScopes: false,
  delegateTo: ['a.test'],
  maxGrantTtl: 0,
  usersTo: [],
}

describe('etagOf', () => {
  it('does not depend on the order of the audiences', () => {
    expect(etagOf({ ...POLICY, audiences: [OTHER, RULE] })).toBe(etagOf(POLICY))
  })

  it.each<[string, Partial<OperatorPolicy>]>([
    ['audiences', { audiences: [RULE] }],
    ['an audience', { audiences: [RULE, { ...OTHER, audience: 'x.acme.test' }] }],
    ['callers', { audiences: [{ ...RULE, callers: ['a.test'] }, OTHER] }],
    [
      'callers that moved to another rule',
      {
        audiences: [
          { ...RULE, callers: [] },
          { ...OTHER, ...RULE },
        ],
      },
    ],
    ['an algorithm', { audiences: [{ ...RULE, tokenSigningAlg: 'ES256' }, OTHER] }],
    ['DPoP', { audiences: [{ ...RULE, dpop: 'required' }, OTHER] }],
    ['the status of tokens', { audiences: [{ ...RULE, tokenStatus: 'status_list' }, OTHER] }],
    ['users', { audiences: [{ ...RULE, users: USERS }, OTHER] }],
    ['the targets of users', { usersTo: ['b.test'] }],
    ['bound challenges', { requireBoundChallenges: true }],
    ['the digest of bodies', { requireBodyDigest: false }],
    ['hidden scopes', { hideAllowedScopes: true }],
    ['holders of grants', { delegateTo: [] }],
    ['the lifetime of grants', { maxGrantTtl: 60 }],
  ])('changes with %s', (_name, change) => {
    expect(etagOf({ ...POLICY, ...change })).not.toBe(etagOf(POLICY))
  })
})

const etagWith = (users: UserAccess) => etagOf({ ...POLICY, audiences: [{ ...RULE, users }] })

describe('etagOf', () => {
  it.each<[string, Partial<UserAccess>]>([
    ['domains', { domains: ['b.test'] }],
    ['scopes', { scopes: [] }],
    ['words', { scopes: [{ ...SCOPE, words: 'See' }] }],
    ['groups', { scopes: [{ ...SCOPE, groups: ['staff'] }] }],
    ['the default', { scopes: [{ ...SCOPE, isDefault: true }] }],
    ['clients', { clients: 'any' }],
    ['days', { maxDays: 1 }],
    ['devices', { device: true }],
  ])('changes with %s of users', (_name, change) => {
    expect(etagWith({ ...USERS, ...change })).not.toBe(etagWith(USERS))
  })
})

describe('refuseIfChanged', () => {
  const changed = { ...POLICY, hideAllowedScopes: true }
  it.each<[string, string, OperatorPolicy, string | undefined]>([
    ['accepts any version without an etag', '', changed, undefined],
    ['accepts the version of the etag', etagOf(POLICY), changed, undefined],
    ['accepts the repetition of a change that succeeded', etagOf(changed), POLICY, undefined],
    ['refuses another version', etagOf(changed), changed, 'POLICY_CHANGED'],
    ['refuses an etag of nothing', 'x', changed, 'POLICY_CHANGED'],
  ])('%s', (_name, etag, wanted, reason) => {
    expect(reasonOf(() => refuseIfChanged(etag, POLICY, wanted))).toBe(reason)
  })
})
