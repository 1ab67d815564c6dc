import { describe, expect, it } from 'vitest'
import { GOOD_CLAIMS } from '../../../../test/support/access-tokens.ts'
import { newTrust } from '../../../../test/support/trust-records.ts'
import { type DelegatedClaims, formatDelegatedClaims, parseDelegatedClaims } from './delegated-claims.ts'
import { capabilitiesOf } from './delegated-token.ts'
import { parseCapabilities } from './parse-capabilities.ts'

const [A, B, C] = ['a', 'b', 'c'].map((name) => `did:agent:${name}.example:21fe31dfa154a261626bf854046fd227`) as [
  string,
  string,
  string,
]
const AUDIENCE = 'https://pay.example'
const party = (did: string, id: string) => ({
  operatorId: GOOD_CLAIMS.operator_id,
  did,
  epoch: [2, 3] as const,
  id,
  kid: 'key',
})
const details = parseCapabilities([
  { type: 'attenuating_agent_token', tools: { [`${AUDIENCE}#pay`]: { amount: { constraint_type: 'range', max: 5 } } } },
])
const CLAIMS: DelegatedClaims = {
  ...GOOD_CLAIMS,
  sub: A,
  client_id: C,
  aud: [AUDIENCE],
  scope: 'read write',
  epoch: [2, 3],
  cnf: { jkt: 'x'.repeat(42) + 'w' },
  lineage: [party(A, 'root'), party(B, 'middle'), party(C, 'leaf')],
  details: details.ok ? details.value : new Map(),
}
const GOOD = JSON.parse(JSON.stringify(formatDelegatedClaims(CLAIMS)))
const entries: readonly unknown[][] = GOOD.a4a_lineage
const entry = (place: number, at: number, value: unknown) =>
  entries.map((each, index) => (index === place ? each.with(at, value) : each))

describe('parseDelegatedClaims', () => {
  it('reads what formatDelegatedClaims writes', () => {
    expect(GOOD.act).toEqual({ sub: C, act: { sub: B } })
    expect(parseDelegatedClaims(GOOD)).toEqual(CLAIMS)
    const { authorization_details: _, ...bare } = GOOD
    expect(parseDelegatedClaims(bare)).toEqual({ ...CLAIMS, details: new Map() })
  })

  it.each<[string, object]>([
    ['no act', { act: undefined }],
    ['a token of another issuer', { home: newTrust().chained.home, edges: newTrust().chained.edges }],
    ['an act without the middle', { act: { sub: C } }],
    ['an act in the wrong order', { act: { sub: B, act: { sub: C } } }],
    ['an act that goes on', { act: { sub: C, act: { sub: B, act: { sub: A } } } }],
    ['an act with another member', { act: { ...GOOD.act, client_id: C } }],
    ['a client that is the principal', { client_id: A }],
    ['a client that is the middle', { client_id: B }],
    ['no lineage', { a4a_lineage: undefined }],
    ['a lineage of one', { a4a_lineage: entries.slice(0, 1), act: undefined, client_id: A }],
    ['a lineage of ten', { a4a_lineage: Array.from({ length: 10 }, () => entries[0]) }],
    ['a lineage of another principal', { a4a_lineage: entry(0, 1, B) }],
    ['a lineage of another operator', { a4a_lineage: entry(0, 0, '3f8c1f1e-62c7-4a8e-9d0e-6f6b3c1d2e4f') }],
    ['a lineage with another epoch of the principal', { a4a_lineage: entry(0, 2, 1) }],
    ['a lineage with an epoch of zero', { a4a_lineage: entry(1, 3, 0) }],
    ['a lineage with an empty id', { a4a_lineage: entry(1, 4, '') }],
    ['a lineage with a malformed kid', { a4a_lineage: entry(1, 5, 'a b') }],
    ['a lineage with a malformed DID', { a4a_lineage: entry(1, 1, 'agent') }],
    ['a lineage whose entry is longer', { a4a_lineage: entries.map((each) => each.concat(1)) }],
    ['no cnf', { cnf: undefined }],
    ['may_act', { may_act: { sub: B } }],
    ['another claim of this project', { a4a_once: true }],
    ['details of another type', { authorization_details: [{ type: 'payment' }] }],
    ['details that are empty', { authorization_details: [] }],
    ['details at another audience', { aud: ['https://other.example'] }],
    ['details for a scope that is unconstrained', { scope: 'read pay' }],
  ])('refuses a payload with %s', (_, edits) => {
    const payload = Object.fromEntries(Object.entries({ ...GOOD, ...edits }).filter(([, value]) => value !== undefined))
    expect(parseDelegatedClaims(payload)).toBeUndefined()
  })
})

it('capabilitiesOf gives each scope at each audience without constraints, and the details', () => {
  const both = { ...CLAIMS, aud: [AUDIENCE, 'https://api.example'] }
  expect([...capabilitiesOf(both).keys()].toSorted()).toEqual([
    'https://api.example#read',
    'https://api.example#write',
    `${AUDIENCE}#pay`,
    `${AUDIENCE}#read`,
    `${AUDIENCE}#write`,
  ])
  expect([...capabilitiesOf({ ...CLAIMS, scope: '' }).keys()]).toEqual([`${AUDIENCE}#pay`])
})
