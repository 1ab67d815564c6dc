import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { ISSUER } from '../../../test/support/assertions.ts'
import { fakeIssuer, JWKS, newToken, outcomeOf, published, VERIFY } from '../../../test/support/offline-verifier.ts'
import { type StatusListChange, statusListToken } from '../../../test/support/status-list-tokens.ts'
import { testTokenKey } from '../../../test/support/token-keys.ts'
import type { VerifierOptions } from './verifier-options.ts'

const PATH = '/v1/status-lists/1'
const URI = `${ISSUER}${PATH}`
const TYPE = 'application/statuslist+jwt'
const nowS = () => Math.floor(Date.now() / 1_000)
const at = (idx: number, uri = URI): Pick<AccessTokenClaims, 'status'> => ({ status: { status_list: { idx, uri } } })

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

/** An issuer that signs its list at each request, and a verifier that reads it. */
function world(options: Partial<VerifierOptions> = {}) {
  const issuer = fakeIssuer()
  const state = { change: {} as StatusListChange, type: TYPE, signer: issuer.key }
  issuer.answers[PATH] = () => {
    const claims = { iat: nowS(), exp: nowS() + 600, ...state.change.claims }
    const text = statusListToken(state.signer, URI, { ...state.change, claims })
    return new Response(text, { headers: { 'content-type': state.type } })
  }
  const verifier = issuer.newVerifier({ revocations: 'status-list', onProblem: () => undefined, ...options })
  return { issuer, state, verifier, token: newToken(issuer.key, at(7)) }
}
const later = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000)

describe("a verifier with revocations: 'status-list'", () => {
  it('fetches a list once for all its tokens, and remembers tokens', async () => {
    const { issuer, state, verifier, token } = world()
    state.change = { rows: [[8, 1]] }
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    expect(verifier.metrics().rememberedTokens).toBe(1)
    expect(await outcomeOf(verifier, newToken(issuer.key, at(8)))).toBe('TOKEN_REVOKED')
    expect(issuer.asked[PATH]).toBe(1)
    expect(Object.isFrozen((await verifier.verify(token)).status?.status_list)).toBe(true)
  })

  it('has one fetch for tokens that arrive together', async () => {
    const { issuer, verifier } = world()
    const tokens = Array.from({ length: 8 }, (_, idx) => newToken(issuer.key, at(idx)))
    expect(await Promise.all(tokens.map((each) => outcomeOf(verifier, each)))).toEqual(tokens.map(() => 'VALID'))
    expect(issuer.asked[PATH]).toBe(1)
  })

  it('refuses a remembered token at the latest when the ttl of the list has passed', async () => {
    const { state, verifier, token } = world()
    for (let time = 0; time < 2; time += 1) expect(await outcomeOf(verifier, token)).toBe('VALID')
    state.change = { rows: [[7, 1]] }
    later(29)
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    later(31)
    expect(await outcomeOf(verifier, token)).toBe('TOKEN_REVOKED')
  })

  it.each<[string, string, StatusListChange]>([
    ['suspended', 'TOKEN_REVOKED', { rows: [[7, 2]] }],
    ['of a value that the issuer has made up', 'TOKEN_REVOKED', { rows: [[7, 3]] }],
    ['not in the list', 'STATUS_MISSING', { size: 4 }],
    ['not in the list, which is older than the token', 'REVOCATIONS_STALE', { size: 4, claims: { iat: nowS() - 20 } }],
    ['in a list that is too old', 'REVOCATIONS_STALE', { claims: { iat: nowS() - 61 } }],
    ['in a list that has expired', 'REVOCATIONS_STALE', { claims: { exp: nowS() } }],
    ['in another list', 'REVOCATIONS_STALE', { claims: { sub: `${URI}0` } }],
    ['in a list of another issuer', 'REVOCATIONS_STALE', { claims: { iss: 'https://other.example' } }],
    ['in a text of another type', 'REVOCATIONS_STALE', { header: { typ: 'at+jwt' } }],
  ])('refuses a token that is %s: %s', async (_name, expected, change) => {
    const { state, verifier, token } = world()
    state.change = change
    expect(await outcomeOf(verifier, token)).toBe(expected)
    expect(await outcomeOf(verifier, token)).toBe(expected)
  })

  it.each([
    ['another media type', (issuer: ReturnType<typeof world>) => void (issuer.state.type = 'application/jwt')],
    ['the key of nobody', (issuer: ReturnType<typeof world>) => void (issuer.state.signer = testTokenKey('EdDSA'))],
    [
      'an error',
      ({ issuer }: ReturnType<typeof world>) => void (issuer.answers[PATH] = () => new Response('', { status: 500 })),
    ],
    [
      'more than 1 MiB',
      ({ issuer }: ReturnType<typeof world>) => {
        issuer.answers[PATH] = () => new Response('x'.repeat(1_048_577), { headers: { 'content-type': TYPE } })
      },
    ],
  ])('refuses a token whose list comes with %s, and asks nobody about it', async (_name, spoil) => {
    const parts = world()
    spoil(parts)
    await expect(parts.verifier.verify(parts.token)).rejects.toMatchObject({
      reason: 'REVOCATIONS_STALE',
      isTemporary: true,
    })
    expect(parts.issuer.asked[VERIFY]).toBeUndefined()
  })

  it('refuses a token without status, and does not ask about it', async () => {
    const { issuer, verifier } = world({ onStale: 'ask' })
    await expect(verifier.verify(newToken(issuer.key))).rejects.toMatchObject({
      reason: 'STATUS_MISSING',
      isTemporary: false,
    })
    expect(Object.keys(issuer.asked)).not.toContain(VERIFY)
  })

  it.each([
    'https://evil.example/v1/status-lists/1',
    `${ISSUER}.evil.example/v1/status-lists/1`,
    `${ISSUER}/v1/status-lists/../agents/1`,
    `${ISSUER}/v1/status-lists/1?to=http://169.254.169.254`,
    'http://127.0.0.1/v1/status-lists/1',
  ])('never fetches %s, although a token of the issuer names it', async (uri) => {
    const { issuer, verifier } = world()
    expect(await outcomeOf(verifier, newToken(issuer.key, at(7, uri)))).toBe('MALFORMED_TOKEN')
    expect(Object.keys(issuer.asked).every((path) => !path.includes('status-lists') && !path.includes('agents'))).toBe(
      true,
    )
  })

  it('never fetches a list for a token that it refuses for another reason', async () => {
    const { issuer, verifier } = world()
    expect(await outcomeOf(verifier, newToken(testTokenKey('EdDSA'), at(7)))).toBe('UNKNOWN_KEY')
    expect(await outcomeOf(verifier, newToken(issuer.key, at(7)), { scope: 'admin' })).toBe('SCOPE_MISSING')
    expect(issuer.asked[PATH]).toBeUndefined()
  })

  it('uses a list for maxStaleness at most, whatever its ttl is', async () => {
    const { state, issuer, verifier, token } = world({ maxStaleness: 10 })
    state.change = { claims: { ttl: 3_600 } }
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    delete issuer.answers[PATH]
    later(9)
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    later(1)
    expect(await outcomeOf(verifier, token)).toBe('REVOCATIONS_STALE')
  })

  it('refuses a token that an old list shows as ended, while no newer list can be fetched', async () => {
    const { state, issuer, verifier, token } = world()
    state.change = { rows: [[7, 1]] }
    expect(await outcomeOf(verifier, token)).toBe('TOKEN_REVOKED')
    delete issuer.answers[PATH]
    later(61)
    expect(await outcomeOf(verifier, token)).toBe('TOKEN_REVOKED')
  })

  it('does not use a list after the issuer has withdrawn its key', async () => {
    const { state, issuer, verifier, token } = world({ maxJwksAge: 10 })
    const other = testTokenKey('EdDSA')
    issuer.answers[JWKS] = { keys: [published(issuer.key), published(other)] }
    state.signer = other
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    issuer.answers[JWKS] = { keys: [published(issuer.key)] }
    later(11)
    expect(await outcomeOf(verifier, token)).toBe('REVOCATIONS_STALE')
  })

  it("asks about a token without a list that can be used, with onStale: 'ask'", async () => {
    const { issuer, verifier } = world({ onStale: 'ask' })
    const token = newToken(issuer.key, { ...at(7), jti: 'this-one' })
    delete issuer.answers[PATH]
    issuer.answers[VERIFY] = { valid: true, claims: { jti: 'this-one', sub: GOOD_CLAIMS.sub } }
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    issuer.answers[VERIFY] = { valid: false, reason: 'TOKEN_REVOKED' }
    expect(await outcomeOf(verifier, token)).toBe('TOKEN_REVOKED')
  })

  it('refuses delegated authority, and becomes ready without any list', async () => {
    const { issuer, verifier, token } = world()
    await verifier.ready()
    expect(issuer.asked[PATH]).toBeUndefined()
    const dpop = { proof: 'x', method: 'GET', url: 'https://b.example/' }
    await expect(verifier.verifyDelegated(token, { scope: 'read', dpop })).rejects.toMatchObject({
      reason: 'DELEGATION_NOT_ACCEPTED',
    })
  })

  it('tells the age of its lists', async () => {
    const { verifier, token } = world()
    expect(verifier.metrics().stalenessSeconds).toBeUndefined()
    await verifier.verify(token)
    later(20)
    expect(verifier.metrics().stalenessSeconds).toBeGreaterThanOrEqual(20)
  })

  it('has the defaults of a verifier that follows no log', () => {
    const { settings } = world().verifier
    expect(settings.issuers[0]).toMatchObject({
      maxStalenessMs: 3_600_000,
      maxJwksAgeMs: 3_600_000,
      maxTokenTtlS: 3_600,
    })
  })
})
