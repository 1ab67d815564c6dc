import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import { chainingWorld } from '../../../test/support/federation/chaining-world.ts'
import { ACME, ACME_DID, ALPHA, alpha, alphaKey, CARGO, GAMMA } from '../../../test/support/federation/foreign-world.ts'

const home = { iss: ALPHA, jti: 'token-at-home', kid: alphaKey.entry.kid, generation: 1, epoch: [3, 7] } as const
const CLAIMS = { sub: ACME_DID, operator_id: ACME, exp: NOW_S + 900, home }

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
})
