import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../../test/support/assertions.ts'
import { CHAINS_TO, chainingWorld } from '../../../../test/support/federation/chaining-world.ts'
import {
  ACME,
  ACME_DID,
  ALPHA,
  AUDIENCE,
  accepts,
  alpha,
  alphaKey,
  CARGO,
  EDGES,
  GAMMA,
  GUILD,
  letsCall,
  member,
} from '../../../../test/support/federation/foreign-parties.ts'

const home = {
  iss: ALPHA,
  jti: 'token-at-home',
  kids: ['another-key', alphaKey.entry.kid],
  generation: 1,
  epoch: [3, 7],
  edge: CHAINS_TO,
} as const
const CLAIMS = {
  sub: ACME_DID,
  operator_id: ACME,
  aud: [AUDIENCE],
  edges: [EDGES.alphaAcme, EDGES.letsCall],
  exp: NOW_S + 900,
  home,
}

type World = ReturnType<typeof chainingWorld>

describe('checkHome', () => {
  it('finds nothing against a token of an agent of this deployment, or one that has not ended at home', async () => {
    const { checkHome } = chainingWorld({ issuers: [] }).chaining
    const { home: _home, ...own } = CLAIMS
    expect(await checkHome({ ...own, operator_id: CARGO })).toBeUndefined()
    expect(await chainingWorld().chaining.checkHome(CLAIMS)).toBeUndefined()
  })

  it.each<[string, ...Parameters<World['record']>]>([
    ['TOKEN_REVOKED', 'token', { operatorId: ACME, subject: 'token-at-home' }, ALPHA],
    ['AGENT_TOKENS_ENDED', 'agent', { operatorId: ACME, subject: ACME_DID, minimumEpoch: 4 }, ALPHA],
    ['OPERATOR_TOKENS_ENDED', 'operator', { operatorId: ACME, minimumEpoch: 8 }, ALPHA],
    ['UNKNOWN_KEY', 'key', { subject: alphaKey.entry.kid }, ALPHA],
    ['UNKNOWN_KEY', 'key', { subject: 'another-key' }, ALPHA],
    ['TRUST_ENDED', 'edge', { subject: CHAINS_TO }, ALPHA],
  ])('finds %s after a record of the kind %s at home', async (verdict, kind, ending, issuer) => {
    const world = chainingWorld()
    world.record(kind, ending, issuer)
    expect(await world.chaining.checkHome(CLAIMS)).toBe(verdict)
  })

  it.each<[string, ...Parameters<World['record']>]>([
    ['an earlier epoch of the agent', 'agent', { operatorId: ACME, subject: ACME_DID, minimumEpoch: 3 }, ALPHA],
    ['an earlier epoch of the operator', 'operator', { operatorId: ACME, minimumEpoch: 7 }, ALPHA],
    ['a third deployment', 'operator', { operatorId: ACME, minimumEpoch: 8 }, GAMMA],
  ])('ignores a record of %s', async (_what, kind, ending, issuer) => {
    const world = chainingWorld()
    world.record(kind, ending, issuer)
    expect(await world.chaining.checkHome(CLAIMS)).toBeUndefined()
  })

  it('is stale without young knowledge of the revocations at home', async () => {
    const world = chainingWorld()
    const log = world.logs.get(ALPHA)
    if (log !== undefined) log.ageMs = 5_001
    expect(await world.chaining.checkHome(CLAIMS)).toBe('ISSUER_REVOCATIONS_STALE')
    world.logs.delete(ALPHA)
    expect(await world.chaining.checkHome(CLAIMS)).toBe('ISSUER_REVOCATIONS_STALE')
  })

  it('refuses a token whose revocation may be forgotten', async () => {
    const world = chainingWorld()
    const log = world.logs.get(ALPHA)
    if (log !== undefined) log.forgottenThroughS = CLAIMS.exp
    expect(await world.chaining.checkHome(CLAIMS)).toBe('TOKEN_EXPIRED')
  })

  it('reads an issuer that the copy lacks, and refuses one that was never admitted', async () => {
    const late = chainingWorld({ issuers: [], fresh: { issuers: [alpha] } })
    expect(await late.chaining.checkHome(CLAIMS)).toBeUndefined()
    expect(await chainingWorld({ issuers: [] }).chaining.checkHome(CLAIMS)).toBe('ISSUER_NOT_TRUSTED')
  })

  it('asks the database nothing when remembered rows say all, and who owns the audience only once', async () => {
    const world = chainingWorld()
    for (let time = 0; time < 2; time += 1) expect(await world.chaining.checkHome(CLAIMS)).toBeUndefined()
    expect(world.asked).toEqual({ database: 0, owner: 1 })
  })

  it('reads statements that the copy lacks', async () => {
    const world = chainingWorld({ rows: [], fresh: { rows: [letsCall()] } })
    expect(await world.chaining.checkHome(CLAIMS)).toBeUndefined()
    const none = chainingWorld({ hasCopy: false })
    expect(await none.chaining.checkHome(CLAIMS)).toBeUndefined()
  })

  it.each<[string, string, object]>([
    ['TRUST_ENDED', 'another edge for the domain', { edges: [EDGES.gammaGuild, EDGES.letsCall] }],
    ['TRUST_ENDED', 'no statement', { edges: [EDGES.alphaAcme] }],
    ['TRUST_ENDED', 'no edges', { edges: undefined }],
    ['TRUST_ENDED', 'a statement that does not count', { edges: [EDGES.alphaAcme, EDGES.accepts] }],
    ['SUBJECT_OUTSIDE_NAMESPACE', 'another operator', { operator_id: CARGO }],
    ['ISSUER_DISABLED', 'an earlier generation', { home: { ...home, generation: 2 } }],
  ])('finds %s for %s', async (verdict, _what, claims) => {
    expect(await chainingWorld().chaining.checkHome({ ...CLAIMS, ...claims })).toBe(verdict)
  })

  it('finds ISSUER_DISABLED for an issuer that is disabled', async () => {
    const issuers = [{ ...alpha, isEnabled: false }]
    expect(await chainingWorld({ issuers }).chaining.checkHome(CLAIMS)).toBe('ISSUER_DISABLED')
  })
})

describe('checkHome of a token through a group of a third deployment', () => {
  const rows = [accepts(), member()]
  const through = { ...CLAIMS, edges: [EDGES.alphaAcme, EDGES.accepts, EDGES.member] }

  it('finds nothing against it', async () => {
    expect(await chainingWorld({ rows }).chaining.checkHome(through)).toBeUndefined()
  })

  it.each<[string, string, ...Parameters<World['record']>]>([
    ['ISSUER_DISABLED', 'the third deployment was disabled here', 'issuer', { subject: GAMMA, minimumEpoch: 2 }],
    ['TRUST_ENDED', 'it speaks for the group no more', 'edge', { subject: EDGES.gammaGuild }],
    ['TRUST_ENDED', 'the owner was suspended', 'operator', { operatorId: CARGO, minimumEpoch: 2 }],
    ['TRUST_ENDED', 'the group was suspended there', 'operator', { operatorId: GUILD, minimumEpoch: 5 }, GAMMA],
    ['TRUST_ENDED', 'the membership ended there', 'edge', { subject: EDGES.member }, GAMMA],
  ])('finds %s after %s', async (verdict, _what, ...record) => {
    const world = chainingWorld({ rows })
    world.record(...record)
    expect(await world.chaining.checkHome(through)).toBe(verdict)
  })

  it('finds TRUST_ENDED when the third deployment lists the statement no more', async () => {
    const world = chainingWorld({ rows: [accepts()] })
    expect(await world.chaining.checkHome(through)).toBe('TRUST_ENDED')
  })

  it('is stale while the third deployment cannot be heard', async () => {
    const world = chainingWorld({ rows })
    const log = world.logs.get(GAMMA)
    if (log !== undefined) log.ageMs = 5_001
    expect(await world.chaining.checkHome(through)).toBe('ISSUER_REVOCATIONS_STALE')
  })
})
