import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { chainOutcome, newHolder, wantedWith } from '../../../test/clients/verifier/chains.ts'
import {
  ACME,
  CARGO,
  followedIssuers,
  subjectOf,
  type TestIssuer,
  type TwoIssuers,
  twoIssuers,
} from '../../../test/clients/verifier/two-issuers.ts'
import { DISCOVERY, JWKS, outcomeOf, published } from '../../../test/support/offline-verifier.ts'
import { testTokenKey } from '../../../test/support/token-keys.ts'

const EVIL = 'https://evil.example/keys'

/** Signs the claims of a good token of an issuer with another header. */
function withHeader({ key, newToken }: TestIssuer, header: object, by = key): string {
  const [, payload = ''] = newToken().split('.')
  const claims: object = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return by.sign({ alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header }, claims)
}

const inSeconds = (seconds: number) => {
  const nowS = Math.floor(Date.now() / 1_000) + seconds
  return { iat: nowS, nbf: nowS, exp: nowS + 200 }
}

describe('a verifier of two issuers refuses', () => {
  it.each<[string, (both: TwoIssuers) => string, string]>([
    [
      "a token in another issuer's name under one's own key",
      ({ alpha, beta }) => beta.newToken({ iss: alpha.issuer, ...subjectOf(ACME) }),
      'UNKNOWN_KEY',
    ],
    [
      "a token in another issuer's name that names the key of that issuer",
      ({ alpha, beta }) => withHeader(alpha, {}, beta.key),
      'SIGNATURE_INVALID',
    ],
    ["a token under another issuer's key", ({ alpha, beta }) => beta.newToken({}, alpha.key), 'UNKNOWN_KEY'],
    ['a token with jku', ({ alpha }) => withHeader(alpha, { jku: EVIL }), 'MALFORMED_TOKEN'],
    ['a token with x5u', ({ alpha }) => withHeader(alpha, { x5u: EVIL }), 'MALFORMED_TOKEN'],
    ['a token with jwk', ({ alpha }) => withHeader(alpha, { jwk: alpha.key.jwk }), 'MALFORMED_TOKEN'],
    ['a token with trust_chain', ({ alpha }) => withHeader(alpha, { trust_chain: ['a.b.c'] }), 'MALFORMED_TOKEN'],
    ['an issuer that is not listed', ({ alpha }) => alpha.newToken({ iss: EVIL }), 'ISSUER_NOT_TRUSTED'],
    ['an issuer without its path', ({ beta }) => beta.newToken({ iss: 'https://beta.example' }), 'ISSUER_NOT_TRUSTED'],
    ['an issuer with a slash', ({ beta }) => beta.newToken({ iss: `${beta.issuer}/` }), 'ISSUER_NOT_TRUSTED'],
    [
      'an issuer in another case',
      ({ beta }) => beta.newToken({ iss: 'https://BETA.example/auth' }),
      'ISSUER_NOT_TRUSTED',
    ],
    [
      'an issuer with its default port',
      ({ beta }) => beta.newToken({ iss: 'https://beta.example:443/auth' }),
      'ISSUER_NOT_TRUSTED',
    ],
    [
      'an issuer with a percent-encoded path',
      ({ beta }) => beta.newToken({ iss: 'https://beta.example/%61uth' }),
      'ISSUER_NOT_TRUSTED',
    ],
    [
      "a token of one issuer for an agent of the other issuer's domain",
      ({ alpha }) => alpha.newToken(subjectOf(CARGO)),
      'SUBJECT_OUTSIDE_NAMESPACE',
    ],
    ['a subdomain of a listed domain', ({ alpha }) => alpha.newToken(subjectOf(`eu.${ACME}`)), 'OPERATOR_NOT_TRUSTED'],
    [
      'a homograph of a listed domain',
      ({ alpha }) => alpha.newToken(subjectOf('xn--cme-8cd.example')),
      'OPERATOR_NOT_TRUSTED',
    ],
    ['an authorization grant', ({ alpha }) => withHeader(alpha, { typ: 'oauth-id-jag+jwt' }), 'MALFORMED_TOKEN'],
    ['another algorithm of the key', ({ alpha }) => withHeader(alpha, { alg: 'Ed25519' }), 'UNSUPPORTED_ALGORITHM'],
    ['no algorithm', ({ alpha }) => withHeader(alpha, { alg: 'none' }), 'UNSUPPORTED_ALGORITHM'],
    ['a token from the future', ({ alpha }) => alpha.newToken(inSeconds(12)), 'TOKEN_NOT_YET_VALID'],
    ['a token that lives longer than the issuer may say', ({ beta }) => longLived(beta), 'LIFETIME_TOO_LONG'],
    ['a text that is no token', () => 'a.b.c', 'MALFORMED_TOKEN'],
  ])('%s', async (_name, tokenOf, reason) => {
    const both = twoIssuers()
    const verifier = both.newVerifier()
    for (const { newToken } of [both.alpha, both.beta]) expect(await outcomeOf(verifier, newToken())).toBe('VALID')
    const token = tokenOf(both)
    // The second answer must not come from a memory of the first.
    expect([await outcomeOf(verifier, token), await outcomeOf(verifier, token)]).toEqual([reason, reason])
  })
})

function longLived({ newToken }: TestIssuer): string {
  return newToken({ exp: Math.floor(Date.now() / 1_000) + 302 })
}

it('a token of 8 s in the future is valid, because clocks differ', async () => {
  const { alpha, newVerifier } = twoIssuers()
  expect(await outcomeOf(newVerifier(), alpha.newToken(inSeconds(8)))).toBe('VALID')
})

it('a verifier with one issuer in its list lets it speak for every domain', async () => {
  const { alpha, newVerifier } = twoIssuers()
  const verifier = newVerifier({ issuers: [alpha.trusted({ operators: 'any' })] })
  expect(await outcomeOf(verifier, alpha.newToken(subjectOf(CARGO)))).toBe('VALID')
})

describe("the domains of a verifier's issuers", () => {
  it('are divided: the issuer with any domain must not speak for a listed one', async () => {
    const { alpha, beta, newVerifier } = twoIssuers()
    const verifier = newVerifier({ issuers: [alpha.trusted({ operators: 'any' }), beta.trusted()] })
    const outcomes = [alpha.newToken(subjectOf('new.example')), alpha.newToken(subjectOf(CARGO))]
    expect(await Promise.all(outcomes.map((token) => outcomeOf(verifier, token)))).toEqual([
      'VALID',
      'SUBJECT_OUTSIDE_NAMESPACE',
    ])
    // Any domain that is not listed belongs to the first issuer.
    expect(await outcomeOf(verifier, beta.newToken(subjectOf('new.example')))).toBe('SUBJECT_OUTSIDE_NAMESPACE')
    expect(await outcomeOf(verifier, beta.newToken())).toBe('VALID')
  })

  it('give a subdomain to the issuer that lists it', async () => {
    const { alpha, beta, newVerifier } = twoIssuers()
    const verifier = newVerifier({ issuers: [alpha.trusted(), beta.trusted({ operators: [`eu.${ACME}`] })] })
    const { newToken } = alpha
    expect(await outcomeOf(verifier, newToken(subjectOf(`eu.${ACME}`)))).toBe('SUBJECT_OUTSIDE_NAMESPACE')
    expect(await outcomeOf(verifier, beta.newToken(subjectOf(ACME)))).toBe('SUBJECT_OUTSIDE_NAMESPACE')
    expect(await outcomeOf(verifier, beta.newToken(subjectOf(`eu.${ACME}`)))).toBe('VALID')
  })

  it('hold for every party of a chain of grants', async () => {
    const { alpha, beta, verifier, logs } = await followedIssuers()
    for (const { connection, log } of Object.values(logs)) connection.send(log.head())
    await verifier.ready()
    const outcome = async ({ chains }: TestIssuer, ...domains: readonly string[]) => {
      const holders = domains.map(newHolder)
      const chain = await chains.chainThrough(holders)
      const last = holders.at(-1) ?? newHolder()
      return chainOutcome(verifier, chain, await wantedWith(last, chain))
    }
    expect(await outcome(alpha, ACME, ACME)).toBe('VALID')
    expect(await outcome(beta, CARGO, CARGO, CARGO)).toBe('VALID')
    expect(await outcome(alpha, CARGO, ACME)).toBe('SUBJECT_OUTSIDE_NAMESPACE at 0')
    expect(await outcome(alpha, ACME, CARGO)).toBe('SUBJECT_OUTSIDE_NAMESPACE at 1')
    expect(await outcome(alpha, ACME, ACME, 'nobody.example')).toBe('SUBJECT_OUTSIDE_NAMESPACE at 2')
    expect(await outcome(alpha, 'nobody.example', ACME)).toBe('OPERATOR_NOT_TRUSTED at 0')
  })
})

/** Lets the second issuer publish the key of the first one. `first` names the issuer whose keys come first. */
async function shareKey(first: 'alpha' | 'beta') {
  const { alpha, beta, newVerifier } = twoIssuers()
  beta.answers[JWKS] = { keys: [...beta.keys, published(alpha.key)] }
  const later = first === 'alpha' ? beta : alpha
  const { [JWKS]: answer } = later.answers
  const { promise: open, resolve: release } = Promise.withResolvers<void>()
  later.answers[JWKS] = async () => {
    await open
    return Response.json(answer)
  }
  const problems: string[] = []
  const verifier = newVerifier({ onProblem: (error, issuer) => problems.push(`${issuer}: ${String(error)}`) })
  const earlier = first === 'alpha' ? alpha : beta
  await Promise.all([verifier.ready({ issuers: [earlier.issuer] }), vi.advanceTimersByTimeAsync(0)])
  return { alpha, beta, verifier, problems, release }
}

describe('the keys of several issuers', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it.each(['alpha', 'beta'] as const)('are used by the issuer listed first, if %s is fetched first', async (first) => {
    const { alpha, beta, verifier, problems, release } = await shareKey(first)
    const copied = beta.newToken({}, alpha.key)
    // Until alpha publishes the key, nobody can know whose key it is.
    if (first === 'beta') expect(await outcomeOf(verifier, copied)).toBe('VALID')
    release()
    await verifier.ready()
    expect(await outcomeOf(verifier, alpha.newToken())).toBe('VALID')
    expect(await outcomeOf(verifier, beta.newToken())).toBe('VALID')
    expect(await outcomeOf(verifier, copied)).toBe('UNKNOWN_KEY')
    const problem = `${beta.issuer}: Error: ${beta.issuer} publishes the key ${alpha.key.kid}, which ${alpha.issuer} holds`
    expect(problems).toEqual([problem])
    await vi.advanceTimersByTimeAsync(250_000)
    expect(await outcomeOf(verifier, copied)).toBe('UNKNOWN_KEY')
    expect(problems).toEqual([problem, problem])
  })

  it('do not verify before the first fetch, and no longer than they are in the newest set', async () => {
    const { alpha, newVerifier } = twoIssuers()
    delete alpha.answers[JWKS]
    const verifier = newVerifier({ onProblem: () => undefined })
    expect(await outcomeOf(verifier, alpha.newToken())).toBe('ISSUER_KEYS_UNAVAILABLE')
    alpha.answers[JWKS] = { keys: alpha.keys }
    await vi.advanceTimersByTimeAsync(1_000)
    const token = alpha.newToken()
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    alpha.answers[JWKS] = { keys: [published(testTokenKey('EdDSA'))] }
    await vi.advanceTimersByTimeAsync(245_000)
    expect(await outcomeOf(verifier, token)).toBe('UNKNOWN_KEY')
  })

  it.each<[string, (alpha: TestIssuer) => void]>([
    [
      'the document names another issuer',
      ({ answers }) => (answers[DISCOVERY] = { issuer: 'https://beta.example/auth' }),
    ],
    [
      'the document names the issuer with a slash',
      ({ answers, issuer }) => (answers[DISCOVERY] = { issuer: `${issuer}/` }),
    ],
    [
      'the document names keys on another origin',
      ({ answers, issuer }) => (answers[DISCOVERY] = { issuer, jwks_uri: EVIL }),
    ],
    [
      'the keys are behind a redirect',
      ({ answers }) => (answers[JWKS] = () => new Response(null, { status: 302, headers: { location: EVIL } })),
    ],
    ['the key set is too large', ({ answers }) => (answers[JWKS] = () => new Response('['.padEnd(300_000)))],
    ['the issuer is down', ({ answers }) => delete answers[DISCOVERY]],
  ])('are missing for one issuer alone if %s', async (_name, break_) => {
    const { alpha, beta, newVerifier } = twoIssuers()
    break_(alpha)
    const verifier = newVerifier({ onProblem: () => undefined })
    expect(await outcomeOf(verifier, beta.newToken())).toBe('VALID')
    await expect(verifier.verify(alpha.newToken())).rejects.toMatchObject({
      reason: 'ISSUER_KEYS_UNAVAILABLE',
      isTemporary: true,
    })
  })
})
