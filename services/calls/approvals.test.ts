import { describe, expect, it } from 'vitest'
import { ISSUER, NOW_S } from '../../test/support/assertions.ts'
import { approveBy, ed25519Key } from '../../test/support/operator-team.ts'
import { reasonOf } from '../../test/support/reason-of.ts'
import { type ApprovalRules, checkApprovals, sentApprovals } from './approvals.ts'
import type { OperatorKey } from './operator-keys.ts'
import { EMPTY_BODY } from './request-body.ts'

const OPERATOR = 'cccccccc-3333-8333-8333-333333333333'
const roots = Array.from({ length: 9 }, (_, at) => ed25519Key(`root ${at}`))
const keys = roots.map(({ kid, jwk, label }): OperatorKey => {
  return { kid, jwk, label, isRoot: true, roles: [], nbf: 0, exp: Number.POSITIVE_INFINITY }
})
const RPC = 'POST /v1/x'
const RULES: ApprovalRules = {
  operatorId: OPERATOR,
  issuer: ISSUER,
  nowS: NOW_S,
  skewS: 10,
  rpc: RPC,
  body: EMPTY_BODY,
  rootKeys: keys,
  signerKid: keys[0]?.kid ?? '',
}
const CALL = { operatorId: OPERATOR, issuer: ISSUER, nowS: NOW_S, rpc: RPC, body: EMPTY_BODY.bytes() }
const approvals = (count: number) => roots.slice(1, count + 1).map((root) => approveBy(root, CALL))

describe('sentApprovals', () => {
  it.each([
    [undefined, {}],
    [null, {}],
    ['a.b.c', { approvals: 'a.b.c' }],
    ['', { approvals: '' }],
    [['a.b.c', 'd.e.f, g'], { approvals: 'a.b.c,d.e.f, g' }],
    [[], { approvals: '' }],
  ])('returns for the header %j', (header, found) => {
    expect(sentApprovals(header)).toEqual(found)
  })

  it('keeps a header that is too long recognisable as too long', () => {
    const { approvals = '' } = sentApprovals('a'.repeat(100_000))
    expect(approvals.length).toBeLessThan(50_000)
    expect(reasonOf(() => checkApprovals(approvals, RULES))).toBe('INVALID_APPROVAL')
  })
})

describe('checkApprovals', () => {
  it('returns no approvals for a request without the header', () => {
    expect(checkApprovals(undefined, RULES)).toEqual([])
  })

  it('accepts eight approvals, with and without blanks between them', () => {
    for (const separator of [',', ', ', ' ,\t']) {
      const found = checkApprovals(approvals(8).join(separator), RULES)
      expect(found.map(({ kid }) => kid)).toEqual(keys.slice(1).map(({ kid }) => kid))
      expect(found[0]).toMatchObject({ expiresAt: NOW_S + 86_400, jti: expect.any(String) })
    }
  })

  it('says what would be right', () => {
    const sentence = (header: string, rules = RULES) => {
      try {
        checkApprovals(header, rules)
        return undefined
      } catch (error) {
        return (error as Error).message
      }
    }
    const [one = ''] = approvals(1)
    expect(sentence(`${one},${one}`)).toBe('Each approval must be by another root key than the call and its approvals')
    expect(sentence(one, { ...RULES, rpc: 'POST /y' })).toBe('rpc of an approval must be exactly POST /y')
    expect(sentence('x')).toBe('An approval must have three parts separated by dots: header.payload.signature')
    expect(sentence(`${one}=`)).toBe('The signature of an approval must be canonical base64url without padding')
    const foreign = approveBy({ ...ed25519Key('x'), kid: keys[1]?.kid ?? '' }, CALL)
    expect(sentence(foreign)).toBe('The signature of an approval does not match the root key "root 1"')
  })

  it('answers UNAVAILABLE if an older gateway has not forwarded the body', () => {
    const [one = ''] = approvals(1)
    expect(reasonOf(() => checkApprovals(one, { ...RULES, body: undefined }))).toBe('UNAVAILABLE')
  })
})
