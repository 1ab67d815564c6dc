import { expect, it } from 'vitest'
import { GOOD_CLAIMS } from '../../../../test/support/access-tokens.ts'
import { checkBinding } from './check-binding.ts'
import { type AccessTokenClaims, parseAccessTokenClaims } from './claims.ts'

const JKT = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
const OTHER_JKT = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
const read = (edits: object): AccessTokenClaims =>
  parseAccessTokenClaims({ ...GOOD_CLAIMS, ...edits }) ?? expect.unreachable('The claims must be good')
const BEARER = read({})
const BOUND = read({ cnf: { jkt: JKT } })

it.each([
  ['no proof', 'a token that is not bound', BEARER, undefined, undefined],
  ['no proof', 'a bound token', BOUND, undefined, 'PROOF_REQUIRED'],
  ['a proof of the key', 'a bound token', BOUND, { jkt: JKT }, undefined],
  ['a proof of another key', 'a bound token', BOUND, { jkt: OTHER_JKT }, 'PROOF_INVALID'],
  ['a proof', 'a token that is not bound', BEARER, { jkt: JKT }, 'TOKEN_NOT_BOUND'],
] as const)('checkBinding judges %s with %s', (_proof, _token, claims, proof, verdict) => {
  expect(checkBinding(claims, proof)).toBe(verdict)
})
