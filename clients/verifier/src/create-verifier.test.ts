import { describe, expect, it, vi } from 'vitest'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { handFeed, handLog } from '../../../test/support/hand-feed.ts'
import { fakeIssuer, JWKS, newToken, outcomeOf, VERIFY } from '../../../test/support/offline-verifier.ts'
import { testTokenKey } from '../../../test/support/token-keys.ts'
import { until } from '../../../test/support/until.ts'
import { createGuard } from './guard.ts'
import { toPrometheus } from './prometheus.ts'
import type { VerifierOptions } from './verifier-options.ts'

/** Requirements that are invalid, for example because a program forgot to set a variable. */
const SENSELESS: readonly object[] = [
  { scope: '' },
  { scope: undefined },
  { scope: 'a  b' },
  { scope: '*' },
  { audience: '' },
  { audience: undefined },
  { audience: [] },
  { scopes: 'read' },
]

describe('Verifier.verify', () => {
  it.each<[string, object, object, string]>([
    ['accepts a token that has the required scope', {}, { scope: 'read' }, 'VALID'],
    ['accepts a token that has all required scopes', {}, { scope: 'write read' }, 'VALID'],
    ['refuses a token that lacks a required scope', {}, { scope: 'read admin' }, 'SCOPE_MISSING'],
    [
      'refuses a token for another audience than the required one',
      {},
      { audience: 'https://c.example' },
      'AUDIENCE_MISMATCH',
    ],
    [
      'accepts a token for one of several required audiences',
      {},
      { audience: ['https://c.example', 'https://b.example'] },
      'VALID',
    ],
    ['accepts a token of an operator that is trusted by domain', { operators: ['a.example'] }, {}, 'VALID'],
    ['accepts a token of an operator that is trusted by id', { operators: [GOOD_CLAIMS.operator_id] }, {}, 'VALID'],
    ['refuses a token of an operator that is not trusted', { operators: ['b.example'] }, {}, 'OPERATOR_NOT_TRUSTED'],
    [
      "refuses a token for another audience than the verifier's",
      { audience: 'https://c.example' },
      {},
      'AUDIENCE_MISMATCH',
    ],
  ])('%s', async (_name, options, wanted, outcome) => {
    const issuer = fakeIssuer()
    const verifier = issuer.newVerifier(options)
    const token = newToken(issuer.key)
    // An accepted token is remembered after the first time.
    for (let time = 0; time < 3; time += 1) expect(await outcomeOf(verifier, token, wanted)).toBe(outcome)
  })

  it('checks the requirements of each call for a remembered token', async () => {
    const issuer = fakeIssuer()
    const verifier = issuer.newVerifier()
    const token = newToken(issuer.key)
    for (let time = 0; time < 2; time += 1) {
      expect(await outcomeOf(verifier, token, { scope: 'read' })).toBe('VALID')
      expect(await outcomeOf(verifier, token, { scope: 'admin' })).toBe('SCOPE_MISSING')
      expect(await outcomeOf(verifier, token, { audience: 'https://c.example' })).toBe('AUDIENCE_MISMATCH')
    }
  })

  it.each(SENSELESS)('rejects with TypeError for the invalid requirements %j', async (wanted) => {
    const issuer = fakeIssuer()
    const verifier = issuer.newVerifier()
    await expect(outcomeOf(verifier, newToken(issuer.key), wanted)).rejects.toThrow(TypeError)
    expect(() => createGuard(verifier, wanted)).toThrow(TypeError)
  })
})

it.each([undefined, null, 1, {}, [], '', 'a.b.c', '\ud800', 'x'.repeat(100_000), Symbol('x'), { length: 5, slice: 1 }])(
  'verify rejects %s with MALFORMED_TOKEN',
  async (text) => {
    const verifier: { verify(token: unknown): Promise<unknown> } = fakeIssuer().newVerifier()
    await expect(verifier.verify(text)).rejects.toMatchObject({ reason: 'MALFORMED_TOKEN', isTemporary: false })
  },
)

it('verify resolves with frozen claims, so that no caller can change the claims that later callers get', async () => {
  const issuer = fakeIssuer()
  const verifier = issuer.newVerifier()
  const token = newToken(issuer.key)
  const claims: object = await verifier.verify(token)
  expect(() => Object.assign(claims, { scope: 'admin' })).toThrow(TypeError)
  const { aud, epoch }: { aud: readonly unknown[]; epoch: readonly unknown[] } = await verifier.verify(token)
  expect([aud, epoch].every((list) => Object.isFrozen(list))).toBe(true)
  expect(await outcomeOf(verifier, token, { scope: 'admin' })).toBe('SCOPE_MISSING')
})

it('verify refuses a remembered token after its expiry and the clock skew', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const issuer = fakeIssuer()
  const verifier = issuer.newVerifier({ maxJwksAge: 7_200 })
  const token = newToken(issuer.key)
  expect(await outcomeOf(verifier, token)).toBe('VALID')
  vi.setSystemTime(Date.now() + 909_000)
  expect(await outcomeOf(verifier, token)).toBe('VALID')
  vi.setSystemTime(Date.now() + 2_000)
  expect(await outcomeOf(verifier, token)).toBe('TOKEN_EXPIRED')
  vi.useRealTimers()
})

const setUpStale = (answer: object | (() => Response)) => {
  const issuer = fakeIssuer()
  issuer.answers[VERIFY] = answer
  const verifier = issuer.newVerifier({ revocations: handFeed().feed, onStale: 'ask' })
  const token = newToken(issuer.key, { jti: 'this-one' })
  return { issuer, verifier, token }
}

describe("a verifier with stale revocations and onStale: 'ask'", () => {
  const claims = { jti: 'this-one', sub: GOOD_CLAIMS.sub }

  it.each<[string, object | (() => Response), string]>([
    ['a valid token', { valid: true, claims }, 'VALID'],
    ['a revoked token', { valid: false, revoked: true, reason: 'TOKEN_REVOKED' }, 'TOKEN_REVOKED'],
    ['the claims of another token', { valid: true, claims: { ...claims, jti: 'other' } }, 'REVOCATIONS_STALE'],
    ['valid without claims', { valid: true }, 'REVOCATIONS_STALE'],
    ['valid as a string', { valid: 'true', claims }, 'REVOCATIONS_STALE'],
    ['an unknown reason', { valid: false, reason: 'constructor' }, 'REVOCATIONS_STALE'],
    ['an error', () => Response.json({ valid: true, claims }, { status: 500 }), 'REVOCATIONS_STALE'],
  ])('asks the issuer at each call, and decides from its answer: %s', async (_name, answer, outcome) => {
    const { issuer, verifier, token } = setUpStale(answer)
    for (let time = 1; time <= 2; time += 1) {
      expect(await outcomeOf(verifier, token)).toBe(outcome)
      expect(issuer.asked[VERIFY]).toBe(time)
    }
  })

  it('does not ask the issuer about a token that the verifier refuses for another reason', async () => {
    const { issuer, verifier, token } = setUpStale({ valid: true, claims })
    expect(await outcomeOf(verifier, token, { scope: 'admin' })).toBe('SCOPE_MISSING')
    expect(await outcomeOf(verifier, `${token}=`)).toBe('MALFORMED_TOKEN')
    expect(issuer.asked[VERIFY]).toBeUndefined()
  })
})

it('Verifier.metrics reports the state and the outcomes', async () => {
  const issuer = fakeIssuer()
  const hand = handFeed()
  const verifier = issuer.newVerifier({ revocations: hand.feed })
  expect(verifier.metrics()).toMatchObject({ stalenessSeconds: Number.POSITIVE_INFINITY, keys: 0, verifications: {} })
  const log = handLog()
  const connection = await hand.next()
  connection.send(log.append(), log.head())
  await verifier.ready()
  await outcomeOf(verifier, newToken(issuer.key))
  await outcomeOf(verifier, 'x')
  const text = toPrometheus(verifier.metrics())
  expect(text).toContain('auth4agent_verifier_verifications_total{reason="VALID"} 1\n')
  expect(text).toContain('auth4agent_verifier_verifications_total{reason="MALFORMED_TOKEN"} 1\n')
  expect(text).toMatch(/^auth4agent_verifier_staleness_seconds [\d.e-]+$/m)
  expect(text).toMatch(/^auth4agent_verifier_revocations 1$/m)
  verifier.close()
  expect(toPrometheus(verifier.metrics())).toContain('staleness_seconds +Inf')
})

describe('a closed verifier', () => {
  it.each<[string, Partial<VerifierOptions>]>([
    ['without revocations', {}],
    ['with revocations', { revocations: handFeed().feed, onStale: 'ask' }],
  ])('%s refuses remembered and new tokens, and sends no request', async (_name, options) => {
    const issuer = fakeIssuer()
    issuer.answers[VERIFY] = { valid: true, claims: { jti: 'this-one', sub: GOOD_CLAIMS.sub } }
    const verifier = issuer.newVerifier(options)
    const token = newToken(issuer.key, { jti: 'this-one' })
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    const askedBefore = { ...issuer.asked }
    verifier.close()
    for (const text of [token, newToken(issuer.key), newToken(testTokenKey('EdDSA')), 'x']) {
      await expect(verifier.verify(text)).rejects.toMatchObject({ reason: 'VERIFIER_CLOSED', isTemporary: true })
    }
    expect(issuer.asked).toEqual(askedBefore)
  })

  it.each([JWKS, VERIFY])('refuses a token that waits for an answer from %s', async (path) => {
    const { issuer, verifier, token } = setUpStale({ valid: true, claims: { jti: 'this-one', sub: GOOD_CLAIMS.sub } })
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>()
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const body = issuer.answers[path]
    issuer.answers[path] = async () => {
      onAsked()
      await answered
      return Response.json(body)
    }
    const outcome = outcomeOf(verifier, token)
    await asked
    verifier.close()
    answer()
    expect(await outcome).toBe('VERIFIER_CLOSED')
  })

  it('ignores later events of the feed', async () => {
    const issuer = fakeIssuer()
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>()
    issuer.answers[JWKS] = async () => {
      onAsked()
      await answered
      return Response.json({ keys: [] })
    }
    const hand = handFeed()
    const verifier = issuer.newVerifier({ revocations: hand.feed })
    const connection = await hand.next()
    connection.send(handLog().head())
    await asked
    const ready = verifier.ready()
    verifier.close()
    answer()
    await expect(ready).rejects.toMatchObject({ reason: 'VERIFIER_CLOSED' })
    await expect(verifier.ready()).rejects.toMatchObject({ reason: 'VERIFIER_CLOSED' })
    await until(async () => verifier.metrics().keysAgeSeconds, Number.isFinite)
    expect(verifier.metrics().stalenessSeconds).toBe(Number.POSITIVE_INFINITY)
  })
})
