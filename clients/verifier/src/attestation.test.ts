import { importKeySet } from '@auth4agent/core/jose/key-set'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { TokenAttestation } from '@auth4agent/core/token/attestation'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { chainOutcome, setUpChain, wantedWith } from '../../../test/clients/verifier/chains.ts'
import { setUpDelegated } from '../../../test/clients/verifier/delegated.ts'
import { setUpGuard } from '../../../test/clients/verifier/guards.ts'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { handFeed } from '../../../test/support/hand-feed.ts'
import { fakeIssuer, newToken, outcomeOf, published, VERIFY } from '../../../test/support/offline-verifier.ts'
import type { AttestationOptions } from './attestation-options.ts'
import { createVerifier } from './create-verifier.ts'
import { createGuard, type GuardOptions } from './guard.ts'
import type { Fetch } from './http.ts'
import { toGenuine } from './judge.ts'
import type { AnyVerifierOptions } from './options.ts'
import type { Admitted } from './server-trust/admitted.ts'

const nowS = () => Math.floor(Date.now() / 1_000)
const results = (edits: Partial<TokenAttestation> = {}): readonly TokenAttestation[] => [
  { attestor: 'boot', type: 'tpm', level: 'bound', at: nowS() - 60, ...edits },
]
const OPERATORS = { operators: ['a.example'] }
const WRONG = 'ATTESTATION_REQUIRED'

describe('a verifier with a demand on attestation', () => {
  it.each<[name: string, outcome: string, demand: AttestationOptions]>([
    ['a result of any kind', 'VALID', {}],
    ['its type', 'VALID', { types: ['x509', 'tpm'] }],
    ['another type', WRONG, { types: ['x509'] }],
    ['its attestor', 'VALID', { attestors: ['boot'] }],
    ['another attestor', WRONG, { attestors: ['ci'] }],
    ['its level', 'VALID', { level: 'bound' }],
    ['a stronger level', WRONG, { level: 'hardware' }],
    ['its age', 'VALID', { maxAge: 3_600 }],
    ['a younger age', WRONG, { maxAge: 30 }],
  ])(
    'decides by %s: %s, also about a remembered token, and for its own option and that of a call',
    async (...given) => {
      const [, outcome, attestation] = given
      const issuer = fakeIssuer()
      const token = newToken(issuer.key, { attestation: results() })
      const [own, ofCall] = [issuer.newVerifier({ ...OPERATORS, attestation }), issuer.newVerifier(OPERATORS)]
      for (let time = 0; time < 3; time += 1) {
        expect(await outcomeOf(own, token)).toBe(outcome)
        expect(await outcomeOf(ofCall, token)).toBe('VALID')
        expect(await outcomeOf(ofCall, token, { attestation })).toBe(outcome)
      }
    },
  )

  it('refuses a token that states nothing', async () => {
    const issuer = fakeIssuer()
    const verifier = issuer.newVerifier({ ...OPERATORS, attestation: {} })
    expect(await outcomeOf(verifier, newToken(issuer.key))).toBe(WRONG)
  })

  it('uses the demand of a call instead of its own', async () => {
    const issuer = fakeIssuer()
    const verifier = issuer.newVerifier({ ...OPERATORS, attestation: { level: 'hardware' } })
    const token = newToken(issuer.key, { attestation: results() })
    expect(await outcomeOf(verifier, token)).toBe(WRONG)
    expect(await outcomeOf(verifier, token, { attestation: { level: 'bound' } })).toBe('VALID')
  })

  it('compares the age of a result again for a remembered token', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const issuer = fakeIssuer()
    const verifier = issuer.newVerifier({ ...OPERATORS, attestation: { maxAge: 120 } })
    const token = newToken(issuer.key, { attestation: results() })
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    vi.setSystemTime(Date.now() + 61_000)
    expect(await outcomeOf(verifier, token)).toBe(WRONG)
  })

  it('freezes the results, so that no caller can change those that later callers get', async () => {
    const issuer = fakeIssuer()
    const { attestation = [] } = await issuer.newVerifier().verify(newToken(issuer.key, { attestation: results() }))
    expect([attestation, ...attestation].every((part) => Object.isFrozen(part))).toBe(true)
    expect(attestation).toHaveLength(1)
  })

  it('asks the issuer with its demand, if the knowledge of revocations is stale', async () => {
    const issuer = fakeIssuer()
    const bodies: unknown[] = []
    const fetch: Fetch = async (url, init) => {
      const { pathname } = new URL(url)
      if (pathname === VERIFY) bodies.push(await new Request(url, init).json())
      const known = issuer.answers[pathname]
      return Response.json(pathname === VERIFY ? { valid: false, reason: WRONG } : known)
    }
    const attestation = { attestors: ['boot'], level: 'bound', maxAge: 90.5 } as const
    const options = { ...OPERATORS, revocations: handFeed().feed, onStale: 'ask', attestation, fetch } as const
    expect(await outcomeOf(issuer.newVerifier(options), newToken(issuer.key, { attestation: results() }))).toBe(WRONG)
    const sent = { attestation: { attestors: ['boot'], level: 'bound', max_age: 90 } }
    expect(bodies).toEqual([expect.objectContaining(sent)])
  })

  it('refuses a token of another deployment, whose attestors it does not know', async () => {
    const { publicKey } = generateKeyPair()
    const revocations = {
      operatorId: GOOD_CLAIMS.operator_id,
      key: { publicKey, sign: async () => new Uint8Array(64) },
    }
    const issuer = fakeIssuer()
    const options: Partial<AnyVerifierOptions> = {
      ...OPERATORS,
      trust: 'server',
      revocations,
      onProblem: () => undefined,
    }
    const verifier = issuer.newVerifier(options)
    const token = newToken(fakeIssuer().key, { iss: 'https://other.example', attestation: results() })
    expect(await outcomeOf(verifier, token)).toBe('ISSUER_REVOCATIONS_STALE')
    expect(await outcomeOf(verifier, token, { attestation: {} })).toBe(WRONG)
  })
})

const attestedClaims = () => ({
  ...GOOD_CLAIMS,
  epoch: [1, 1] as const,
  attestation: results(),
  effectiveScope: 'read',
})

it('the claims of a remembered token of another deployment meet no demand, and those of the own deployment do', () => {
  const issuer = fakeIssuer()
  const key = importKeySet({ keys: [published(issuer.key)] })?.get(issuer.key.kid)
  if (key === undefined) throw new RangeError('The key must be importable')
  // Only whether it was admitted matters here.
  const admitted: Admitted = JSON.parse('{}')
  expect(toGenuine(attestedClaims(), key).effective.attestation).toHaveLength(1)
  const foreign = toGenuine(attestedClaims(), key, admitted)
  expect(foreign.effective.attestation).toBeUndefined()
  expect(foreign.effective.scope).toBe('read')
  expect(foreign.claims.attestation).toHaveLength(1)
})

const ACME = { operators: ['acme.test'] }
const OF_ACME = ['acme.test', 'acme.test', 'acme.test']

describe('verifyDelegated with a demand on attestation', () => {
  it.each<[name: string, outcome: string, claim: readonly TokenAttestation[] | undefined, demand: AttestationOptions]>([
    ['states a result of the agent that acts', 'VALID', results(), { types: ['tpm'] }],
    ['states another result', WRONG, results(), { types: ['x509'] }],
    ['states nothing', WRONG, undefined, {}],
  ])('decides about a delegated token that %s: %s', async (_, outcome, attestation, demand) => {
    const { verifier, sign, actor } = await setUpDelegated(ACME, OF_ACME)
    const token = sign(attestation && { attestation })
    const wanted = { ...(await wantedWith(actor, token)), attestation: demand }
    expect(await chainOutcome(verifier, token, wanted)).toBe(outcome)
  })

  it('needs an agent of a trusted operator, because it has configured the attestors', async () => {
    const { verifier, sign, actor } = await setUpDelegated(ACME, ['acme.test', 'x.test', 'x.test'])
    const token = sign({ attestation: results() })
    const actors = 'any'
    expect(await chainOutcome(verifier, token, { ...(await wantedWith(actor, token)), actors })).toBe('VALID')
    const again = sign({ attestation: results(), jti: 'second' })
    const wanted = { ...(await wantedWith(actor, again)), actors, attestation: {} }
    expect(await chainOutcome(verifier, again, wanted)).toBe(WRONG)
  })

  it('refuses a chain of grants', async () => {
    const { verifier, chain, actor } = await setUpChain(ACME, OF_ACME)
    const wanted = { ...(await wantedWith(actor, chain)), attestation: {} }
    expect(await chainOutcome(verifier, chain, wanted)).toBe(WRONG)
  })
})

it('a guard answers 403 for a token that lacks a result, with the error insufficient_scope', async () => {
  const { decide, issuer } = setUpGuard({ attestation: { types: ['tpm'] } }, OPERATORS)
  expect(await decide([`Bearer ${newToken(issuer.key, { attestation: results() })}`])).toEqual([200])
  const [status, reason, challenge] = await decide([`Bearer ${newToken(issuer.key)}`])
  expect([status, reason]).toEqual([403, WRONG])
  expect(challenge).toMatch(/^Bearer error="insufficient_scope", error_description="The token does not state /)
})

describe('the option attestation', () => {
  const any: AnyVerifierOptions = {
    issuer: 'https://auth.example.com',
    audience: 'https://api.example.com',
    operators: 'any',
    revocations: 'none',
  }

  it.each<[name: string, attestation: unknown]>([
    ['null', null],
    ['a text', 'tpm'],
    ['an unknown member', { type: ['tpm'] }],
    ['an empty list of types', { types: [] }],
    ['types that are undefined', { types: undefined }],
    ['a type with a space', { types: ['a b'] }],
    ['a type that is no text', { types: ['tpm', 1] }],
    ['an empty list of attestors', { attestors: [] }],
    ['an unknown level', { level: 'quantum' }],
    ['a level that is undefined', { level: undefined }],
    ['an age of 0', { maxAge: 0 }],
    ['an age that is undefined', { maxAge: undefined }],
    ['an age that is a text', { maxAge: '60' }],
  ])('is refused if it is %s', async (_, attestation) => {
    const options: object = { attestation }
    const create = () => createVerifier({ ...any, ...OPERATORS, ...options })
    expect(create).toThrow(TypeError)
    const verifier = fakeIssuer().newVerifier(OPERATORS)
    await expect(verifier.verify('', options)).rejects.toThrow(TypeError)
    expect(() => createGuard(verifier, options)).toThrow(TypeError)
  })

  it.each<[name: string, attestation: AttestationOptions]>([
    ['any kind', {}],
    ['a type', { types: ['tpm'] }],
    ['an attestor', { attestors: ['boot'] }],
    ['a level', { level: 'hardware' }],
    ['an age', { maxAge: 3_600 }],
  ])('needs operators for a result of %s', async (_, attestation) => {
    const options = { attestation }
    const verifier = fakeIssuer().newVerifier()
    const message = "attestation needs operators instead of 'any'"
    expect(() => createVerifier({ ...any, ...options })).toThrow(message)
    expect(() => createGuard(verifier, options)).toThrow(message)
    await expect(verifier.verify('', options)).rejects.toThrow(message)
    const delegating: GuardOptions = { ...options, scope: 'pay', delegation: 'accept' }
    expect(() => createGuard(verifier, delegating)).toThrow(message)
    const issuer = { issuer: any.issuer, operators: ['a.example'], revocations: 'none' } as const
    const other = { ...issuer, issuer: 'https://other.example', operators: 'any' } as const
    expect(() => createVerifier({ audience: any.audience, issuers: [issuer, other], ...options })).toThrow(message)
  })

  it('must not be undefined in a call', async () => {
    const options: object = { attestation: undefined }
    await expect(fakeIssuer().newVerifier().verify('', options)).rejects.toThrow(TypeError)
  })
})
