import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { type AgentSnapshot, AgentSnapshotSchema } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { IDENTITY_KEY, type ProvenKey } from './agent-proof.ts'
import { checkAttestation, joinEdges, UNATTESTED } from './check-attestation.ts'

const NOW_MS = 1_800_000_000_500
const HOUR_MS = 3_600_000
const RULE = '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b'
const ATTESTOR = '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2c'
const ADDED: ProvenKey = { addedKid: 'k'.repeat(43), exp: 1_900_000_000 }
const WANTED = {
  scopes: ['deploy:prod', 'read'],
  audiences: [{ text: 'https://api.acme.example/v1', host: 'api.acme.example' }],
}
const NOTHING = { scopes: [], audiences: [] }

const enrolment = (bounds: object = {}) => ({ enrolment: { edge: RULE, scopes: WANTED.scopes, ...bounds } })
const demand = (terms: object = {}) => ({
  demands: [{ name: 'boot', metUntil: 0n, lack: 'no result of tpm', ...terms }],
})
const met = (restMs: number, terms: object = {}) => demand({ metUntil: BigInt(NOW_MS + restMs), ...terms })
const finding = (attestor: string, terms: object = {}) => {
  const expiresAt = BigInt(NOW_MS + HOUR_MS)
  return { attestor, type: 'oidc', level: 'bound', at: 1_799_999_000n, expiresAt, ...terms }
}
const agent = (state: object): AgentSnapshot => create(AgentSnapshotSchema, state)
const check = (state: object, wanted: typeof WANTED | typeof NOTHING = WANTED, key = IDENTITY_KEY) =>
  checkAttestation(agent(state), wanted, key, NOW_MS)

describe('checkAttestation', () => {
  it('neither bounds nor refuses an agent about which nothing is demanded', () => {
    expect(check({})).toEqual(UNATTESTED)
    expect(check({}, WANTED, ADDED)).toEqual(UNATTESTED)
  })

  it.each<[name: string, reason: string | undefined, state: object, wanted?: typeof NOTHING]>([
    ['whose rule is gone', 'ATTESTATION_REQUIRED', enrolment({ edge: '' })],
    ['whose rule is gone, and which asks for nothing', 'ATTESTATION_REQUIRED', enrolment({ edge: '' }), NOTHING],
    ['whose rule lacks a scope', 'SCOPE_NOT_ALLOWED', enrolment({ scopes: ['read'] })],
    ['whose rule has no scopes, if it asks for none', undefined, enrolment({ scopes: [] }), NOTHING],
    ['whose rule lists another audience', 'AUDIENCE_NOT_ALLOWED', enrolment({ audiences: ['https://b.example'] })],
    ['whose rule lists only the host', 'AUDIENCE_NOT_ALLOWED', enrolment({ audiences: ['api.acme.example'] })],
    ['whose rule lists the audience', undefined, enrolment({ audiences: ['https://api.acme.example/v1'] })],
    ['whose rule lists no audience', undefined, enrolment()],
  ])('judges an agent %s: %s', (_, reason, state, wanted) => {
    expect(reasonOf(() => check(state, wanted))).toBe(reason)
  })

  it.each<[name: string, applies: boolean, terms: object, wanted?: typeof NOTHING]>([
    ['everything', true, {}],
    ['everything, if nothing is asked for', true, {}, NOTHING],
    ['one of the scopes', true, { scopes: ['x', 'deploy:prod'] }],
    ['a pattern of one of the scopes', true, { scopes: ['deploy:*'] }],
    ['all scopes by a pattern', true, { scopes: ['*'] }],
    ['scopes, if none is asked for', false, { scopes: ['*'] }, NOTHING],
    ['another scope', false, { scopes: ['deploy'] }],
    ['a scope in another case', false, { scopes: ['READ'] }],
    ['the beginning of a scope without *', false, { scopes: ['deploy:'] }],
    ['the audience', true, { audiences: ['https://api.acme.example/v1'] }],
    ['the host of the audience', true, { audiences: ['api.acme.example'] }],
    ['a pattern of the audience', true, { audiences: ['https://api.acme.example/*'] }],
    ['another audience', false, { audiences: ['https://api.acme.example'] }],
    ['audiences, if none is asked for', false, { audiences: ['api.acme.example'] }, NOTHING],
    ['scope and audience', true, { scopes: ['read'], audiences: ['api.acme.example'] }],
    ['the scope at another audience', false, { scopes: ['read'], audiences: ['b.example'] }],
    ['another scope at the audience', false, { scopes: ['write'], audiences: ['api.acme.example'] }],
  ])('applies a demand on %s: %s', (_, applies, terms, wanted) => {
    expect(reasonOf(() => check(demand(terms), wanted))).toBe(applies ? 'ATTESTATION_REQUIRED' : undefined)
  })

  it.each<[name: string, message: RegExp | undefined, state: object, key?: ProvenKey]>([
    ['that was never met', /"boot": no result of tpm/, demand()],
    ['whose results expire now', /"boot": its results have expired/, met(0, { lack: '' })],
    ['whose results expire in a millisecond', undefined, met(1)],
    ['that ends the token in 29 seconds', /at least 30 more seconds/, met(29_999, { edges: [ATTESTOR] })],
    ['that ends the token in 30 seconds', undefined, met(30_000, { edges: [ATTESTOR] })],
    ['that is met, if an added key signs', /the identity key of the agent must sign/, met(HOUR_MS), ADDED],
  ])('judges a demand %s: %s', (_, message, state, key) => {
    const judge = () => check(state, WANTED, key)
    expect(reasonOf(judge)).toBe(message && 'ATTESTATION_REQUIRED')
    if (message !== undefined) expect(judge).toThrow(message)
  })

  it('refuses if one of several demands is not met', () => {
    const { demands } = met(HOUR_MS)
    expect(reasonOf(() => check({ demands: [...demands, ...demand().demands] }))).toBe('ATTESTATION_REQUIRED')
  })

  it('ends a token with the rule and with the results of demands that say so, and only with those that apply', () => {
    const demands = [
      ...met(HOUR_MS, { edges: [ATTESTOR, RULE] }).demands,
      ...met(60_000).demands,
      ...met(60_000, { scopes: ['other'], edges: ['x'] }).demands,
    ]
    const { edges, notAfterS, ttl } = check({ ...enrolment({ tokenTtl: 120 }), demands })
    expect({ edges, notAfterS, ttl }).toEqual({ edges: [RULE, ATTESTOR], notAfterS: 1_800_003_600, ttl: 120 })
  })

  it('does not let a token live longer than the first of several results with which it ends', () => {
    const demands = [HOUR_MS, 60_000].flatMap((rest) => met(rest, { edges: [ATTESTOR] }).demands)
    expect(check({ demands }).notAfterS).toBe(1_800_000_060)
  })

  it('states the results that have not expired, the strongest and then the latest first, at most 8', () => {
    const old = Array.from({ length: 8 }, (_, at) => finding(`old${at}`))
    const findings = [
      ...old,
      finding('gone', { level: 'hardware', expiresAt: BigInt(NOW_MS) }),
      finding('odd', { level: 'quantum' }),
      finding('late', { at: 1_799_999_999n }),
      finding('chip', { level: 'hardware', type: 'tpm' }),
    ]
    const { results } = check({ findings })
    expect(results.map(({ attestor }) => attestor)).toEqual([
      'chip',
      'late',
      'old0',
      'old1',
      'old2',
      'old3',
      'old4',
      'old5',
    ])
    expect(results[0]).toEqual({ attestor: 'chip', type: 'tpm', level: 'hardware', at: 1_799_999_000 })
  })

  it('states no results if an added key signs', () => {
    expect(check({ findings: [finding('ci')] }, WANTED, ADDED).results).toEqual([])
  })
})

const many = (length: number) => Array.from({ length }, (_, at) => `edge-${at}`)

describe('joinEdges', () => {
  it('keeps each edge once', () => {
    expect(joinEdges(['a', 'b'], [], ['b', 'c'])).toEqual(['a', 'b', 'c'])
  })

  it('refuses more edges than verifiers accept', () => {
    expect(joinEdges(many(48), many(48))).toHaveLength(48)
    expect(reasonOf(() => joinEdges(many(48), ['x']))).toBe('INVALID_ARGUMENT')
  })
})
