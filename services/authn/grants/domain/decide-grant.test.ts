import type { ChallengeContent } from '@auth4agent/core/identity/challenge'
import { challengeMessage } from '@auth4agent/core/identity/challenge'
import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import {
  AgentSnapshotSchema,
  OperatorSnapshotSchema,
} from '../../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { newKey } from '../../../../test/support/agent-log.ts'
import { reasonOf } from '../../../../test/support/reason-of.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { AgentProof } from '../../domain/agent-proof.ts'
import { decideGrant } from './decide-grant.ts'
import { parseGrantRequest } from './grant-request.ts'

const pair = generateKeyPair()
const added = newKey()
const MESSAGE = challengeMessage('challenge', 'nonce')
const TEXT = JSON.stringify([
  { type: 'attenuating_agent_token', tools: { 'https://api.acme.test#read': {}, 'api.acme.test#write': {} } },
])
const DEFAULT_TTL = 900
const DIGEST = parse().wanted.digest

function parse(rest: { ttl?: string; maxDepth?: number; text?: string } = {}) {
  const { text = TEXT, ...terms } = rest
  return parseGrantRequest({ authorizationDetails: text, ...terms }, { min: 30, max: 3600 })
}

const agent = create(AgentSnapshotSchema, {
  status: 'active',
  allowedScopes: ['read', 'write'],
  publicKey: Uint8Array.from(pair.publicKey),
  addedKeys: [{ kid: added.kid, jwk: JSON.stringify(added.jwk), exp: 2n ** 40n }],
  maxDelegationDepth: 3,
})
const operator = create(OperatorSnapshotSchema, { status: 'active', domain: 'acme.test', maxGrantTtl: 3600 })
const refused = () => new ApiError('INTERNAL')

interface Case {
  readonly agent?: object
  readonly operator?: object
  readonly covered?: Partial<ChallengeContent> & { readonly subject_token?: string }
  readonly requested?: Parameters<typeof parse>[0]
  readonly signature?: Uint8Array
  readonly kid?: string
  readonly alg?: string
}

function decide(given: Case = {}) {
  const proof: AgentProof = {
    did: 'did',
    message: MESSAGE,
    signature: given.signature ?? sign(pair.privateKey, MESSAGE),
    kid: given.kid ?? '',
    alg: given.alg,
    covered: given.covered ?? {},
    isFullyBound: false,
    id: '',
    exp: 0,
    challengeKeyId: '',
    refusals: { used: refused, expired: refused, void: refused, unbound: refused },
    wrongKey: () => new ApiError('INVALID_ASSERTION'),
  }
  const subject = { agent: { ...agent, ...given.agent }, operator: { ...operator, ...given.operator } }
  return decideGrant(subject, proof, parse(given.requested), { ttl: DEFAULT_TTL, nowS: 0 })
}

const BOUND = { details: DIGEST, ttl: 600, depth: 2 }

it.each<[string, Case, object]>([
  ['nothing is asked', {}, { ttl: 900, depth: 3, allowedDomains: ['acme.test'] }],
  ['less is asked', { requested: { ttl: '60', maxDepth: 0 } }, { ttl: 60, depth: 0 }],
  ['all that is allowed is asked', { requested: { ttl: '1h', maxDepth: 3 } }, { ttl: 3600, depth: 3 }],
  ['the operator allows shorter grants', { operator: { maxGrantTtl: 600 } }, { ttl: 600 }],
  ['the operator allows longer grants', { operator: { maxGrantTtl: 1200 } }, { ttl: 900 }],
  [
    'the longest that the operator allows is asked',
    { operator: { maxGrantTtl: 600 }, requested: { ttl: '10m' } },
    { ttl: 600 },
  ],
  ['the challenge is bound', { covered: BOUND }, { ttl: 600, depth: 2 }],
  [
    'the challenge is bound and the request repeats it',
    { covered: BOUND, requested: { ttl: '600s', maxDepth: 2 } },
    { ttl: 600, depth: 2 },
  ],
  ['the challenge is bound to the depth 0', { covered: { depth: 0 } }, { depth: 0 }],
  [
    'the operator demands bound challenges',
    { covered: BOUND, operator: { requireBoundChallenges: true } },
    { ttl: 600 },
  ],
  [
    'the operator names other domains',
    { operator: { delegateTo: ['b.test', 'acme.test'] } },
    { allowedDomains: ['acme.test', 'b.test'] },
  ],
])('decideGrant gives the terms when %s', (_, given, terms) => {
  expect(decide(given)).toMatchObject(terms)
})

it('decideGrant accepts only the identity key, and says so to an agent that signs with an added key', async () => {
  const signature = await added.sign(MESSAGE)
  for (const kid of ['', added.kid]) {
    expect(reasonOf(() => decide({ signature, kid }))).toBe('INVALID_SIGNATURE')
    expect(() => decide({ signature, kid })).toThrow("under the agent's identity key")
  }
})

it.each<[string, Case]>([
  ['a kid that names no key of the agent', { kid: 'x' }],
  ['an alg that does not fit the identity key', { alg: 'ES256' }],
])('decideGrant refuses %s, also if the identity key has signed', (_, given) => {
  expect(reasonOf(() => decide(given))).toBe('INVALID_ASSERTION')
})

/** Each case has the faults of all later cases too, so the table proves the order of the checks. */
const FAULTS: readonly [string, Case][] = [
  ['SCOPE_NOT_ALLOWED', { agent: { allowedScopes: ['read'] } }],
  ['INVALID_TTL', { requested: { ttl: '1h' }, operator: { maxGrantTtl: 600 } }],
  ['UNAVAILABLE', { operator: { maxGrantTtl: 0 } }],
  ['DELEGATION_NOT_ALLOWED', { agent: { maxDelegationDepth: 0 } }],
  ['AGENT_OPERATOR_NOT_ACTIVE', { operator: { status: 'suspended' } }],
  ['AGENT_NOT_ACTIVE', { agent: { status: 'suspended' } }],
  ['BINDING_REQUIRED', { agent: { requireBoundChallenges: true } }],
  ['BINDING_MISMATCH', { covered: { aud: ['https://api.acme.test'] } }],
  ['INVALID_SIGNATURE', { signature: new Uint8Array(64) }],
]
it.each(FAULTS.map(([reason], at) => [reason, at] as const))(
  'decideGrant refuses with %s before all later checks',
  (reason, at) => {
    const cases = FAULTS.slice(0, at + 1).map(([, given]) => given)
    const all = (part: 'agent' | 'operator' | 'covered' | 'requested') =>
      Object.assign({}, ...cases.map((given) => given[part] ?? {}))
    const { signature } = cases.at(-1) ?? {}
    const given = {
      agent: all('agent'),
      operator: all('operator'),
      covered: all('covered'),
      requested: all('requested'),
    }
    expect(reasonOf(() => decide({ ...given, ...(signature && { signature }) }))).toBe(reason)
    if (signature === undefined) expect(reasonOf(() => decide(cases.at(-1)))).toBe(reason)
  },
)

it.each<[string, Case, string]>([
  ['a depth beyond the limit', { requested: { maxDepth: 4 } }, 'DELEGATION_NOT_ALLOWED'],
  ['a bound depth beyond the limit', { covered: { depth: 4 } }, 'DELEGATION_NOT_ALLOWED'],
  [
    'the depth 0 for an agent that gets no grants',
    { agent: { maxDelegationDepth: 0 }, requested: { maxDepth: 0 } },
    'DELEGATION_NOT_ALLOWED',
  ],
  ['a lifetime beyond the limit', { operator: { maxGrantTtl: 600 }, requested: { ttl: '601' } }, 'INVALID_TTL'],
  ['a bound lifetime beyond the limit', { operator: { maxGrantTtl: 600 }, covered: { ttl: 601 } }, 'INVALID_TTL'],
  ['a challenge for other capabilities', { covered: { details: 'other' } }, 'BINDING_MISMATCH'],
  ['the same capabilities in another text', { covered: BOUND, requested: { text: `${TEXT} ` } }, 'BINDING_MISMATCH'],
  ['a challenge for another depth', { covered: BOUND, requested: { maxDepth: 1 } }, 'BINDING_MISMATCH'],
  ['a challenge for a scope', { covered: { scope: 'read' } }, 'BINDING_MISMATCH'],
  ['a challenge for an empty scope', { covered: { scope: '' } }, 'BINDING_MISMATCH'],
  ['a challenge for an audience', { covered: { aud: ['https://api.acme.test'] } }, 'BINDING_MISMATCH'],
  ['an assertion for a subject token', { covered: { subject_token: 'x' } }, 'BINDING_MISMATCH'],
  ['an agent that has moved', { agent: { movedTo: 'did:agent:other.test:1' } }, 'AGENT_NOT_ACTIVE'],
  ...(['details', 'ttl', 'depth'] as const).map((name): [string, Case, string] => [
    `a challenge without ${name} where bound challenges are demanded`,
    { covered: { ...BOUND, [name]: undefined }, operator: { requireBoundChallenges: true } },
    'BINDING_REQUIRED',
  ]),
])('decideGrant refuses %s', (_, given, reason) => {
  expect(reasonOf(() => decide(given))).toBe(reason)
})
