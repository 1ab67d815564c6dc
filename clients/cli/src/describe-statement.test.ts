import type { TrustDraft } from '@auth4agent/core/trust/statement'
import { describe, expect, it } from 'vitest'
import { DRAFTS, NOW_S } from '../../../test/support/trust/statements.ts'
import { describeStatement } from './describe-statement.ts'

const letsCall = DRAFTS['lets-call']
const AT_BETA = 'this counts at https://beta.test/auth'
const CALL = 'call https://api.cargo.test/v1 with orders:read (read here)'
const ACME = 'acme.test (at https://auth.alpha.test)'

describe('describeStatement', () => {
  it.each<readonly [string, TrustDraft, string]>([
    ['lets-call', letsCall, `cargo.test lets agents of ${ACME} ${CALL}; ${AT_BETA}`],
    [
      'lets-call for an operator of the same deployment',
      { ...letsCall, subHome: letsCall.home },
      `cargo.test lets agents of acme.test ${CALL}; ${AT_BETA}`,
    ],
    [
      'lets-call with two grants, scopes and values',
      {
        ...letsCall,
        grants: [
          { audience: 'a.test', scopes: { one: ['x', 'y'], two: ['z'] } },
          { audience: 'b.test', scopes: { one: ['x'] } },
        ],
      },
      `cargo.test lets agents of ${ACME} call a.test with one (x y here) and two (z here), ` +
        `and b.test with one (x here); ${AT_BETA}`,
    ],
    [
      'accepts-members-of with depth 1',
      DRAFTS['accepts-members-of'],
      `cargo.test lets agents of the members of guild.test (at https://id.gamma.test) ${CALL}; ${AT_BETA}`,
    ],
    [
      'accepts-members-of with depth 2',
      { ...DRAFTS['accepts-members-of'], depth: 2 },
      'cargo.test lets agents of the members of guild.test (at https://id.gamma.test) ' +
        `and of the members' own members ${CALL}; ${AT_BETA}`,
    ],
    [
      'member',
      DRAFTS.member,
      `guild.test names ${ACME} as its member; this counts at https://id.gamma.test and https://beta.test/auth`,
    ],
    ['blocks', DRAFTS.blocks, `cargo.test blocks all agents of ${ACME}; ${AT_BETA}`],
    [
      'chains-to',
      DRAFTS['chains-to'],
      'acme.test lets its agents carry authority to https://beta.test/auth, for any audience with ' +
        'orders:read (orders:read there); this counts at https://auth.alpha.test',
    ],
  ])('says what %s means', (_, draft, sentence) => {
    expect(describeStatement(draft)).toBe(sentence)
  })

  it('says from when to when a statement counts', () => {
    const times = { jti: 'x', version: 1, iat: NOW_S, nbf: NOW_S, exp: NOW_S + 90 * 86_400 }
    expect(describeStatement({ ...DRAFTS.blocks, ...times })).toBe(
      `cargo.test blocks all agents of ${ACME}; ${AT_BETA} from 2027-01-15 08:00 to 2027-04-15 08:00 UTC`,
    )
  })
})
