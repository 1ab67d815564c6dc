import { describe, expect, it } from 'vitest'
import { changed, claim, statementAt, verifyPlan } from '../../../test/support/federation/chains.ts'
import {
  ANCHOR,
  anchorOf,
  createKey,
  jwksOf,
  planChain,
  planConfiguration,
  planStatement,
  SUBJECT,
} from '../../../test/support/federation/entities.ts'

const AS = 'oauth_authorization_server'

describe('an attack on a chain: another spelling of an identifier', () => {
  it.each([
    ['a slash at the end of the subject', 1, { sub: `${SUBJECT}/` }, 'CHAIN_BROKEN', 0],
    ['a slash at the end of a superior', 2, { sub: 'https://i1.example/' }, 'CHAIN_BROKEN', 1],
    ['a slash at the end of a hint', 0, { authority_hints: ['https://i1.example/'] }, 'NOT_HINTED', 0],
    ['upper case', 1, { sub: 'https://AS.example' }, 'CLAIM_MALFORMED', 1],
    ['the default port', 1, { sub: 'https://as.example:443' }, 'CLAIM_MALFORMED', 1],
    ['an issuer with a slash', 0, { metadata: { [AS]: { issuer: `${SUBJECT}/` } } }, 'ISSUER_MISMATCH', 0],
  ])('refuses %s', (_, place, claims, rule, refusedAt) => {
    const result = verifyPlan(changed((plan) => claim(plan, place, claims)))
    expect(result).toMatchObject({ ok: false, rule, place: refusedAt })
  })

  it('refuses an anchor that the configuration of the verifier spells otherwise', () => {
    const plan = planChain(1)
    plan.anchor = { ...plan.anchor, entityId: `${ANCHOR}/` }
    expect(verifyPlan(plan)).toMatchObject({ ok: false, rule: 'WRONG_ANCHOR', place: 3 })
  })
})

describe('an attack on a chain: a cycle', () => {
  it('refuses a chain that reaches an entity twice', () => {
    const [subject, i1, i2, anchor] = [createKey(), createKey(), createKey(), createKey()]
    const [I1, I2] = ['https://i1.example', 'https://i2.example']
    const statements = [
      planConfiguration(SUBJECT, subject, { authority_hints: [I1], metadata: { [AS]: { issuer: SUBJECT } } }),
      planStatement(I1, i1, SUBJECT, subject),
      planStatement(I2, i2, I1, i1),
      planStatement(I1, i1, I2, i2),
      planStatement(ANCHOR, anchor, I1, i1),
      planConfiguration(ANCHOR, anchor),
    ]
    const result = verifyPlan({ statements, keys: [], anchor: anchorOf(ANCHOR, anchor) })
    expect(result).toMatchObject({ ok: false, rule: 'ENTITY_REPEATED', place: 3 })
  })
})

describe('an attack on a chain: conflicting policies and unknown critical names', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a policy that repeals a value of the anchor', { metadata_policy: policy({ value: ['b'] }) }, 'POLICY_CONFLICT'],
    [
      'a policy that replaces a default of the anchor',
      { metadata_policy: policy({ default: ['b'] }) },
      'POLICY_CONFLICT',
    ],
    [
      'a policy that adds outside the limits of the anchor',
      { metadata_policy: policy({ add: ['b'] }) },
      'POLICY_COMBINATION',
    ],
    ['a critical operator that nobody knows', { metadata_policy_crit: ['regexp'] }, 'POLICY_CRIT_UNKNOWN'],
    ['a critical claim that nobody knows', { crit: ['limits'], limits: {} }, 'CRIT_UNKNOWN'],
  ])('refuses %s', (_, claims, rule) => {
    const plan = changed((plan) => {
      claim(plan, 3, { metadata_policy: policy({ value: ['a'], default: ['a'], subset_of: ['a'] }) })
      claim(plan, 2, claims)
    })
    expect(verifyPlan(plan)).toMatchObject({ ok: false, rule, place: 2 })
  })

  it('keeps what the anchor demands when a subordinate says otherwise', () => {
    const plan = changed((plan) => {
      claim(plan, 3, { metadata_policy: policy({ essential: true, subset_of: ['a'] }) })
      claim(plan, 2, { metadata_policy: policy({ essential: false, subset_of: ['a', 'b'] }) })
      claim(plan, 0, { metadata: { [AS]: { issuer: SUBJECT, grant_types_supported: ['a', 'b'] } } })
    })
    const metadata = new Map([[AS, { issuer: SUBJECT, grant_types_supported: ['a'] }]])
    expect(verifyPlan(plan)).toMatchObject({ ok: true, chain: { metadata } })
  })
})

function policy(operators: object): object {
  return { [AS]: { grant_types_supported: operators } }
}

describe('an attack on a chain: mixed anchors', () => {
  it('refuses a chain to one anchor under the name or the keys of another', () => {
    const plan = planChain(1)
    const other = anchorOf('https://other.example', createKey())
    expect(verifyPlan({ ...plan, anchor: other })).toMatchObject({ rule: 'WRONG_ANCHOR' })
    expect(verifyPlan({ ...plan, anchor: { ...other, entityId: ANCHOR } })).toMatchObject({ rule: 'KEY_NOT_PINNED' })
  })

  it('refuses a key of an intermediate that only the chain to another anchor attests', () => {
    const [here, there] = [planChain(1), planChain(1)]
    const mixed = { ...here, statements: [...there.statements.slice(0, 2), ...here.statements.slice(2)] }
    expect(verifyPlan(there)).toMatchObject({ ok: true })
    expect(verifyPlan(mixed)).toMatchObject({ ok: false, rule: 'KEY_UNKNOWN', place: 1 })
  })

  it('names its anchor in the result', () => {
    expect(verifyPlan(planChain(1))).toMatchObject({ chain: { anchor: ANCHOR } })
  })
})

describe('an attack on a chain: new keys of the anchor', () => {
  const fresh = createKey()

  it.each([
    ['that signs its statement', 2, 2],
    ['that signs its configuration', 3, 3],
  ])('refuses a key %s and is not pinned', (_, place, refusedAt) => {
    const plan = planChain(1)
    claim(plan, 3, { jwks: jwksOf(...plan.keys.slice(-1), fresh) })
    statementAt(plan, place).signer = fresh
    expect(verifyPlan(plan)).toMatchObject({ ok: false, rule: 'KEY_NOT_PINNED', place: refusedAt })
  })

  it('refuses a new key under the kid of a pinned key', () => {
    const plan = planChain(1)
    const kid = plan.keys.at(-1)?.kid ?? ''
    const disguised = { ...fresh, kid, jwk: { ...fresh.jwk, kid } }
    claim(plan, 3, { jwks: jwksOf(disguised) })
    for (const place of [2, 3]) statementAt(plan, place).signer = disguised
    expect(verifyPlan(plan)).toMatchObject({ ok: false, rule: 'KEY_NOT_PINNED', place: 2 })
  })

  it('accepts the new key when it is pinned', () => {
    const plan = planChain(1)
    claim(plan, 3, { jwks: jwksOf(fresh) })
    for (const place of [2, 3]) statementAt(plan, place).signer = fresh
    expect(verifyPlan({ ...plan, anchor: anchorOf(ANCHOR, fresh) })).toMatchObject({ ok: true })
  })
})
