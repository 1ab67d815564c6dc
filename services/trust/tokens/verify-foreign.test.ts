import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import {
  ACME,
  ACME_DID,
  ALPHA,
  AUDIENCE,
  accepts,
  acmeToken,
  alpha,
  EDGES,
  GAMMA,
  gamma,
  letsCall,
  member,
} from '../../../test/support/federation/foreign-parties.ts'
import { foreignWorld, outcome, type WorldOptions, want } from '../../../test/support/federation/foreign-world.ts'

const VALID = 'VALID'

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

  it('that no statement allows has the statements read once, though the owner of the audience is remembered', async () => {
    const world = foreignWorld({ rows: [] })
    expect(await outcome(world, acmeToken())).toBe('TRUST_NOT_FOUND')
    const before = world.asked.database
    expect(await outcome(world, acmeToken())).toBe('TRUST_NOT_FOUND')
    expect(world.asked.database).toBe(before + 1)
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

const byGroup = { rows: [accepts(), member()] }

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
