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
import { foreignWorld, type WorldOptions } from '../../../test/support/federation/foreign-world.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import type { ForeignDemands } from './verify-foreign.ts'

const VALID = 'VALID'

async function outcome(world: ReturnType<typeof foreignWorld>, token: string, demands?: Partial<ForeignDemands>) {
  const verification = await world.verify(token, demands)
  return verification.valid ? VALID : verification.reason
}

const want = (change: Partial<ForeignDemands['wanted']>) => ({
  wanted: { audience: [AUDIENCE], scope: ['orders:read'], operators: [], ...change },
})

describe('a foreign token', () => {
  it('is valid, and the answer says by which edges and how old the knowledge is', async () => {
    const verification = await foreignWorld().verify(acmeToken())
    expect(verification).toMatchObject({
      valid: true,
      claims: { iss: ALPHA, sub: ACME_DID, operator_id: ACME, scope: 'read' },
      trust: {
        trusted: { audience: AUDIENCE, scopes: ['orders:read'], edges: [EDGES.alphaAcme, EDGES.letsCall] },
        maxStalenessMs: 5_000,
      },
    })
  })

  it('is valid by the membership of a group at a third deployment', async () => {
    const verification = await foreignWorld({ rows: [accepts(), member()] }).verify(acmeToken())
    expect(verification).toMatchObject({
      valid: true,
      trust: { trusted: { edges: [EDGES.alphaAcme, EDGES.accepts, EDGES.member] } },
    })
  })

  it('that was seen is refused when its key is withdrawn', async () => {
    const world = foreignWorld()
    expect(await outcome(world, acmeToken())).toBe(VALID)
    world.change({ ...alpha, keys: new Map() })
    expect(await outcome(world, acmeToken())).toBe('UNKNOWN_KEY')
  })

  it('that was seen is not the token of another issuer', async () => {
    const world = foreignWorld()
    expect(await outcome(world, acmeToken())).toBe(VALID)
    expect(await outcome(world, acmeToken(), { issuer: GAMMA })).toBe('UNKNOWN_KEY')
  })

  // Attack 2: anybody can publish the key of another issuer, and the key of its next rotation.
  it('whose key another issuer publishes too is valid, and is no token of the other issuer', async () => {
    const world = foreignWorld({ issuers: [alpha, { ...gamma, keys: alpha.keys }] })
    expect(await outcome(world, acmeToken(), { issuer: GAMMA })).toBe('WRONG_ISSUER')
    expect(await outcome(world, acmeToken())).toBe(VALID)
    expect(await outcome(world, acmeToken(), { issuer: GAMMA })).toBe('WRONG_ISSUER')
  })

  it('for an audience without an owner asks the database for no statements', async () => {
    const world = foreignWorld()
    const audience = 'https://x.example'
    expect(await outcome(world, acmeToken({ aud: [audience] }), want({ audience: [audience] }))).toBe('TRUST_NOT_FOUND')
    expect(world.asked.database).toBe(0)
  })

  it('that repeats a scope or names scopes in another order asks no other question', async () => {
    const world = foreignWorld()
    for (const scope of ['read write', 'write read', 'read read write']) {
      expect(await outcome(world, acmeToken({ scope, jti: scope.replaceAll(' ', '-') }))).toBe(VALID)
    }
    expect(world.asked.owner).toBe(1)
  })

  it('is decided once for some seconds, and the database is asked for no yes', async () => {
    const world = foreignWorld()
    await world.verify(acmeToken())
    await world.verify(acmeToken({ jti: 'another' }))
    expect(world.asked).toEqual({ database: 0, owner: 1 })
  })
})

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

it('a token is refused if its statement expires while its issuer is asked', async () => {
  const asked: { expire: () => void } = { expire: () => undefined }
  const world = foreignWorld({
    issuers: [{ ...alpha, mode: 'introspection' }],
    rows: [letsCall({ exp: NOW_S + 60 })],
    async introspect() {
      asked.expire()
      return { isActive: true, askedAt: { monotonic: 0, wall: NOW_S * 1_000 } }
    },
  })
  asked.expire = () => {
    world.clock.nowS = NOW_S + 60
  }
  expect(await outcome(world, acmeToken())).toBe('TRUST_NOT_FOUND')
})

it('a group at a third deployment counts without a copy, because its issuer is read too', async () => {
  const world = foreignWorld({ rows: [accepts(), member()], hasCopy: false })
  expect(await outcome(world, acmeToken())).toBe(VALID)
})

it.each([true, false])('a group counts only while its trust chain holds, with copy: %s', async (hasCopy) => {
  const until = (ms: number) => foreignWorld({ ...byGroup, hasCopy, issuers: [alpha, { ...gamma, validUntil: ms }] })
  expect(await outcome(until((NOW_S + 60) * 1_000), acmeToken())).toBe(VALID)
  expect(await outcome(until(NOW_S * 1_000), acmeToken())).toBe('TRUST_NOT_FOUND')
})

it('a decision ends with the trust chain of the issuer', async () => {
  const world = foreignWorld({ issuers: [{ ...alpha, validUntil: (NOW_S + 60) * 1_000 }, gamma] })
  expect(await world.verify(acmeToken())).toMatchObject({ valid: true, trust: { trusted: { exp: NOW_S + 60 } } })
})

const byGroup = { rows: [accepts(), member()] }

describe('a copy', () => {
  it.each<[string, WorldOptions]>([
    ['an issuer that was added since', { issuers: [gamma], fresh: { issuers: [alpha, gamma] } }],
    ['keys that were fetched since', { issuers: [{ ...alpha, keysAsOf: undefined }], fresh: { issuers: [alpha] } }],
    ['a key that was fetched since', { issuers: [{ ...alpha, keys: new Map() }], fresh: { issuers: [alpha] } }],
    ['a domain that was proven since', { issuers: [{ ...alpha, domains: new Map() }], fresh: { issuers: [alpha] } }],
    ['a statement that was put since', { rows: [], fresh: { rows: [letsCall()] } }],
    ['a trust chain that was renewed since', { issuers: [{ ...alpha, validUntil: 0 }], fresh: { issuers: [alpha] } }],
    [
      "a group's trust chain that was renewed since",
      { ...byGroup, issuers: [alpha, { ...gamma, validUntil: 0 }], fresh: { ...byGroup, issuers: [alpha, gamma] } },
    ],
    ['an issuer that was enabled since', { issuers: [{ ...alpha, isEnabled: false }], fresh: { issuers: [alpha] } }],
  ])('never says no: %s', async (_name, options) => {
    expect(await outcome(foreignWorld(options), acmeToken())).toBe(VALID)
  })

  it('whose statement has ended is not used, but a newer statement is', async () => {
    const newer = letsCall({ id: 'e0000000-0000-8000-8000-000000000008' })
    const world = foreignWorld({ fresh: { rows: [newer] } })
    world.record('edge', { subject: EDGES.letsCall })
    expect(await world.verify(acmeToken())).toMatchObject({
      valid: true,
      trust: { trusted: { edges: [EDGES.alphaAcme, newer.id] } },
    })
  })
})

it('an issuer that asks for introspection since is asked, and the sender proves its key once', async () => {
  const proofs: unknown[] = []
  const checkSender = (claims: unknown) => void proofs.push(claims)
  const since = { fresh: { issuers: [{ ...alpha, mode: 'introspection', generation: 2 } as const] } }
  for (const [isActive, expected] of [
    [false, 'TOKEN_REVOKED'],
    [true, VALID],
  ] as const) {
    const world = foreignWorld({
      ...since,
      introspect: async () => ({ isActive, askedAt: { monotonic: 0, wall: NOW_S * 1_000 } }),
    })
    world.record('issuer', { subject: ALPHA, minimumEpoch: 2 })
    expect(await outcome(world, acmeToken(), { checkSender })).toBe(expected)
  }
  expect(proofs).toHaveLength(2)
})

type Ended = readonly [
  name: string,
  expected: string,
  kind: 'issuer' | 'edge' | 'operator' | 'agent' | 'token' | 'key',
  record: object,
  issuer?: string,
]

const ENDS: readonly Ended[] = [
  ['the issuer is disabled', 'ISSUER_DISABLED', 'issuer', { subject: ALPHA, minimumEpoch: 2 }],
  ['the issuer of the group is disabled', 'ISSUER_DISABLED', 'issuer', { subject: GAMMA, minimumEpoch: 2 }],
  ['attack 6: the DNS record names another', 'TRUST_ENDED', 'edge', { subject: EDGES.alphaAcme }],
  ["the DNS record of the group's domain names another", 'TRUST_ENDED', 'edge', { subject: EDGES.gammaGuild }],
  ['the owner revokes', 'TRUST_ENDED', 'edge', { subject: EDGES.accepts }],
  ['the membership ends here', 'TRUST_ENDED', 'edge', { subject: EDGES.member }],
  ['the owner is suspended', 'TRUST_ENDED', 'operator', { operatorId: CARGO, minimumEpoch: 2 }],
  ['the membership ends at the third deployment', 'TRUST_ENDED', 'edge', { subject: EDGES.member }, GAMMA],
  [
    'the group is suspended at its deployment',
    'TRUST_ENDED',
    'operator',
    { operatorId: GUILD, minimumEpoch: 5 },
    GAMMA,
  ],
  ['the token is revoked by its issuer', 'TOKEN_REVOKED', 'token', { operatorId: ACME, subject: 'jti-1' }, ALPHA],
  [
    'the agent is suspended by its issuer',
    'AGENT_TOKENS_ENDED',
    'agent',
    { operatorId: ACME, subject: ACME_DID, minimumEpoch: 2 },
    ALPHA,
  ],
  [
    'the operator is suspended by its issuer',
    'OPERATOR_TOKENS_ENDED',
    'operator',
    { operatorId: ACME, minimumEpoch: 3 },
    ALPHA,
  ],
  ['the key is compromised', 'UNKNOWN_KEY', 'key', { subject: alphaKey.entry.kid }, ALPHA],
]

describe('a token that was valid is refused when', () => {
  for (const [name, expected, kind, record, issuer] of ENDS) {
    it(`${name}: ${expected}`, async () => {
      const world = foreignWorld({ rows: [accepts(), member()] })
      expect(await outcome(world, acmeToken())).toBe(VALID)
      world.record(kind, record, issuer)
      expect(await outcome(world, acmeToken())).toBe(expected)
    })
  }

  it.each([
    ["its issuer's log is stale", ALPHA],
    ["attack 17: the log of the group's deployment is stale", GAMMA],
  ])('%s', async (_name, issuer) => {
    const world = foreignWorld({ rows: [accepts(), member()] })
    const log = world.logs.get(issuer)
    if (log !== undefined) log.ageMs = 5_001
    expect(await outcome(world, acmeToken())).toBe('ISSUER_REVOCATIONS_STALE')
  })

  it('its issuer has no log that is followed', async () => {
    const world = foreignWorld()
    world.logs.delete(ALPHA)
    expect(await outcome(world, acmeToken())).toBe('ISSUER_REVOCATIONS_STALE')
  })

  it('the log has forgotten records about tokens as old as it', async () => {
    const world = foreignWorld()
    const log = world.logs.get(ALPHA)
    if (log !== undefined) log.forgottenThroughS = NOW_S + 900
    expect(await outcome(world, acmeToken())).toBe('TOKEN_EXPIRED')
  })
})

it('attack 32: a foreign log that names operators and edges of others ends none of their tokens', async () => {
  const world = foreignWorld()
  world.record('operator', { operatorId: ACME, minimumEpoch: 99 }, GAMMA)
  world.record('edge', { subject: EDGES.letsCall }, ALPHA)
  expect(await outcome(world, acmeToken())).toBe(VALID)
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
