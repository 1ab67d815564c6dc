import { describe, expect, it, vi } from 'vitest'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { handFeed, handLog } from '../../../test/support/hand-feed.ts'
import { fakeIssuer, JWKS, newToken, outcomeOf, VERIFY } from '../../../test/support/offline-verifier.ts'
import { testTokenKey } from '../../../test/support/token-keys.ts'
import { until } from '../../../test/support/until.ts'
import { createGuard } from './guard.ts'
import { toPrometheus } from './metrics.ts'
import type { VerifierOptions } from './options.ts'

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

describe('what is wanted', () => {
  it.each<[string, object, object, string]>([
    ['a scope that it has', {}, { scope: 'read' }, 'VALID'],
    ['all scopes that it has', {}, { scope: 'write read' }, 'VALID'],
    ['a scope that it lacks', {}, { scope: 'read admin' }, 'SCOPE_MISSING'],
    ['another audience', {}, { audience: 'https://c.example' }, 'AUDIENCE_MISMATCH'],
    ['one of several audiences', {}, { audience: ['https://c.example', 'https://b.example'] }, 'VALID'],
    ['its operator by domain', { operators: ['a.example'] }, {}, 'VALID'],
    ['its operator by id', { operators: [GOOD_CLAIMS.operator_id] }, {}, 'VALID'],
    ['another operator', { operators: ['b.example'] }, {}, 'OPERATOR_NOT_TRUSTED'],
    ['an audience that the verifier is not', { audience: 'https://c.example' }, {}, 'AUDIENCE_MISMATCH'],
  ])('%s', async (_name, options, wanted, outcome) => {
    const issuer = fakeIssuer()
    const verifier = issuer.newVerifier(options)
    const token = newToken(issuer.key)
    // The second time it is remembered, unless it was refused.
    for (let time = 0; time < 3; time += 1) expect(await outcomeOf(verifier, token, wanted)).toBe(outcome)
  })

  it('is looked at for a token that was good for something else', async () => {
    const issuer = fakeIssuer()
    const verifier = issuer.newVerifier()
    const token = newToken(issuer.key)
    for (let time = 0; time < 2; time += 1) {
      expect(await outcomeOf(verifier, token, { scope: 'read' })).toBe('VALID')
      expect(await outcomeOf(verifier, token, { scope: 'admin' })).toBe('SCOPE_MISSING')
      expect(await outcomeOf(verifier, token, { audience: 'https://c.example' })).toBe('AUDIENCE_MISMATCH')
    }
  })

  it.each(SENSELESS)('may not be %j, which somebody forgot to set', async (wanted) => {
    const issuer = fakeIssuer()
    const verifier = issuer.newVerifier()
    await expect(outcomeOf(verifier, newToken(issuer.key), wanted)).rejects.toThrow(TypeError)
    expect(() => createGuard(verifier, wanted)).toThrow(TypeError)
  })
})

it.each([undefined, null, 1, {}, [], '', 'a.b.c', '\ud800', 'x'.repeat(100_000), Symbol('x'), { length: 5, slice: 1 }])(
  'refuses %s like any text that is no token',
  async (text) => {
    const verifier: { verify(token: unknown): Promise<unknown> } = fakeIssuer().newVerifier()
    await expect(verifier.verify(text)).rejects.toMatchObject({ reason: 'MALFORMED_TOKEN', isTemporary: false })
  },
)

it('gives claims that nobody can change for the next', async () => {
  const issuer = fakeIssuer()
  const verifier = issuer.newVerifier()
  const token = newToken(issuer.key)
  const claims: object = await verifier.verify(token)
  expect(() => Object.assign(claims, { scope: 'admin' })).toThrow(TypeError)
  const { aud, epoch }: { aud: readonly unknown[]; epoch: readonly unknown[] } = await verifier.verify(token)
  expect([aud, epoch].every((list) => Object.isFrozen(list))).toBe(true)
  expect(await outcomeOf(verifier, token, { scope: 'admin' })).toBe('SCOPE_MISSING')
})

it('refuses a token that it has seen once it has expired', async () => {
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

describe('what is too old to answer from', () => {
  const claims = { jti: 'this-one', sub: GOOD_CLAIMS.sub }

  it.each<[string, object | (() => Response), string]>([
    ['it is valid', { valid: true, claims }, 'VALID'],
    ['it is revoked', { valid: false, revoked: true, reason: 'TOKEN_REVOKED' }, 'TOKEN_REVOKED'],
    ['something of another token', { valid: true, claims: { ...claims, jti: 'other' } }, 'REVOCATIONS_STALE'],
    ['it is valid, and no claims', { valid: true }, 'REVOCATIONS_STALE'],
    ['something that is not true', { valid: 'true', claims }, 'REVOCATIONS_STALE'],
    ['a reason that nobody knows', { valid: false, reason: 'constructor' }, 'REVOCATIONS_STALE'],
    ['an error', () => Response.json({ valid: true, claims }, { status: 500 }), 'REVOCATIONS_STALE'],
  ])('is asked about, and the issuer says: %s', async (_name, answer, outcome) => {
    const { issuer, verifier, token } = setUpStale(answer)
    for (let time = 1; time <= 2; time += 1) {
      expect(await outcomeOf(verifier, token)).toBe(outcome)
      expect(issuer.asked[VERIFY]).toBe(time)
    }
  })

  it('is not asked about a token that is refused anyway', async () => {
    const { issuer, verifier, token } = setUpStale({ valid: true, claims })
    expect(await outcomeOf(verifier, token, { scope: 'admin' })).toBe('SCOPE_MISSING')
    expect(await outcomeOf(verifier, `${token}=`)).toBe('MALFORMED_TOKEN')
    expect(issuer.asked[VERIFY]).toBeUndefined()
  })
})

it('tells how it is', async () => {
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

describe('once it is closed', () => {
  it.each<[string, Partial<VerifierOptions>]>([
    ['one without revocations', {}],
    ['one that follows them', { revocations: handFeed().feed, onStale: 'ask' }],
  ])('%s refuses every token, known or new, and asks nobody', async (_name, options) => {
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

  it.each([JWKS, VERIFY])('it refuses a token that waits for an answer from %s', async (path) => {
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

  it('it knows nothing more of revocations, whatever comes yet', async () => {
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
