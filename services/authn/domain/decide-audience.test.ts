import type { Audience } from '@auth4agent/core/token/audience'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import {
  AgentSnapshotSchema,
  LookupAudienceOwnerResponseSchema,
  OperatorSnapshotSchema,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import {
  type DpopDemand,
  decideAudience,
  type StatusDemand,
  strongestDemand,
  strongestStatus,
} from './decide-audience.ts'

const AUDIENCE = { text: 'https://api.owner.example/v1', host: 'api.owner.example' }
const PORT = { text: 'https://api.owner.example:8443/v1', host: 'api.owner.example' }
const HOST = { text: 'api.owner.example', host: 'api.owner.example' }
const subject = {
  agent: create(AgentSnapshotSchema),
  operator: create(OperatorSnapshotSchema, { id: 'caller', domain: 'caller.example' }),
}

describe('decideAudience', () => {
  const decide = (operatorId: string, audience = '', callers: string[] = []) => {
    const rules = audience === '' ? [] : [{ audience, callers }]
    const owner = create(LookupAudienceOwnerResponseSchema, { operatorId, rules })
    return reasonOf(() => decideAudience(AUDIENCE, owner, subject.operator))
  }

  it.each<[string, Parameters<typeof decide>]>([
    ['without an owner', ['']],
    ['that the caller owns', ['caller']],
    ['that the caller owns and lists without callers', ['caller', AUDIENCE.text, []]],
    ['that the owner lists for the caller', ['owner', AUDIENCE.text, ['caller.example']]],
    ['whose host the owner lists for the caller', ['owner', AUDIENCE.host, ['caller.example']]],
    ['that the owner lists for every operator', ['owner', AUDIENCE.text, ['*']]],
  ])('allows an audience %s', (_, about) => {
    expect(decide(...about)).toBeUndefined()
  })

  it.each<[string, Parameters<typeof decide>]>([
    ['lists nothing', ['owner']],
    ['lists it without callers', ['owner', AUDIENCE.text, []]],
    ['lists another caller', ['owner', AUDIENCE.text, ['other.example']]],
    ["lists a parent of the caller's domain", ['owner', AUDIENCE.text, ['example']]],
    ["lists a subdomain of the caller's domain", ['owner', AUDIENCE.text, ['sub.caller.example']]],
    ['lists another path', ['owner', 'https://api.owner.example/', ['caller.example']]],
    ['lists a parent of the host', ['owner', 'owner.example', ['caller.example']]],
  ])('refuses an audience whose owner %s', (_, about) => {
    expect(decide(...about)).toBe('AUDIENCE_NOT_ALLOWED')
  })
})

/** Decides an audience whose owner has these algorithms by audience and lists every operator. */
function algorithmOf(audience: Audience, algorithms: Readonly<Record<string, string>>, operatorId = 'owner') {
  const rules = Object.entries(algorithms).map(([name, tokenSigningAlg]) => ({
    audience: name,
    callers: ['*'],
    tokenSigningAlg,
  }))
  return decideAudience(audience, create(LookupAudienceOwnerResponseSchema, { operatorId, rules }), subject.operator)
    .alg
}

/** Decides an audience whose owner has these DPoP rules by audience and lists every operator. */
function dpopOf(audience: Audience, dpopRules: Readonly<Record<string, string>>) {
  const rules = Object.entries(dpopRules).map(([name, dpop]) => ({ audience: name, callers: ['*'], dpop }))
  return decideAudience(
    audience,
    create(LookupAudienceOwnerResponseSchema, { operatorId: 'owner', rules }),
    subject.operator,
  ).dpop
}

describe('decideAudience', () => {
  it.each<[string, Audience, Readonly<Record<string, string>>, string]>([
    ['the rule of the exact audience', AUDIENCE, { [AUDIENCE.text]: 'ES256' }, 'ES256'],
    ['the rule of its host when there is no other', AUDIENCE, { [AUDIENCE.host]: 'ES256' }, 'ES256'],
    [
      'the rule of the exact audience when the rule of its host comes first',
      AUDIENCE,
      { [AUDIENCE.host]: 'RS256', [AUDIENCE.text]: 'ES256' },
      'ES256',
    ],
    [
      'the rule of the exact audience when the rule of its host comes last',
      AUDIENCE,
      { [AUDIENCE.text]: 'ES256', [HOST.text]: 'RS256' },
      'ES256',
    ],
    [
      'the default when the rule of the exact audience has no algorithm',
      AUDIENCE,
      { [AUDIENCE.host]: 'RS256', [AUDIENCE.text]: '' },
      'EdDSA',
    ],
    ['the default when the rule of its host has no algorithm', AUDIENCE, { [AUDIENCE.host]: '' }, 'EdDSA'],
    ['the rule of the exact audience with a port', PORT, { [PORT.text]: 'ES256', [PORT.host]: 'RS256' }, 'ES256'],
    [
      'the rule of its host for an audience with another port',
      PORT,
      { [AUDIENCE.text]: 'ES256', [PORT.host]: 'RS256' },
      'RS256',
    ],
    ['the rule of a host for the host itself', HOST, { [AUDIENCE.text]: 'ES256', [HOST.text]: 'RS256' }, 'RS256'],
    ['the default, not a rule of another path', AUDIENCE, { 'https://api.owner.example/': 'ES256' }, 'EdDSA'],
    ['the default, not a rule of a longer path', AUDIENCE, { [`${AUDIENCE.text}/more`]: 'ES256' }, 'EdDSA'],
    ['the default, not a rule of another scheme', AUDIENCE, { 'wss://api.owner.example/v1': 'ES256' }, 'EdDSA'],
    ['the default, not a rule of a parent host', AUDIENCE, { 'owner.example': 'ES256', [HOST.text]: '' }, 'EdDSA'],
  ])('uses the algorithm of %s', (_, audience, algorithms, alg) => {
    // The caller owns the audience, so that rules of other audiences do not refuse it.
    expect(algorithmOf(audience, algorithms, 'caller')).toBe(alg)
  })

  it.each(['EdDSA', 'Ed25519', 'ES256', 'RS256'])(
    'returns the algorithm %s to other operators and to the owner itself',
    (alg) => {
      for (const owner of ['owner', 'caller']) expect(algorithmOf(AUDIENCE, { [AUDIENCE.text]: alg }, owner)).toBe(alg)
    },
  )

  it('returns EdDSA for an audience without an owner', () => {
    expect(algorithmOf(AUDIENCE, {}, '')).toBe('EdDSA')
  })

  it('uses the algorithm of the exact audience even when only the rule of its host lists the caller', () => {
    const owner = create(LookupAudienceOwnerResponseSchema, {
      operatorId: 'owner',
      rules: [
        { audience: AUDIENCE.host, callers: ['caller.example'], tokenSigningAlg: 'RS256' },
        { audience: AUDIENCE.text, callers: [], tokenSigningAlg: 'ES256' },
      ],
    })
    expect(decideAudience(AUDIENCE, owner, subject.operator).alg).toBe('ES256')
  })

  it.each(['ML-DSA-44', 'eddsa', 'none', ' '])(
    'answers UNAVAILABLE for the unknown algorithm "%s" instead of taking another',
    (alg) => {
      for (const owner of ['owner', 'caller'])
        expect(reasonOf(() => algorithmOf(AUDIENCE, { [AUDIENCE.text]: alg, [AUDIENCE.host]: 'ES256' }, owner))).toBe(
          'UNAVAILABLE',
        )
    },
  )

  it('refuses a caller that is not listed before it reports an unknown algorithm', () => {
    const rules = [{ audience: AUDIENCE.text, callers: ['other.example'], tokenSigningAlg: 'ML-DSA-44' }]
    const owner = create(LookupAudienceOwnerResponseSchema, { operatorId: 'owner', rules })
    expect(reasonOf(() => decideAudience(AUDIENCE, owner, subject.operator))).toBe('AUDIENCE_NOT_ALLOWED')
  })
})

describe('decideAudience', () => {
  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['the rule of the exact audience', { [AUDIENCE.text]: 'required', [AUDIENCE.host]: '' }, 'required'],
    ['the rule of its host', { [AUDIENCE.host]: 'required-with-nonce' }, 'required-with-nonce'],
    ['the exact rule and no other path', { 'https://api.owner.example/': 'required', [AUDIENCE.text]: '' }, ''],
    ['an exact rule without a demand', { [AUDIENCE.text]: '', [AUDIENCE.host]: 'required' }, ''],
  ])('returns the DPoP demand of %s', (_, rules, demand) => {
    expect(dpopOf(AUDIENCE, rules)).toBe(demand)
  })

  it.each(['optional', 'REQUIRED', ' '])('answers UNAVAILABLE for the unknown DPoP rule "%s"', (rule) => {
    expect(reasonOf(() => dpopOf(AUDIENCE, { [AUDIENCE.text]: rule }))).toBe('UNAVAILABLE')
  })
})

describe('decideAudience', () => {
  /** Decides an audience whose owner has these rules for the status of tokens. */
  const statusOf = (statusRules: Readonly<Record<string, string>>) => {
    const rules = Object.entries(statusRules).map(([name, tokenStatus]) => ({ audience: name, tokenStatus }))
    const owner = create(LookupAudienceOwnerResponseSchema, { operatorId: 'caller', rules })
    return decideAudience(AUDIENCE, owner, subject.operator).tokenStatus
  }

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['the rule of the exact audience', { [AUDIENCE.text]: 'status_list', [AUDIENCE.host]: '' }, 'status_list'],
    ['the rule of its host', { [AUDIENCE.host]: 'status_list' }, 'status_list'],
    ['an exact rule without a demand', { [AUDIENCE.text]: '', [AUDIENCE.host]: 'status_list' }, ''],
  ])('returns the demand for the status of %s', (_, rules, demand) => {
    expect(statusOf(rules)).toBe(demand)
  })

  it.each(['introspection', 'STATUS_LIST', ' '])(
    'answers UNAVAILABLE for the unknown rule "%s" for the status',
    (rule) => {
      expect(reasonOf(() => statusOf({ [AUDIENCE.text]: rule }))).toBe('UNAVAILABLE')
    },
  )
})

it.each<[StatusDemand[], StatusDemand]>([
  [[], ''],
  [['', ''], ''],
  [['', 'status_list', ''], 'status_list'],
])('strongestStatus of %j is "%s"', (demands, strongest) => {
  expect(strongestStatus(demands.map((tokenStatus) => ({ tokenStatus })))).toBe(strongest)
})

it.each<[DpopDemand[], DpopDemand]>([
  [[], ''],
  [['', ''], ''],
  [['', 'required'], 'required'],
  [['required-with-nonce', 'required', ''], 'required-with-nonce'],
])('strongestDemand of %j is "%s"', (demands, strongest) => {
  expect(strongestDemand(demands.map((dpop) => ({ dpop })))).toBe(strongest)
})
