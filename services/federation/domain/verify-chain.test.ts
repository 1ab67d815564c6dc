import { describe, expect, it } from 'vitest'
import { type Broken, changed, claim, statementAt, verifyPlan } from '../../../test/support/federation/chains.ts'
import {
  ANCHOR,
  anchorOf,
  type ChainPlan,
  createKey,
  HOUR_S,
  jwksOf,
  NOW_S,
  planChain,
  planConfiguration,
  planStatement,
  SUBJECT,
} from '../../../test/support/federation/entities.ts'

const [I1, I2] = ['https://i1.example', 'https://i2.example']
const AS = 'oauth_authorization_server'
const SECOND = createKey()

describe('verifyChain, a chain that holds', () => {
  it.each([0, 1, 2, 5])('accepts a chain with %i intermediates', (intermediates) => {
    const middle = Array.from({ length: intermediates }, (_, index) => `https://i${index + 1}.example`)
    const plan = planChain(intermediates)
    expect(verifyPlan(plan)).toEqual({
      ok: true,
      chain: {
        subject: SUBJECT,
        anchor: ANCHOR,
        path: [SUBJECT, ...middle, ANCHOR],
        keys: anchorOf(SUBJECT, ...plan.keys.slice(0, 1)).keys,
        metadata: new Map([[AS, { issuer: SUBJECT }]]),
        iat: NOW_S - HOUR_S,
        exp: NOW_S + HOUR_S,
        unpinned: [],
      },
    })
  })

  it.each([0, 1, 2, 3, 4])('expires when its statement %i does', (place) => {
    const result = verifyPlan(changed((plan) => claim(plan, place, { exp: NOW_S + 1 })))
    expect(result).toMatchObject({ ok: true, chain: { exp: NOW_S + 1 } })
  })

  it('has only the keys of the subject that both its superior and itself show', () => {
    const plan = planChain(1)
    const [own = expect.fail()] = plan.keys
    claim(plan, 0, { jwks: jwksOf(own, createKey()) })
    claim(plan, 1, { jwks: jwksOf(own, createKey()) })
    const result = verifyPlan(plan)
    expect(result.ok ? [...result.chain.keys.keys()] : result.text).toEqual([own.kid])
  })

  it('accepts a clock that is 10 s behind', () => {
    expect(verifyPlan(changed((plan) => claim(plan, 2, { iat: NOW_S + 10 })))).toMatchObject({ ok: true })
  })

  it('accepts a chain within the constraints of every statement', () => {
    const plan = changed((plan) => {
      constrain(plan, 1, { max_path_length: 0, naming_constraints: { permitted: ['as.example'] } })
      constrain(plan, 2, { max_path_length: 1, naming_constraints: { excluded: ['i2.example'] } })
      constrain(plan, 3, {
        max_path_length: 2,
        naming_constraints: { permitted: ['.example'], excluded: ['a.example'] },
      })
    })
    expect(verifyPlan(plan)).toMatchObject({ ok: true })
  })

  it('reports keys of the anchor that are not pinned', () => {
    const key = createKey()
    const plan = changed((plan) => claim(plan, 4, { jwks: jwksOf(...plan.keys.slice(-1), key) }))
    expect(verifyPlan(plan)).toMatchObject({ ok: true, chain: { unpinned: [key.kid] } })
  })

  it('verifies a subject with ES256 below an anchor with RS256', () => {
    const [ec, rsa] = [createKey('ES256'), createKey('RS256')]
    const statements = [
      planConfiguration(SUBJECT, ec, { authority_hints: [ANCHOR], metadata: { [AS]: { issuer: SUBJECT } } }),
      planStatement(ANCHOR, rsa, SUBJECT, ec),
      planConfiguration(ANCHOR, rsa),
    ]
    expect(verifyPlan({ statements, keys: [], anchor: anchorOf(ANCHOR, rsa) })).toMatchObject({ ok: true })
  })
})

const SHAPE: readonly Broken[] = [
  ['two statements', (plan) => plan.statements.splice(2), 'CHAIN_LENGTH', undefined],
  ['no statement', (plan) => plan.statements.splice(0), 'CHAIN_LENGTH', undefined],
  ['six intermediates', (plan) => plan.statements.splice(0, 5, ...planChain(6).statements), 'CHAIN_LENGTH', undefined],
  ['a text that is not a statement', (plan) => rename(plan, 2, { typ: 'at+jwt' }), 'JWS_REFUSED', 2],
  ['no configuration of the subject', (plan) => plan.statements.shift(), 'CHAIN_SHAPE', 0],
  ['no configuration of the anchor', (plan) => plan.statements.pop(), 'CHAIN_SHAPE', 3],
  [
    'the configuration of an intermediate',
    (plan) => plan.statements.splice(2, 0, planConfiguration(I1, SECOND)),
    'CHAIN_SHAPE',
    2,
  ],
  ['a missing intermediate', (plan) => plan.statements.splice(2, 1), 'CHAIN_BROKEN', 1],
  ['the statements of another subject', (plan) => claim(plan, 1, { sub: 'https://b.example' }), 'CHAIN_BROKEN', 0],
  ['another anchor at the end', (plan) => reanchor(plan, 'https://b.example'), 'WRONG_ANCHOR', 4],
]

function rename(plan: ChainPlan, place: number, header: Record<string, unknown>): void {
  statementAt(plan, place).header = header
}

function reanchor(plan: ChainPlan, entityId: string): void {
  plan.anchor = { ...plan.anchor, entityId }
}

const HINTS: readonly Broken[] = [
  ['a subject without hints', (plan) => claim(plan, 0, { authority_hints: undefined }), 'NOT_HINTED', 0],
  ['a subject that names another superior', (plan) => claim(plan, 0, { authority_hints: [I2] }), 'NOT_HINTED', 0],
]

const TIMES = [0, 1, 2, 3, 4].flatMap((place): Broken[] => [
  [`a statement ${place} from the future`, (plan) => claim(plan, place, { iat: NOW_S + 11 }), 'NOT_YET_VALID', place],
  [`an expired statement ${place}`, (plan) => claim(plan, place, { exp: NOW_S }), 'EXPIRED', place],
])

const CONSTRAINTS: readonly Broken[] = [
  ['more intermediates than the anchor allows', (plan) => limit(plan, 3, 1), 'PATH_TOO_LONG', 3],
  ['more intermediates than an intermediate allows', (plan) => limit(plan, 2, 0), 'PATH_TOO_LONG', 2],
  [
    'a subject that the anchor does not permit',
    (plan) => name(plan, 3, { permitted: ['i1.example', 'i2.example'] }),
    'NAME_NOT_PERMITTED',
    3,
  ],
  [
    'a lower intermediate that the anchor does not permit',
    (plan) => name(plan, 3, { permitted: ['as.example', 'i2.example'] }),
    'NAME_NOT_PERMITTED',
    3,
  ],
  [
    'an upper intermediate that the anchor does not permit',
    (plan) => name(plan, 3, { permitted: ['as.example', 'i1.example'] }),
    'NAME_NOT_PERMITTED',
    3,
  ],
  [
    'a subject that its superior does not permit',
    (plan) => name(plan, 1, { permitted: ['b.example'] }),
    'NAME_NOT_PERMITTED',
    1,
  ],
  ['a subject that the anchor excludes', (plan) => name(plan, 3, { excluded: ['as.example'] }), 'NAME_EXCLUDED', 3],
  [
    'an intermediate that its superior excludes',
    (plan) => name(plan, 2, { excluded: ['i1.example'] }),
    'NAME_EXCLUDED',
    2,
  ],
]

function constrain(plan: ChainPlan, place: number, constraints: object): void {
  claim(plan, place, { constraints })
}

function limit(plan: ChainPlan, place: number, length: number): void {
  constrain(plan, place, { max_path_length: length })
}

function name(plan: ChainPlan, place: number, naming: object): void {
  constrain(plan, place, { naming_constraints: naming })
}

describe.each<[string, readonly Broken[]]>([
  ['of another shape', SHAPE],
  ['without hints', HINTS],
  ['at the wrong time', TIMES],
  ['outside its constraints', CONSTRAINTS],
])('verifyChain, a chain %s', (_, cases) => {
  it.each(cases)('refuses %s', (_title, change, rule, place) => {
    expect(verifyPlan(changed(change))).toMatchObject({ ok: false, rule, place })
  })
})
