import { expect, it } from 'vitest'
import { accessToken, GOOD_CLAIMS, knownKey } from '../../../test/support/access-tokens.ts'
import { ISSUER, NOW_S } from '../../../test/support/assertions.ts'
import { systemRuntime } from './runtime.ts'
import { openServer } from './server.ts'
import { createJwksVerifier } from './verify-by-jwks.ts'

const { pair, entry } = knownKey()
const jwks = { keys: [{ ...entry.jwk, kid: entry.kid, alg: entry.alg, use: 'sig' }] }
const runtime = { ...systemRuntime, wallMs: () => NOW_S * 1000 }
const server = openServer({ server: ISSUER, fetch: async () => Response.json(jwks) }, runtime)
const verify = createJwksVerifier(server, runtime)
const cnf = { jkt: entry.kid }

it('the verifier accepts a token that is not bound to a key', async () => {
  expect(await verify(accessToken(pair))).toEqual({ valid: true, claims: GOOD_CLAIMS })
})

it.each([
  ['PROOF_REQUIRED', { cnf }],
  ['TOKEN_EXPIRED', { cnf, iat: NOW_S - 900, nbf: NOW_S - 900, exp: NOW_S - 60 }],
  ['AUDIENCE_MISMATCH', { cnf, aud: ['https://other.example'] }],
  ['MALFORMED_TOKEN', { cnf: { ...cnf, 'x5t#S256': cnf.jkt } }],
  ['DELEGATION_NOT_ACCEPTED', { cnf, act: { sub: 'x' } }],
  ['DELEGATION_NOT_ACCEPTED', { cnf, a4a_lineage: [] }],
  ['MALFORMED_TOKEN', { cnf: {} }],
  ['MALFORMED_TOKEN', { cnf: null }],
])('the verifier answers %s for a bound token with the claims %j', async (reason, claims) => {
  const wanted = { audience: 'https://b.example' }
  expect(await verify(accessToken(pair, {}, claims), wanted)).toEqual({ valid: false, reason })
})
