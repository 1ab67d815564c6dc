import { expect, it } from 'vitest'
import { GOOD_CLAIMS } from '../../../../test/support/access-tokens.ts'
import { tokenIdentity } from './token-identity.ts'

const BARE = {
  jti: GOOD_CLAIMS.jti,
  sub: GOOD_CLAIMS.sub,
  operatorId: GOOD_CLAIMS.operator_id,
  agentEpoch: 3,
  operatorEpoch: 5,
  kid: 'key 1',
}
const edges = ['0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b']
const kids = ['A'.repeat(43)]
const home = {
  iss: 'https://other.example',
  jti: 'j',
  kids,
  generation: 7,
  epoch: [1, 2],
  edge: edges[0] ?? '',
} as const
const homeOf = { issuer: 'https://other.example', generation: 7 }

it.each([
  ['a token that was not issued through trust', {}, {}],
  ['a token with edges', { edges }, { edges }],
  ['a token with a home', { home }, { home: homeOf }],
  ['a token with both', { edges, home }, { edges, home: homeOf }],
])('tokenIdentity returns what is looked up for %s', (_name, claims, more) => {
  const made = tokenIdentity({ ...GOOD_CLAIMS, epoch: [3, 5], ...claims }, 'key 1')
  expect(made).toStrictEqual({ ...BARE, ...more })
})
