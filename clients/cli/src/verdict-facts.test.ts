import { expect, it } from 'vitest'
import { accessToken, GOOD_CLAIMS, knownKey } from '../../../test/support/access-tokens.ts'
import { ISSUER } from '../../../test/support/assertions.ts'
import { verdictFacts } from './verdict-facts.ts'

const token = accessToken(knownKey().pair)
const wanted = { audience: ['https://x.example', 'y.example'], scope: ['admin', 'read'], operators: ['z.example'] }
const judged = { token, issuer: ISSUER, claims: { ...GOOD_CLAIMS, epoch: [1, 1] as const }, wanted }
const OTHER = 'https://other.example'

it.each<[string, string, object, object | undefined]>([
  [
    'the audiences',
    'AUDIENCE_MISMATCH',
    {},
    { wanted: 'audience https://x.example or y.example', has: GOOD_CLAIMS.aud.join(' ') },
  ],
  ['the scopes', 'SCOPE_MISSING', {}, { wanted: 'scope admin read', has: GOOD_CLAIMS.scope }],
  ['a token without scopes', 'SCOPE_MISSING', { claims: { ...GOOD_CLAIMS, scope: '' } }, { has: 'no scope' }],
  [
    'the operators',
    'OPERATOR_NOT_TRUSTED',
    {},
    { wanted: 'operator z.example', has: `a.example ${GOOD_CLAIMS.operator_id}` },
  ],
  [
    'the issuers, and how to verify the token of another one',
    'WRONG_ISSUER',
    { issuer: OTHER, claims: undefined },
    {
      wanted: `issuer ${OTHER}`,
      has: `${ISSUER}, by its own account`,
      advice: expect.stringContaining(`--foreign-issuer ${ISSUER} --aud`),
    },
  ],
  [
    'the issuers of an unknown key',
    'UNKNOWN_KEY',
    { issuer: OTHER, claims: undefined },
    { has: `${ISSUER}, by its own account` },
  ],
  [
    'that an unknown key is of the same issuer',
    'UNKNOWN_KEY',
    { claims: undefined },
    { advice: expect.stringContaining('has ended the key') },
  ],
  ['nothing for a text that is no JWT', 'UNKNOWN_KEY', { token: 'x.e30.y', claims: undefined }, undefined],
  ['nothing for a verdict that says enough', 'TOKEN_EXPIRED', {}, undefined],
])('verdictFacts tells %s', (_name, verdict, changes, expected) => {
  const facts = verdictFacts(verdict, { ...judged, ...changes })
  if (expected === undefined) expect(facts).toBeUndefined()
  else expect(facts).toMatchObject(expected)
})
