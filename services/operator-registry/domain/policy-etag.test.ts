import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import type { OperatorPolicy } from './parse-policy.ts'
import { etagOf, refuseIfChanged } from './policy-etag.ts'

const RULE = {
  audience: 'api.acme.test',
  callers: ['a.test', 'b.test'],
  tokenSigningAlg: '',
  dpop: '',
  tokenStatus: '',
}
const OTHER = { ...RULE, audience: 'web.acme.test', callers: [] }
const POLICY: OperatorPolicy = {
  audiences: [RULE, OTHER],
  requireBoundChallenges: false,
  requireBodyDigest: true,
  hideAllowedScopes: false,
  delegateTo: ['a.test'],
  maxGrantTtl: 0,
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
    ['bound challenges', { requireBoundChallenges: true }],
    ['the digest of bodies', { requireBodyDigest: false }],
    ['hidden scopes', { hideAllowedScopes: true }],
    ['holders of grants', { delegateTo: [] }],
    ['the lifetime of grants', { maxGrantTtl: 60 }],
  ])('changes with %s', (_name, change) => {
    expect(etagOf({ ...POLICY, ...change })).not.toBe(etagOf(POLICY))
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
