import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../../test/support/assertions.ts'
import { alphaGrant, CHAINS_TO, chainingWorld, GOOD_GRANT } from '../../../../test/support/federation/chaining-world.ts'
import {
  ACME,
  ACME_DID,
  ALPHA,
  AUDIENCE,
  accepts,
  acmeToken,
  alpha,
  alphaKey,
  BETA,
  blocks,
  CARGO,
  EDGES,
  GAMMA,
  GUILD,
  gamma,
  letsCall,
  member,
} from '../../../../test/support/federation/foreign-parties.ts'
import { type WorldOptions } from '../../../../test/support/federation/foreign-world.ts'
import type { KnownIssuer } from '../../issuers/known-issuer.ts'
import type { GrantDemands } from './judge-grant.ts'

type World = ReturnType<typeof chainingWorld>

const checkClient = () => {
  throw new Error('not the client')
}
const NOTHING: GrantDemands = { checkClient: () => undefined, scope: undefined, resource: undefined }

async function outcome({ chaining }: World, grant = alphaGrant(), demands: Partial<GrantDemands> = {}) {
  const judged = await chaining.judgeGrant(grant, { ...NOTHING, ...demands })
  return 'refused' in judged ? judged.refused : 'VALID'
}

describe('a grant of another deployment', () => {
  it('is valid with all that a token for it rests on', async () => {
    const judged = await chainingWorld().chaining.judgeGrant(alphaGrant(), NOTHING)
    expect(judged).toMatchObject({
      grant: GOOD_GRANT,
      kid: alphaKey.entry.kid,
      generation: 1,
      trusted: { owner: CARGO, audience: AUDIENCE, scopes: ['orders:read'], edges: [EDGES.alphaAcme, EDGES.letsCall] },
    })
  })

  it('is valid by the membership of a group at a third deployment', async () => {
    const judged = await chainingWorld({ rows: [accepts(), member()] }).chaining.judgeGrant(alphaGrant(), NOTHING)
    expect(judged).toMatchObject({ trusted: { edges: [EDGES.alphaAcme, EDGES.accepts, EDGES.member] } })
  })

  it.each<[string, Partial<KnownIssuer>]>([
    ['the key', { keys: new Map() }],
    ['all keys', { keysAsOf: undefined, keys: new Map() }],
  ])('is valid when the copy lacks %s that is stored since it was read', async (_, lacks) => {
    const world = chainingWorld({ issuers: [{ ...alpha, ...lacks }, gamma], fresh: { issuers: [alpha, gamma] } })
    expect(await outcome(world)).toBe('VALID')
  })

  it('is valid with the typ of any other chaining', async () => {
    expect(await outcome(chainingWorld(), alphaGrant({}, { typ: 'auth4agent-grant+jwt' }))).toBe('VALID')
  })

  it('gives the scopes that the client asks for, in the words of the audience', async () => {
    const { chaining } = chainingWorld()
    const grant = alphaGrant({ scope: 'read write' })
    const all = await chaining.judgeGrant(grant, NOTHING)
    expect(all).toMatchObject({ trusted: { scopes: ['orders:read', 'orders:write'] } })
    const some = await chaining.judgeGrant(grant, { ...NOTHING, scope: ['write'], resource: AUDIENCE })
    expect(some).toMatchObject({ trusted: { scopes: ['orders:write'] } })
  })
})

type Case = [name: string, expected: string, options: WorldOptions, grant?: string, demands?: Partial<GrantDemands>]

const stranger = generateKeyPair()
const change = (row: Partial<KnownIssuer>): WorldOptions => ({ issuers: [{ ...alpha, ...row }, gamma] })

const CASES: Case[] = [
  ['attack 24: an access token as a grant', 'MALFORMED_TOKEN', {}, acmeToken({ aud: [BETA] })],
  ['attack 24: a grant with the typ of an access token', 'MALFORMED_TOKEN', {}, alphaGrant({}, { typ: 'at+jwt' })],
  ['attack 24: a grant with the typ of a grant of a chain', 'MALFORMED_TOKEN', {}, alphaGrant({}, { typ: 'aat+jwt' })],
  ['attack 24: a list of audiences', 'MALFORMED_TOKEN', {}, alphaGrant({ aud: [BETA, 'https://other.example'] })],
  ['attack 24: a list with the one audience', 'MALFORMED_TOKEN', {}, alphaGrant({ aud: [BETA] })],
  ['attack 24: a grant for another deployment', 'AUDIENCE_MISMATCH', {}, alphaGrant({ aud: ALPHA })],
  ['attack 4: an audience that differs by a slash', 'AUDIENCE_MISMATCH', {}, alphaGrant({ aud: `${BETA}/` })],
  ['attack 3: a header with jwk', 'MALFORMED_TOKEN', {}, alphaGrant({}, { jwk: {} })],
  ['an unknown claim', 'MALFORMED_TOKEN', {}, alphaGrant({ authorization_details: [] })],
  ['a grant in which another agent acts', 'MALFORMED_TOKEN', {}, alphaGrant({ act: { sub: ACME_DID } })],
  ['another client than the subject', 'MALFORMED_TOKEN', {}, alphaGrant({ client_id: `${ACME_DID.slice(0, -1)}0` })],
  ['a grant without cnf', 'MALFORMED_TOKEN', {}, alphaGrant({ cnf: undefined })],
  ['a grant without scope', 'MALFORMED_TOKEN', {}, alphaGrant({ scope: '' })],
  ['a grant without token', 'MALFORMED_TOKEN', {}, alphaGrant({ token: undefined })],
  ['a token with another member', 'MALFORMED_TOKEN', {}, alphaGrant({ token: { ...GOOD_GRANT.token, sub: 'x' } })],
  ['a token that expires never', 'MALFORMED_TOKEN', {}, alphaGrant({ token: { ...GOOD_GRANT.token, exp: 1e15 } })],
  ['a token without its key', 'MALFORMED_TOKEN', {}, alphaGrant({ token: { jti: 'j', exp: NOW_S + 900 } })],
  [
    'a token with a key that is no thumbprint',
    'MALFORMED_TOKEN',
    {},
    alphaGrant({ token: { ...GOOD_GRANT.token, kid: 'x' } }),
  ],
  ['no edge', 'MALFORMED_TOKEN', {}, alphaGrant({ edge: undefined })],
  ['an edge that is no UUID', 'MALFORMED_TOKEN', {}, alphaGrant({ edge: 'x' })],
  ['a resource that is no audience', 'MALFORMED_TOKEN', {}, alphaGrant({ resource: 'https://Api.example' })],
  ['an issuer that is not admitted', 'ISSUER_NOT_TRUSTED', { issuers: [gamma] }],
  ['an issuer of the kind oauth', 'ISSUER_NOT_TRUSTED', change({ kind: 'oauth' })],
  ['attack 25: an issuer without revocations', 'ISSUER_NOT_TRUSTED', change({ mode: 'none' })],
  ['an issuer whose revocations are asked for', 'ISSUER_NOT_TRUSTED', change({ mode: 'introspection' })],
  ['a disabled issuer', 'ISSUER_DISABLED', change({ isEnabled: false })],
  ['attack 22: a grant of before the issuer was enabled again', 'ISSUER_DISABLED', change({ acceptedFromS: NOW_S })],
  ['an issuer without keys yet', 'ISSUER_KEYS_UNAVAILABLE', change({ keysAsOf: undefined })],
  ['a trust chain that has ended', 'ISSUER_KEYS_UNAVAILABLE', change({ validUntil: NOW_S * 1_000 })],
  ['a key that the issuer does not have', 'UNKNOWN_KEY', {}, alphaGrant({}, {}, stranger)],
  [
    'attack 1: the issuer of another under an own key',
    'SIGNATURE_INVALID',
    {},
    alphaGrant({}, { kid: alphaKey.entry.kid }, stranger),
  ],
  ['an algorithm that the administrator has not allowed', 'UNSUPPORTED_ALGORITHM', change({ algorithms: ['ES256'] })],
  ['attack 27: a lifetime above 300 seconds', 'LIFETIME_TOO_LONG', {}, alphaGrant({ exp: NOW_S + 301 })],
  ['attack 27: an issue 12 seconds in the future', 'TOKEN_NOT_YET_VALID', {}, alphaGrant({ iat: NOW_S + 12 })],
  ['attack 27: an expiry 11 seconds ago', 'TOKEN_EXPIRED', {}, alphaGrant({ iat: NOW_S - 60, exp: NOW_S - 10 })],
  [
    'a token at home that has expired',
    'TOKEN_EXPIRED',
    {},
    alphaGrant({ token: { ...GOOD_GRANT.token, exp: NOW_S + 1 } }),
  ],
  [
    "attack 5: an agent of another deployment's domain",
    'SUBJECT_OUTSIDE_NAMESPACE',
    {},
    (() => {
      const sub = ACME_DID.replace('acme', 'cargo')
      return alphaGrant({ sub, client_id: sub })
    })(),
  ],
  ['attack 6: another operator of the domain', 'SUBJECT_OUTSIDE_NAMESPACE', {}, alphaGrant({ operator_id: GUILD })],
  ['an audience that nobody owns', 'AUDIENCE_UNKNOWN', {}, alphaGrant({ resource: 'https://nobody.example' })],
  ['the issuer of this deployment as the audience', 'AUDIENCE_UNKNOWN', {}, alphaGrant({ resource: BETA })],
  ['another resource than that of the grant', 'AUDIENCE_UNKNOWN', {}, alphaGrant(), { resource: `${AUDIENCE}/x` }],
  ['a block', 'TRUST_NOT_FOUND', { rows: [letsCall(), blocks()] }],
  ['no path', 'TRUST_NOT_FOUND', { rows: [] }],
  ['a path that has expired', 'TRUST_NOT_FOUND', { rows: [letsCall({ exp: NOW_S })] }],
  ['attack 10: a scope that is not mapped', 'SCOPE_MISSING', {}, alphaGrant({ scope: 'read admin' })],
  ['attack 10: a scope that the grant does not have', 'SCOPE_MISSING', {}, alphaGrant(), { scope: ['write'] }],
]

describe('the judge of grants refuses', () => {
  it.each<Case>(CASES)('%s: %s', async (_name, expected, options, grant, demands) => {
    expect(await outcome(chainingWorld(options), grant, demands)).toBe(expected)
  })

  it('attack 27: and accepts both ends of the clock skew', async () => {
    const world = chainingWorld()
    expect(await outcome(world, alphaGrant({ iat: NOW_S + 11 }))).toBe('VALID')
    expect(await outcome(world, alphaGrant({ iat: NOW_S - 60, exp: NOW_S - 8 }))).toBe('VALID')
  })

  it('attack 23: a grant whose client is not the sender, before it looks at the domain', async () => {
    const grant = alphaGrant({ operator_id: GUILD })
    await expect(outcome(chainingWorld(), grant, { checkClient })).rejects.toThrow('not the client')
    expect(await outcome(chainingWorld(), alphaGrant({ aud: ALPHA }), { checkClient })).toBe('AUDIENCE_MISMATCH')
  })
})

type Ending = [expected: string, what: string, ...record: Parameters<World['record']>]

/** The key of the token at home, if another one signed the grant. */
const TOKEN_KID = 'A'.repeat(43)

const RECORDS: Ending[] = [
  ['TOKEN_REVOKED', 'the token at home', 'token', { operatorId: ACME, subject: 'token-at-home' }, ALPHA],
  ['AGENT_TOKENS_ENDED', 'the agent at home', 'agent', { operatorId: ACME, subject: ACME_DID, minimumEpoch: 4 }, ALPHA],
  ['OPERATOR_TOKENS_ENDED', 'the operator at home', 'operator', { operatorId: ACME, minimumEpoch: 8 }, ALPHA],
  ['UNKNOWN_KEY', 'the key that signed the grant', 'key', { subject: alphaKey.entry.kid }, ALPHA],
  ['UNKNOWN_KEY', 'the key of the token at home', 'key', { subject: TOKEN_KID }, ALPHA],
  ['TRUST_ENDED', 'the statement of the home operator', 'edge', { subject: CHAINS_TO }, ALPHA],
  ['TRUST_ENDED', 'the statement of the owner', 'edge', { subject: EDGES.letsCall }],
  ['TRUST_ENDED', 'the domain of the issuer', 'edge', { subject: EDGES.alphaAcme }],
  ['TRUST_ENDED', 'the owner', 'operator', { operatorId: CARGO, minimumEpoch: 2 }],
  ['ISSUER_DISABLED', 'the issuer', 'issuer', { subject: ALPHA, minimumEpoch: 2 }],
]

describe('a record in a log', () => {
  it.each<Ending>(RECORDS)('gives %s when it ends %s', async (expected, _what, kind, ending, issuer) => {
    const world = chainingWorld()
    world.record(kind, ending, issuer)
    const token = { ...GOOD_GRANT.token, kid: TOKEN_KID }
    expect(await outcome(world, alphaGrant({ token }))).toBe(expected)
  })

  it('of a third deployment ends a grant through its statements', async () => {
    const world = chainingWorld({ rows: [accepts(), member()] })
    world.record('edge', { subject: EDGES.member }, GAMMA)
    expect(await outcome(world)).toBe('TRUST_ENDED')
  })

  it('of another deployment does not end a grant', async () => {
    const world = chainingWorld()
    world.record('operator', { operatorId: ACME, minimumEpoch: 8 }, GAMMA)
    expect(await outcome(world)).toBe('VALID')
  })
})

describe('knowledge that is too old', () => {
  it.each([
    [ALPHA, 'of the revocations at home', {}],
    [GAMMA, 'of the statements of a third deployment', { rows: [accepts(), member()] }],
  ])('of %s gives ISSUER_REVOCATIONS_STALE: %s', async (issuer, _what, options) => {
    const world = chainingWorld(options)
    const log = world.logs.get(issuer)
    if (log !== undefined) log.ageMs = 5_001
    expect(await outcome(world)).toBe('ISSUER_REVOCATIONS_STALE')
    world.logs.delete(issuer)
    expect(await outcome(world)).toBe('ISSUER_REVOCATIONS_STALE')
  })

  it('of the revocations at home is found before the trust is decided', async () => {
    const world = chainingWorld({ rows: [] })
    world.logs.delete(ALPHA)
    expect(await outcome(world)).toBe('ISSUER_REVOCATIONS_STALE')
  })

  it('that may have been forgotten refuses the grant', async () => {
    const world = chainingWorld()
    const log = world.logs.get(ALPHA)
    if (log !== undefined) log.forgottenThroughS = NOW_S + 900
    expect(await outcome(world)).toBe('TOKEN_EXPIRED')
  })
})

describe('a copy', () => {
  it('may not say no: what it lacks is read', async () => {
    const fresh = { issuers: [alpha, gamma], rows: [letsCall()] }
    expect(await outcome(chainingWorld({ issuers: [], rows: [], fresh }))).toBe('VALID')
  })

  it('whose statement has ended gives way to a newer statement', async () => {
    const rows = [letsCall({ id: 'e0000000-0000-8000-8000-000000000007' })]
    const world = chainingWorld({ fresh: { rows } })
    world.record('edge', { subject: EDGES.letsCall })
    expect(await outcome(world)).toBe('VALID')
  })
})
