import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { describe, expect, it } from 'vitest'
import { knownKey } from '../../../test/support/access-tokens.ts'
import { NOW_S } from '../../../test/support/assertions.ts'
import {
  ACME,
  ACME_DID,
  ALPHA,
  AUDIENCE,
  accepts,
  acmeToken,
  alpha,
  alphaKey,
  blocks,
  CARGO,
  EDGES,
  GAMMA,
  GUILD,
  gamma,
  letsCall,
  member,
} from '../../../test/support/federation/foreign-parties.ts'
import { foreignWorld, outcome, type WorldOptions, want } from '../../../test/support/federation/foreign-world.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import type { ForeignDemands } from './verify-foreign.ts'

const VALID = 'VALID'

type Case = readonly [
  name: string,
  expected: string,
  options: WorldOptions,
  token?: string,
  demands?: Partial<ForeignDemands>,
]

const change = (row: Partial<KnownIssuer>): WorldOptions => ({ issuers: [{ ...alpha, ...row }, gamma] })
const foreign = generateKeyPair()
const ATTESTED = { attestation: [{ attestor: 'boot', type: 'tpm', level: 'hardware', at: NOW_S - 60 }] }
const bound = { cnf: { jkt: alphaKey.entry.kid } }

const IDENTITY: readonly Case[] = [
  ['an issuer that is not admitted', 'ISSUER_NOT_TRUSTED', { issuers: [gamma] }],
  ['an issuer that is disabled', 'ISSUER_DISABLED', change({ isEnabled: false })],
  ['an issuer whose keys were never fetched', 'ISSUER_KEYS_UNAVAILABLE', change({ keysAsOf: undefined })],
  ['keys that are older than a day', 'ISSUER_KEYS_UNAVAILABLE', change({ keysAsOf: (NOW_S - 86_401) * 1_000 })],
  ['attack 17: a trust chain that has ended', 'ISSUER_KEYS_UNAVAILABLE', change({ validUntil: NOW_S * 1_000 })],
  ['an issuer that has lost its trust chain', 'ISSUER_KEYS_UNAVAILABLE', change({ validUntil: 0 })],
  ["attack 1: another issuer's iss under one's own key", 'UNKNOWN_KEY', {}, acmeToken({}, {}, foreign)],
  [
    'attack 2: the key of another issuer',
    'UNKNOWN_KEY',
    {
      issuers: [
        { ...alpha, keys: gamma.keys },
        { ...gamma, keys: alpha.keys },
      ],
    },
  ],
  ['attack 3: jku in the header', 'MALFORMED_TOKEN', {}, acmeToken({}, { jku: 'https://evil.example/jwks' })],
  ['attack 3: x5u in the header', 'MALFORMED_TOKEN', {}, acmeToken({}, { x5u: 'https://evil.example/cert' })],
  ['attack 3: jwk in the header', 'MALFORMED_TOKEN', {}, acmeToken({}, { jwk: { kty: 'OKP' } })],
  ['attack 3: trust_chain in the header', 'MALFORMED_TOKEN', {}, acmeToken({}, { trust_chain: ['a.b.c'] })],
  ['attack 4: iss with a slash at the end', 'WRONG_ISSUER', {}, acmeToken({ iss: `${ALPHA}/` })],
  ['attack 4: the issuer asked for with a slash', 'ISSUER_NOT_TRUSTED', {}, acmeToken(), { issuer: `${ALPHA}/` }],
  [
    "attack 5: the issuer signs for another domain's DID",
    'SUBJECT_OUTSIDE_NAMESPACE',
    {},
    acmeToken({
      sub: 'did:agent:cargo.example:21fe31dfa154a261626bf854046fd227',
      client_id: 'did:agent:cargo.example:21fe31dfa154a261626bf854046fd227',
    }),
  ],
  [
    'a domain whose proof nobody has repeated for two hours',
    'SUBJECT_OUTSIDE_NAMESPACE',
    { issuers: [{ ...alpha, domains: provenBefore(7_200_001) }] },
  ],
  [
    'a domain whose proof is almost two hours old',
    VALID,
    { issuers: [{ ...alpha, domains: provenBefore(7_100_000) }] },
  ],
  ['attack 6: the domain has changed hands', 'SUBJECT_OUTSIDE_NAMESPACE', {}, acmeToken({ operator_id: GUILD })],
  [
    "a forged id: the operator id of the audience's owner",
    'SUBJECT_OUTSIDE_NAMESPACE',
    {},
    acmeToken({ operator_id: CARGO }),
  ],
  ['attack 25: an algorithm that the row does not list', 'UNSUPPORTED_ALGORITHM', change({ algorithms: ['ES256'] })],
  ['attack 24: a token of the type of a grant', 'MALFORMED_TOKEN', {}, acmeToken({}, { typ: 'auth4agent-grant+jwt' })],
  ['attack 27: issued in the future', 'TOKEN_NOT_YET_VALID', {}, acmeToken({ iat: NOW_S + 60, nbf: NOW_S + 60 })],
  ['attack 22: issued before the issuer was enabled again', 'ISSUER_DISABLED', change({ acceptedFromS: NOW_S })],
  ['a delegated token', 'DELEGATION_NOT_ACCEPTED', {}, acmeToken({ act: { sub: ACME_DID } })],
  ['an expired token', 'TOKEN_EXPIRED', {}, acmeToken({ iat: NOW_S - 900, nbf: NOW_S - 900, exp: NOW_S - 30 })],
  ['a lifetime beyond that of the row', 'LIFETIME_TOO_LONG', change({ maxTokenTtlS: 600 })],
  ['15 minutes without knowledge of revocations', 'LIFETIME_TOO_LONG', change({ mode: 'none' })],
  ['5 minutes without knowledge of revocations', VALID, change({ mode: 'none' }), acmeToken({ exp: NOW_S + 300 })],
]

const PERMISSION: readonly Case[] = [
  ['no statement', 'TRUST_NOT_FOUND', { rows: [] }],
  ['attack 9: a member of a group that the owner does not accept', 'TRUST_NOT_FOUND', { rows: [member()] }],
  [
    'attack 9: a group that the owner only lets call',
    'TRUST_NOT_FOUND',
    { rows: [accepts({ kind: 'lets-call', depth: 0 }), member()] },
  ],
  [
    'a membership that an operator of an issuer that is not admitted has signed',
    'TRUST_NOT_FOUND',
    { issuers: [alpha], rows: [accepts(), member()] },
  ],
  ['attack 10: a scope that the map lacks', 'TRUST_NOT_FOUND', {}, acmeToken({ scope: 'read delete' })],
  [
    'a scope that the token does not have at the audience',
    'SCOPE_MISSING',
    {},
    acmeToken(),
    want({ scope: ['orders:write'] }),
  ],
  ["a scope under the caller's own name", 'SCOPE_MISSING', {}, acmeToken(), want({ scope: ['read'] })],
  ['a block', 'TRUST_NOT_FOUND', { rows: [letsCall(), blocks()] }],
  ['an expired statement', 'TRUST_NOT_FOUND', { rows: [letsCall({ exp: NOW_S })] }],
  ['another audience', 'AUDIENCE_MISMATCH', {}, acmeToken({ aud: ['https://api.dock.example'] })],
  [
    'an audience without an owner',
    'TRUST_NOT_FOUND',
    {},
    acmeToken({ aud: ['https://x.example'] }),
    want({ audience: ['https://x.example'] }),
  ],
  [
    'an operator that the verifier does not want',
    'OPERATOR_NOT_TRUSTED',
    {},
    acmeToken(),
    want({ operators: ['dock.example'] }),
  ],
  [
    'a result of attestation, which another deployment has appraised',
    'ATTESTATION_REQUIRED',
    {},
    acmeToken(ATTESTED),
    want({ attestation: { types: [], attestors: [], level: 'bearer', maxAgeS: undefined } }),
  ],
  ['a result of attestation that nobody demands', VALID, {}, acmeToken(ATTESTED)],
  ['an operator that the verifier wants', VALID, {}, acmeToken(), want({ operators: ['acme.example'] })],
  [
    'a bearer token where the owner demands DPoP',
    'TOKEN_NOT_BOUND',
    { rules: [{ audience: AUDIENCE, dpop: 'required' }] },
  ],
  [
    'a bound token where the owner demands DPoP',
    VALID,
    { rules: [{ audience: AUDIENCE, dpop: 'required' }] },
    acmeToken(bound),
  ],
  ['a sender without the key', 'PROOF_REQUIRED', {}, acmeToken(bound), { checkSender: () => 'PROOF_REQUIRED' }],
]

describe.each([
  ['identity', IDENTITY],
  ['permission', PERMISSION],
] as const)('%s', (_leg, cases) => {
  for (const [name, expected, options, token = acmeToken(), demands = {}] of cases) {
    it(`${name}: ${expected}`, async () => {
      expect(await outcome(foreignWorld(options), token, demands)).toBe(expected)
      // Without a copy, the database decides the same.
      expect(await outcome(foreignWorld({ ...options, hasCopy: false }), token, demands)).toBe(expected)
    })
  }
})

it('a forged operator id at another domain does not count as the operator whose id it is', async () => {
  // evil.example at C names the operator id of acme in its own DNS record.
  const evil = knownKey()
  const domain = { domain: 'evil.example', edgeId: EDGES.gammaGuild, operatorId: ACME, provenAt: NOW_S * 1_000 }
  const row = { ...gamma, keys: new Map([[evil.entry.kid, evil.entry]]), domains: new Map([['evil.example', domain]]) }
  const sub = 'did:agent:evil.example:21fe31dfa154a261626bf854046fd227'
  const token = acmeToken({ iss: GAMMA, sub, client_id: sub }, {}, evil.pair)
  expect(await outcome(foreignWorld({ issuers: [alpha, row] }), token, { issuer: GAMMA })).toBe('TRUST_NOT_FOUND')
})

/** The domains of A, proven so many milliseconds ago. */
function provenBefore(ms: number): KnownIssuer['domains'] {
  return new Map([...alpha.domains].map(([name, domain]) => [name, { ...domain, provenAt: NOW_S * 1_000 - ms }]))
}
