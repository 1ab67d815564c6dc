import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { knownKey } from '../../support/access-tokens.ts'
import { NOW_S } from '../../support/assertions.ts'
import { admissionWorld } from '../../support/federation/admission-world.ts'
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
  EDGES,
  GAMMA,
  GUILD,
  gamma,
  letsCall,
  member,
} from '../../support/federation/foreign-parties.ts'
import { type WorldOptions } from '../../support/federation/foreign-world.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: (NOW_S + 1) * 1_000 }))
afterEach(() => void vi.useRealTimers())

const grants = (scopes: Readonly<Record<string, readonly string[]>>) => [{ audience: AUDIENCE, scopes }]
const outcome = async (token: string, options?: WorldOptions) =>
  (await (await admissionWorld(options).verifier())(token)).outcome

describe('a verifier that knows only the admissions', () => {
  it('accepts the good token', async () => {
    expect(await outcome(acmeToken())).toBe('VALID')
  })

  it.each([
    ['for another audience', { aud: ['https://api.dock.example'] }, 'AUDIENCE_MISMATCH'],
    ['that has expired', { iat: NOW_S - 900, nbf: NOW_S - 900, exp: NOW_S - 60 }, 'TOKEN_EXPIRED'],
    ['of another operator id', { operator_id: GUILD }, 'ASK'],
    [
      'of another domain',
      { sub: ACME_DID.replace('acme', 'bolt'), client_id: ACME_DID.replace('acme', 'bolt') },
      'ASK',
    ],
    ['of an issuer that is not admitted', { iss: 'https://rogue.example' }, 'ASK'],
    ['that names another admitted issuer', { iss: GAMMA }, 'ASK'],
    ['that names our own issuer', { iss: BETA }, 'ASK'],
    ['with a scope that no statement maps', { scope: 'read admin' }, 'ASK'],
  ])('does not accept a token %s', async (_, claims, expected) => {
    expect(await outcome(acmeToken(claims))).toBe(expected)
  })

  it('does not accept a token that the key of another issuer has signed', async () => {
    const stranger = knownKey()
    expect(await outcome(acmeToken({}, { kid: stranger.entry.kid }, stranger.pair))).toBe('ASK')
    expect(await outcome(acmeToken({}, { kid: alphaKey.entry.kid }, stranger.pair))).toBe('SIGNATURE_INVALID')
  })

  it('never adds up the scopes of two paths', async () => {
    const rows = [
      letsCall({ grants: grants({ read: ['orders:read'] }) }),
      accepts({ grants: grants({ write: ['x'] }) }),
      member(),
    ]
    const verify = await admissionWorld({ rows }).verifier()
    expect(await verify(acmeToken({ scope: 'read' }))).toEqual({ outcome: 'VALID', scopes: 'orders:read' })
    expect(await verify(acmeToken({ scope: 'write' }))).toEqual({ outcome: 'VALID', scopes: 'x' })
    expect(await verify(acmeToken({ scope: 'read write' }))).toEqual({ outcome: 'ASK', scopes: undefined })
  })

  it('does not fall back to a wider path when the best one has ended', async () => {
    const wide = accepts({ grants: grants({ read: ['orders:read', 'orders:write'] }) })
    const world = admissionWorld({ rows: [letsCall(), wide, member()] })
    const verify = await world.verifier()
    expect(await verify(acmeToken())).toMatchObject({ scopes: 'orders:read' })
    world.record('edge', { subject: EDGES.letsCall })
    expect(await verify(acmeToken())).toMatchObject({ outcome: 'ASK' })
  })

  it('looks up the edges of the admission, whatever edges the token names', async () => {
    const world = admissionWorld()
    const verify = await world.verifier()
    const forged = acmeToken({ edges: ['e0000000-0000-8000-8000-0000000000ff'] })
    expect(await verify(forged)).toMatchObject({ outcome: 'VALID' })
    world.record('edge', { subject: EDGES.letsCall })
    expect(await verify(forged)).toMatchObject({ outcome: 'ASK' })
  })

  it('refuses a token whose key the log of its deployment has ended', async () => {
    const world = admissionWorld()
    const verify = await world.verifier()
    world.record('key', { subject: alphaKey.entry.kid }, ALPHA)
    expect(await verify(acmeToken())).toMatchObject({ outcome: 'UNKNOWN_KEY' })
  })

  it('lets the log of another deployment end only what was signed there', async () => {
    const world = admissionWorld({ rows: [letsCall()] })
    const verify = await world.verifier()
    world.record('edge', { subject: EDGES.letsCall }, GAMMA)
    world.record('operator', { operatorId: ACME, minimumEpoch: 99 }, GAMMA)
    expect(await verify(acmeToken())).toMatchObject({ outcome: 'VALID' })
  })

  it.each([
    ['that lives longer than the administrator allows', { maxTokenTtlS: 60 }, 'LIFETIME_TOO_LONG'],
    ['from before the issuer was enabled again', { acceptedFromS: NOW_S }, 'ISSUER_DISABLED'],
    ['with an algorithm that is not allowed', { algorithms: ['ES256'] }, 'UNSUPPORTED_ALGORITHM'],
    ['of an issuer that is asked about each token', { mode: 'introspection' as const }, 'ASK'],
    ['under keys that were fetched 51 minutes ago', { keysAsOf: (NOW_S - 3_060) * 1_000 }, 'ASK'],
  ])('does not accept a token %s', async (_, row, expected) => {
    expect(await outcome(acmeToken(), { issuers: [{ ...alpha, ...row }, gamma] })).toBe(expected)
  })

  it.each([
    ['the issuer of the token', ALPHA, [letsCall()]],
    ['the signer of a statement', GAMMA, [accepts(), member()]],
  ])("does not use a log of the deployment of %s beyond the administrator's bound", async (_, issuer, rows) => {
    const world = admissionWorld({ rows })
    const verify = await world.verifier()
    world.logs.set(issuer, { ...logOf(world, issuer), ageMs: 5_000 })
    expect(await verify(acmeToken())).toMatchObject({ outcome: 'VALID' })
    world.logs.set(issuer, { ...logOf(world, issuer), ageMs: 5_001 })
    expect(await verify(acmeToken())).toMatchObject({ outcome: 'ISSUER_REVOCATIONS_STALE' })
  })

  it.each(['introspection', 'none'] as const)(
    'asks if a signer belongs to a deployment with the mode %s, as then nobody knows its endings',
    async (mode) => {
      const issuers = [alpha, { ...gamma, mode }]
      expect(await outcome(acmeToken(), { issuers, rows: [accepts(), member()] })).toBe('ASK')
    },
  )

  it('asks about a token that is not bound, if the owner demands it', async () => {
    const rules = [{ audience: AUDIENCE, dpop: 'required' }]
    expect(await outcome(acmeToken(), { rules })).toBe('ASK')
    expect(await outcome(acmeToken({ cnf: { jkt: 'k'.repeat(43) } }), { rules })).toBe('PROOF_REQUIRED')
  })

  it.each([
    ['the copy is too old', 1_801, {}, true],
    ['its keys are too old', 60, { keysAsOf: (NOW_S - 2_980) * 1_000 }, true],
    ['the issuer has tokens of another form', 60, { kind: 'oauth' as const }, false],
  ])('asks about a token if %s, and says whether its signature is right', async (_, later, row, expected) => {
    const asked: boolean[] = []
    const world = admissionWorld({ issuers: [{ ...alpha, ...row }, gamma] })
    const verify = await world.verifier({ onAsk: (isGenuine) => asked.push(isGenuine) })
    vi.setSystemTime((NOW_S + later) * 1_000)
    const iat = NOW_S + later
    expect(await verify(acmeToken({ iat, nbf: iat, exp: iat + 600 }))).toMatchObject({ outcome: 'ASK' })
    expect(asked).toEqual([expected])
  })

  it.each<[string, number, WorldOptions, boolean]>([
    ['the copy gets too old', 1_799, {}, false],
    ['the admission ends', 1, { rows: [letsCall({ exp: NOW_S + 12 })] }, false],
    ['the keys get too old', 1, { issuers: [{ ...alpha, keysAsOf: (NOW_S - 2_988) * 1_000 }, gamma] }, false],
    ['the server refuses the admissions', 1, {}, true],
  ])('looks at the admission again if %s while a replay store is asked', async (_, beginS, options, isRefused) => {
    const meanwhile = () => {
      vi.setSystemTime((NOW_S + beginS + 3) * 1_000)
      return isRefused
    }
    const token = acmeToken({ cnf: { jkt: 'k'.repeat(43) }, exp: NOW_S + 3_600 })
    for (const [hook, expected] of [
      [() => false, 'VALID'],
      [meanwhile, 'ISSUER_REVOCATIONS_STALE'],
    ] as const) {
      const verify = await admissionWorld(options).verifier({ meanwhile: hook })
      vi.setSystemTime((NOW_S + beginS) * 1_000)
      expect(await verify(token)).toMatchObject({ outcome: expected })
      vi.setSystemTime((NOW_S + 1) * 1_000)
    }
  })

  it('does not use an admission beyond its end, or beyond two hours after the proof of the domain', async () => {
    const soon = letsCall({ exp: NOW_S + 30 })
    for (const options of [{ rows: [soon] }, { issuers: [provenAt(NOW_S + 30 - 7_200), gamma] }]) {
      const verify = await admissionWorld(options).verifier()
      expect(await verify(acmeToken())).toMatchObject({ outcome: 'VALID' })
      vi.setSystemTime((NOW_S + 20) * 1_000)
      expect(await verify(acmeToken())).toMatchObject({ outcome: 'ASK' })
      vi.setSystemTime((NOW_S + 1) * 1_000)
    }
  })
})

function logOf({ logs }: ReturnType<typeof admissionWorld>, issuer: string) {
  const log = logs.get(issuer)
  if (log === undefined) throw new Error(`There is no log of ${issuer}`)
  return log
}

function provenAt(seconds: number) {
  const domains = [...alpha.domains].map(([name, domain]) => [name, { ...domain, provenAt: seconds * 1_000 }] as const)
  return { ...alpha, domains: new Map(domains) }
}
