import { sign } from '@auth4agent/core/keys/ed25519'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { AgentSnapshotSchema, OperatorSnapshotSchema } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { newKey, newP256Key } from '../../../test/support/agent-log.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type AgentProof, checkStatuses, IDENTITY_KEY, proveKey } from './agent-proof.ts'

const NOW = 1_800_000_000
const MESSAGE = new TextEncoder().encode('message')
const [identity, ed25519, p256, stranger] = [newKey(), newKey(), newP256Key(), newKey()]
const added = ({ kid, jwk }: typeof p256, exp = NOW + 60) => ({ kid, jwk: JSON.stringify(jwk), exp: BigInt(exp) })
const subject = {
  agent: create(AgentSnapshotSchema, {
    publicKey: identity.publicKey,
    addedKeys: [added(ed25519), added(p256)],
  }),
  operator: create(OperatorSnapshotSchema),
}

const refused = () => new ApiError('INTERNAL')

const signed = async (key: typeof p256, part: Partial<AgentProof> = {}): Promise<AgentProof> => {
  return {
    did: 'did',
    message: MESSAGE,
    signature: await key.sign(MESSAGE),
    kid: key.kid,
    alg: undefined,
    covered: {},
    isFullyBound: false,
    id: '',
    exp: 0,
    challengeKeyId: '',
    refusals: { used: refused, expired: refused, void: refused, unbound: refused },
    wrongKey: (demand) => new ApiError('INVALID_ASSERTION', demand),
    ...part,
  }
}

describe('proveKey', () => {
  it.each([undefined, 'EdDSA', 'Ed25519'])('accepts the identity key with and without kid, and alg %s', async (alg) => {
    expect(proveKey(subject, await signed(identity, { alg }), NOW)).toBe(IDENTITY_KEY)
    expect(proveKey(subject, await signed(identity, { alg, kid: '' }), NOW)).toBe(IDENTITY_KEY)
  })

  it.each([
    ['Ed25519', ed25519, [undefined, 'EdDSA', 'Ed25519']],
    ['P-256', p256, [undefined, 'ES256']],
  ] as const)('accepts an added key of %s that kid names', async (_name, key, algs) => {
    for (const alg of algs) {
      expect(proveKey(subject, await signed(key, { alg }), NOW)).toEqual({ addedKid: key.kid, exp: NOW + 60 })
    }
  })

  it.each([
    ['without kid', ed25519, { kid: '' }, 'INVALID_SIGNATURE'],
    ['under the kid of the identity key', ed25519, { kid: identity.kid }, 'INVALID_SIGNATURE'],
    ['under the kid of another added key', ed25519, { kid: p256.kid }, 'INVALID_SIGNATURE'],
    ['of P-256 with alg EdDSA', p256, { alg: 'EdDSA' }, 'INVALID_ASSERTION'],
    ['of Ed25519 with alg ES256', ed25519, { alg: 'ES256' }, 'INVALID_ASSERTION'],
    ['over another message', p256, { message: new Uint8Array() }, 'INVALID_SIGNATURE'],
    ['with a short signature', p256, { signature: new Uint8Array(63) }, 'INVALID_SIGNATURE'],
  ] as const)('refuses an added key %s', async (_name, key, part, reason) => {
    const proof = await signed(key, part)
    expect(reasonOf(() => proveKey(subject, proof, NOW))).toBe(reason)
  })

  it('refuses a key that has expired, and one that the agent does not have', async () => {
    const [expired, foreign] = [await signed(p256), await signed(stranger)]
    expect(reasonOf(() => proveKey(subject, expired, NOW + 59))).toBeUndefined()
    expect(reasonOf(() => proveKey(subject, expired, NOW + 60))).toBe('INVALID_ASSERTION')
    expect(reasonOf(() => proveKey(subject, foreign, NOW))).toBe('INVALID_ASSERTION')
  })

  it('refuses the identity key with alg ES256', async () => {
    const proof = await signed(identity, { alg: 'ES256' })
    expect(reasonOf(() => proveKey(subject, proof, NOW))).toBe('INVALID_ASSERTION')
  })

  it('refuses every signature of an agent without a key', async () => {
    const bare = { ...subject, agent: create(AgentSnapshotSchema) }
    const unsigned = await signed(identity, { kid: '', signature: sign(stranger.pair.privateKey, MESSAGE) })
    expect(reasonOf(() => proveKey(bare, unsigned, NOW))).toBe('INVALID_SIGNATURE')
  })
})

const standing = (agent: object, operator = 'active') => ({
  agent: create(AgentSnapshotSchema, { status: 'active', ...agent }),
  operator: create(OperatorSnapshotSchema, { status: operator }),
})

describe('checkStatuses', () => {
  it('accepts an active agent of an active operator', () => {
    expect(() => checkStatuses(standing({}))).not.toThrow()
  })

  it.each([
    ['a pending agent', standing({ status: 'pending' }), 'AGENT_NOT_ACTIVE'],
    ['an agent of a suspended operator', standing({}, 'suspended'), 'AGENT_OPERATOR_NOT_ACTIVE'],
  ])('refuses %s', (_name, at, reason) => {
    expect(reasonOf(() => checkStatuses(at))).toBe(reason)
  })

  it('names the new DID of an agent that has moved', () => {
    const movedTo = 'did:agent:other.example:0123456789abcdef0123456789abcdef'
    expect(() => checkStatuses(standing({ status: 'revoked', movedTo }))).toThrow(`The agent has moved to ${movedTo}`)
  })
})
