import { describe, expect, it } from 'vitest'
import { details, holderKey, ISSUED, idOf, OPERATOR, rootGrant, TOOLS } from '../../../../test/support/grant-chains.ts'
import { readDerivedClaims, readRootClaims } from './grant-claims.ts'
import type { GrantReason } from './refusal.ts'

const COMMON = {
  iss: 'https://auth.example.com',
  jti: 'jti',
  iat: ISSUED,
  exp: ISSUED + 3600,
  del_max_depth: 8,
  cnf: { jwk: holderKey(0).jwk },
  authorization_details: details(TOOLS),
}
const ROOT = {
  ...COMMON,
  del_depth: 0,
  sub: 'did:agent:acme.test:21fe31dfa154a261626bf854046fd227',
  operator_id: OPERATOR,
  epoch: [1, 2_147_483_647],
  a4a_to: ['acme.test'],
}
const DERIVED = { ...COMMON, del_depth: 1, par_hash: idOf(rootGrant()), a4a_holder: 'a.b.c', a4a_to: ['acme.test'] }
const KEY = holderKey(0).jwk
const manyDomains = (count: number) => Array.from({ length: count }, (_, index) => `d${index}.test`)

const manyEdges = (count: number) =>
  Array.from({ length: count }, (_, at) => `${OPERATOR.slice(0, -3)}${String(at).padStart(3, '0')}`)

type Row = readonly [claims: Readonly<Record<string, unknown>>, reason?: GrantReason]

/** Wrong values of the claims that every grant has; MALFORMED_GRANT unless a row says otherwise. */
const COMMON_ROWS: readonly Row[] = [
  ...['', null, 1, ['https://auth.example.com'], 'x'.repeat(2049)].map((iss): Row => [{ iss }]),
  ...['', null, 1, 'a b', 'é', 'x'.repeat(65)].map((jti): Row => [{ jti }]),
  ...[0, -1, 1.5, null, `${ISSUED}`, true, 253_402_300_800, [ISSUED]].flatMap((time): Row[] => [
    [{ iat: time }],
    [{ exp: time }],
  ]),
  [{ iat: ISSUED, exp: ISSUED }],
  [{ iat: ISSUED + 1, exp: ISSUED }],
  [{ exp: ISSUED + 3601 }, 'LIFETIME_TOO_LONG'],
  ...[-1, 9, 0.5, null, '0', true, [0]].flatMap((depth): Row[] => [[{ del_depth: depth }], [{ del_max_depth: depth }]]),
  ...[null, 'x', [], {}, { jwk: KEY, jkt: holderKey(0).kid }, { jkt: holderKey(0).kid }].map((cnf): Row => [{ cnf }]),
  ...[
    null,
    'x',
    [KEY],
    {},
    { ...KEY, kid: 'k' },
    { ...KEY, d: KEY.x },
    { ...KEY, crv: 'Ed448' },
    { ...KEY, kty: 'EC' },
  ].map((jwk): Row => [{ cnf: { jwk } }, 'KEY_NOT_ADMITTED']),
  ...[`${KEY.x}=`, KEY.x.slice(1), `${KEY.x}A`, 1, ''].map(
    (x): Row => [{ cnf: { jwk: { ...KEY, x } } }, 'KEY_NOT_ADMITTED'],
  ),
  ...[null, {}, 'x', [], [null]].map((value): Row => [{ authorization_details: value }]),
  ...[
    null,
    'acme.test',
    {},
    [],
    manyDomains(17),
    ['acme.test', 'acme.test'],
    ['Acme.test'],
    ['acme.test.'],
    ['test'],
  ].map((domains): Row => [{ a4a_to: domains }]),
  ...['*', '*.acme.test', '', ' acme.test', 'acme.test:80', 'a.test:x', '127.0.0.1', 1, null, ['acme.test']].map(
    (domain): Row => [{ a4a_to: ['b.test', domain] }],
  ),
]
const ROOT_ROWS: readonly Row[] = [
  ...COMMON_ROWS,
  ...['', null, 1, 'acme.test', `${ROOT.sub}#key`, ROOT.sub.toUpperCase()].map((sub): Row => [{ sub }]),
  ...['', null, 1, OPERATOR.toUpperCase(), `${OPERATOR}0`].map((id): Row => [{ operator_id: id }]),
  ...[null, 1, [1], [1, 2, 3], [0, 1], [1, 0], [1.5, 1], [1, 2_147_483_648], ['1', '1'], { 0: 1, 1: 1, length: 2 }].map(
    (epoch): Row => [{ epoch }],
  ),
  ...[undefined, null, 'x', OPERATOR, [], [1], ['x'], [OPERATOR, OPERATOR], [OPERATOR.toUpperCase()]].map(
    (edges): Row => [{ edges }],
  ),
  [{ edges: manyEdges(49) }],
  [{ par_hash: null }, 'ROOT_EXPECTED'],
  [{ del_depth: 1 }, 'ROOT_EXPECTED'],
]
const DERIVED_ROWS: readonly Row[] = [
  ...COMMON_ROWS,
  ...['', null, 1, DERIVED.par_hash.slice(1), `${DERIVED.par_hash}=`].map((hash): Row => [{ par_hash: hash }]),
  ...[null, 1, {}, ['a.b.c']].map((statement): Row => [{ a4a_holder: statement }, 'HOLDER_UNKNOWN']),
  [{ sub: ROOT.sub }],
  [{ operator_id: OPERATOR }],
  [{ epoch: [1, 1] }],
]
const shown = ([claims, reason = 'MALFORMED_GRANT']: Row) => ({
  shown: JSON.stringify(claims).slice(0, 90),
  claims,
  reason,
})

describe('readRootClaims', () => {
  it('reads the claims, and ignores unknown ones', () => {
    expect(readRootClaims({ ...ROOT, note: 'x', constructor: 1 })).toMatchObject({
      ok: true,
      value: { did: ROOT.sub, operatorId: OPERATOR, epoch: ROOT.epoch, allowedDomains: ['acme.test'], jwk: KEY },
    })
  })

  it.each([1, 16])('reads %i domains', (count) => {
    expect(readRootClaims({ ...ROOT, a4a_to: manyDomains(count) }).ok).toBe(true)
  })

  it.each([1, 48])('reads %i edges', (count) => {
    const edges = manyEdges(count)
    expect(readRootClaims({ ...ROOT, edges })).toMatchObject({ ok: true, value: { edges } })
  })

  it.each(ROOT_ROWS.map(shown))('refuses $shown', ({ claims, reason }) => {
    expect(readRootClaims({ ...ROOT, ...claims })).toMatchObject({ ok: false, reason })
  })

  it.each(Object.keys(ROOT))('demands the claim %s', (name) => {
    const rest = Object.fromEntries(Object.entries(ROOT).filter(([other]) => other !== name))
    expect(readRootClaims(rest)).toMatchObject({ ok: false, reason: 'MALFORMED_GRANT' })
  })
})

describe('readDerivedClaims', () => {
  it('reads the claims, and ignores unknown ones', () => {
    expect(readDerivedClaims({ ...DERIVED, note: 'x' })).toMatchObject({
      ok: true,
      value: { parHash: DERIVED.par_hash, statement: 'a.b.c', allowedDomains: ['acme.test'], depth: 1 },
    })
  })

  it.each(DERIVED_ROWS.map(shown))('refuses $shown', ({ claims, reason }) => {
    expect(readDerivedClaims({ ...DERIVED, ...claims })).toMatchObject({ ok: false, reason })
  })

  it.each(Object.keys(DERIVED).filter((name) => name !== 'a4a_to'))('demands the claim %s', (name) => {
    const rest = Object.fromEntries(Object.entries(DERIVED).filter(([other]) => other !== name))
    const reason = name === 'a4a_holder' ? 'HOLDER_UNKNOWN' : 'MALFORMED_GRANT'
    expect(readDerivedClaims(rest)).toMatchObject({ ok: false, reason })
  })

  it('needs no a4a_to: the domains of the parent remain', () => {
    const { a4a_to: _, ...rest } = DERIVED
    expect(readDerivedClaims(rest)).toMatchObject({ ok: true, value: { allowedDomains: undefined } })
  })
})
