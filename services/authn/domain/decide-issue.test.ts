import { type ChallengeContent, challengeMessage } from '@auth4agent/core/identity/challenge'
import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { AgentSnapshotSchema, OperatorSnapshotSchema } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AgentProof } from './agent-proof.ts'
import { decideIssue } from './decide-issue.ts'
import type { Subject } from './subject.ts'
import { isFullyBound, issuerAudience, parseRequestedTerms, type RequestedTerms } from './token-request.ts'

const pair = generateKeyPair()
const ISSUER = 'https://auth.example'
const DEFAULTS = { audience: issuerAudience(ISSUER), ttl: 900 }
const UNBOUND: ChallengeContent = { v: 1, iss: ISSUER, did: 'did', exp: 1, kid: 'k' }
const BOUND: ChallengeContent = { ...UNBOUND, scope: 'read', aud: [ISSUER], ttl: 60 }
const SIGNATURE = sign(pair.privateKey, challengeMessage('challenge', 'nonce'))

const agent = create(AgentSnapshotSchema, {
  status: 'active',
  allowedScopes: ['read', 'write'],
  publicKey: Uint8Array.from(pair.publicKey),
})
const operator = create(OperatorSnapshotSchema, { status: 'active' })

const subject = (agentPart: object = {}, operatorPart: object = {}): Subject => ({
  agent: { ...agent, ...agentPart },
  operator: { ...operator, ...operatorPart },
})
/** A request with a signed challenge. */
interface Redemption {
  readonly challenge: string
  readonly nonce: string
  readonly content: ChallengeContent
  readonly signature: Uint8Array
  readonly requested: RequestedTerms
}
const ask = (part: Partial<Redemption> = {}, scope = 'read'): Redemption => ({
  challenge: 'challenge',
  nonce: 'nonce',
  content: UNBOUND,
  signature: SIGNATURE,
  requested: parseRequestedTerms({ scope, audience: [] }, { min: 30, max: 3600 }),
  ...part,
})
const decide = (about: Subject, { challenge, nonce, content, signature, requested }: Redemption) => {
  const proof: AgentProof = {
    did: content.did,
    message: challengeMessage(challenge, nonce),
    signature,
    kid: '',
    alg: undefined,
    covered: content,
    isFullyBound: isFullyBound(content),
    id: '',
    exp: content.exp,
    challengeKeyId: content.kid,
    refusals: {
      used: () => new ApiError('CHALLENGE_USED'),
      expired: () => new ApiError('CHALLENGE_EXPIRED'),
      void: () => new ApiError('CHALLENGE_NOT_FOUND'),
      unbound: () => new ApiError('BINDING_REQUIRED'),
    },
    wrongKey: () => new ApiError('INVALID_SIGNATURE'),
  }
  return decideIssue(about, proof, requested, DEFAULTS, 0).terms
}

it('decideIssue returns the terms of an active agent within its grant', () => {
  expect(decide(subject(), ask())).toMatchObject({ scope: ['read'], ttl: 900 })
  expect(decide(subject({ requireBoundChallenges: true }), ask({ content: BOUND }))).toMatchObject({ ttl: 60 })
})

describe('decideIssue refuses a signature that is', () => {
  it.each<[string, Subject, Partial<Redemption>]>([
    ['empty', subject(), { signature: new Uint8Array() }],
    ['cut', subject(), { signature: SIGNATURE.subarray(1) }],
    ['over another nonce', subject(), { nonce: 'other' }],
    ['over another challenge', subject(), { challenge: 'other' }],
    ['over text with the separator moved', subject(), { challenge: 'challenge:nonce', nonce: '' }],
    ['by another key', subject({ publicKey: generateKeyPair().publicKey }), {}],
    ['by an agent that has no key', subject({ publicKey: new Uint8Array() }), {}],
  ])('%s', (_, about, part) => {
    expect(reasonOf(() => decide(about, ask(part)))).toBe('INVALID_SIGNATURE')
  })
})

describe('decideIssue', () => {
  // Each case has this fault and all faults below it. docs/protocol.md section 6 gives the order of the checks.
  const faults: [string, object, object, Partial<Redemption>][] = [
    ['INVALID_SIGNATURE', {}, {}, { signature: new Uint8Array(64) }],
    ['BINDING_MISMATCH', {}, {}, { content: { ...UNBOUND, scope: 'other' } }],
    ['BINDING_REQUIRED', { requireBoundChallenges: true }, {}, {}],
    ['AGENT_NOT_ACTIVE', { status: 'suspended' }, {}, {}],
    ['AGENT_OPERATOR_NOT_ACTIVE', {}, { status: 'suspended' }, {}],
    ['SCOPE_NOT_ALLOWED', { allowedScopes: [] }, {}, {}],
  ]

  it.each(faults.map(([reason], index) => [reason, faults.slice(index)] as const))(
    'reports %s before the faults that follow in the order of checks',
    (reason, present) => {
      const merged = present.toReversed()
      const about = subject(
        Object.assign({}, ...merged.map(([, part]) => part)),
        Object.assign({}, ...merged.map(([, , part]) => part)),
      )
      expect(reasonOf(() => decide(about, ask(Object.assign({}, ...merged.map(([, , , part]) => part)))))).toBe(reason)
    },
  )
})

it.each(['pending', 'suspended', 'revoked', '', 'Active'])(
  'decideIssue refuses an agent with status "%s"',
  (status) => {
    expect(reasonOf(() => decide(subject({ status }), ask()))).toBe('AGENT_NOT_ACTIVE')
  },
)

it.each(['pending', 'lapsed', 'suspended', 'superseded', 'released', ''])(
  'decideIssue refuses an operator with status "%s"',
  (status) => {
    expect(reasonOf(() => decide(subject({}, { status }), ask()))).toBe('AGENT_OPERATOR_NOT_ACTIVE')
  },
)

it('decideIssue requires a bound challenge when the agent or the operator requires it', () => {
  expect(reasonOf(() => decide(subject({}, { requireBoundChallenges: true }), ask()))).toBe('BINDING_REQUIRED')
  expect(reasonOf(() => decide(subject({}, { requireBoundChallenges: true }), ask({ content: BOUND })))).toBeUndefined()
})

it.each([
  ['the default', undefined, 3600, { ttl: 900 }],
  ['the default, but no more than max_grant_ttl', undefined, 600, { ttl: 600 }],
  ['max_grant_ttl', '600', 600, { ttl: 600 }],
  ['more than max_grant_ttl', '601', 600, 'INVALID_TTL'],
  ['the default while the registry tells no max_grant_ttl', undefined, 0, 'UNAVAILABLE'],
])('decideIssue decides about a token with may_act that asks for %s', (_, ttl, maxGrantTtl, expected) => {
  const mayAct = `did:agent:acme.example:${'0'.repeat(32)}`
  const about = subject({ maxDelegationDepth: 1 }, { domain: 'acme.example', maxGrantTtl })
  const terms = { scope: 'read', audience: [], mayAct, ...(ttl !== undefined && { ttl }) }
  const asked = ask({ requested: parseRequestedTerms(terms, { min: 30, max: 3600 }) })
  if (typeof expected === 'string') expect(reasonOf(() => decide(about, asked))).toBe(expected)
  else expect(decide(about, asked)).toMatchObject(expected)
  const { mayAct: _no, ...plain } = terms
  const other = ask({ requested: parseRequestedTerms(plain, { min: 30, max: 3600 }) })
  expect(decide(about, other)).toMatchObject({ ttl: ttl === undefined ? 900 : Number(ttl) })
})

it('decideIssue refuses a proof that covers the terms of a grant or of an exchange', () => {
  for (const terms of [{ details: 'x' }, { depth: 1 }, { subject_token: 'x' }]) {
    expect(reasonOf(() => decide(subject(), ask({ content: { ...UNBOUND, ...terms } })))).toBe('BINDING_MISMATCH')
  }
})

it('decideIssue refuses a scope beyond the grant instead of narrowing it', () => {
  for (const scope of ['admin', 'admin read', 'READ', 'rea'])
    expect(
      reasonOf(() => decide(subject(), ask({}, scope))),
      scope,
    ).toBe('SCOPE_NOT_ALLOWED')
  expect(decide(subject({ allowedScopes: [] }), ask({}, ''))).toMatchObject({ scope: [] })
})
