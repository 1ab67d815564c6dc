import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import {
  OperatorDirectoryService,
  type OperatorKeySnapshotSchema,
  OperatorSnapshotSchema,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ISSUER, NOW_S } from '../../test/support/assertions.ts'
import { CAUSE } from '../../test/support/cause.ts'
import { assertBy, ed25519Key, p256Key, signWith, type TeamKey } from '../../test/support/operator-team.ts'
import { reasonOf, refusalOf } from '../../test/support/reason-of.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import { authenticate } from './authenticate.ts'
import { findKey, listKeys, requireValidAt } from './operator-keys.ts'
import { EMPTY_BODY } from './request-body.ts'

const ID = 'cccccccc-3333-8333-8333-333333333333'
const founder = ed25519Key('founder')
const alice = ed25519Key('alice')
const pipeline = ed25519Key('pipeline')
const cloud = p256Key('cloud')
const stranger = p256Key('stranger')
const RULES = { issuer: ISSUER, nowS: NOW_S, skewS: 10, mustNameRpc: false, rpc: 'POST /x' }
const CALL = { operatorId: ID, issuer: ISSUER, nowS: NOW_S, rpc: 'POST /x', body: EMPTY_BODY.bytes() }

type KeyInit = MessageInitShape<typeof OperatorKeySnapshotSchema>

const member = ({ kid, jwk, label }: TeamKey, edits: object = {}): KeyInit => ({
  kid,
  jwk: JSON.stringify(jwk),
  label,
  roles: ['policy'],
  nbf: BigInt(NOW_S - 100),
  exp: BigInt(NOW_S + 100),
  ...edits,
})
const rootOf = (key: TeamKey): KeyInit => member(key, { roles: [], nbf: 0n, exp: 0n, root: true })
const snapshot = (...keys: KeyInit[]) =>
  create(OperatorSnapshotSchema, { id: ID, status: 'active', rootPublicKey: founder.publicKey, keys })

/** Authenticates as an operator with these keys. */
function authenticated(authorization: string, keys: readonly KeyInit[], nowS = NOW_S) {
  const operators = localClient(OperatorDirectoryService, {
    lookupOperator: async () => ({ operator: snapshot(...keys) }),
    lookupAudienceOwner: async () => ({}),
  })
  const rules = { ...RULES, nowS, body: EMPTY_BODY, isBodySecret: false, cause: CAUSE }
  return authenticate(
    { operators, adminKey: undefined, isFreshNonce: async () => false },
    authorization,
    ['operator'],
    rules,
  )
}

describe('listKeys', () => {
  it('returns the registered root key of an operator without a manifest', () => {
    const { kid, jwk } = founder
    const key = { kid, jwk, label: '', isRoot: true, roles: [], nbf: 0, exp: Number.POSITIVE_INFINITY }
    expect(listKeys(snapshot())).toEqual([key])
  })

  it('returns only the keys of the manifest, if there is one', () => {
    const keys = listKeys(snapshot(rootOf(alice), member(cloud)))
    expect(keys.map(({ label, isRoot, roles, exp }) => ({ label, isRoot, roles, exp }))).toEqual([
      { label: 'alice', isRoot: true, roles: [], exp: Number.POSITIVE_INFINITY },
      { label: 'cloud', isRoot: false, roles: ['policy'], exp: NOW_S + 100 },
    ])
    expect(findKey(snapshot(rootOf(alice)), founder.kid)).toBeUndefined()
  })
})

describe('requireValidAt', () => {
  const [, key] = listKeys(snapshot(rootOf(alice), member(pipeline, { nbf: 100n, exp: 200n })))
  if (key === undefined) throw new Error('The snapshot must have two keys')

  it.each([
    [99, 'INVALID_ASSERTION'],
    [100, undefined],
    [199, undefined],
    [200, 'INVALID_ASSERTION'],
    [201, 'INVALID_ASSERTION'],
  ])('for a key from 100 to 200 at %s answers %s', (nowS, reason) => {
    expect(reasonOf(() => requireValidAt(key, nowS))).toBe(reason)
  })

  it('says when the key was valid', () => {
    expect(() => requireValidAt(key, 200)).toThrow('The key "pipeline" expired at 1970-01-01T00:03:20.000Z')
    expect(() => requireValidAt(key, 0)).toThrow('The key "pipeline" is not valid before 1970-01-01T00:01:40.000Z')
  })

  it('says the time of a key that is valid from the last allowed second on', () => {
    const late = { ...key, nbf: 99_999_999_999, exp: Number.POSITIVE_INFINITY }
    expect(() => requireValidAt(late, 0)).toThrow('The key "pipeline" is not valid before 5138-11-16T09:46:39.000Z')
  })
})

describe('authenticate with the keys of a manifest', () => {
  const keys = [rootOf(alice), member(pipeline), member(cloud)]

  it.each([
    ['a root key', alice, true],
    ['an operational Ed25519 key', pipeline, false],
    ['an operational P-256 key', cloud, false],
  ] as const)('accepts %s', async (_, key, isRoot) => {
    const { principal } = await authenticated(assertBy(key, CALL), keys)
    expect(principal).toMatchObject({
      kind: 'operator',
      operatorId: ID,
      key: { kid: key.kid, label: key.label, isRoot },
    })
  })

  it('accepts the other spelling of the algorithm of an Ed25519 key', async () => {
    const { principal } = await authenticated(assertBy({ ...pipeline, alg: 'Ed25519' as never }, CALL), keys)
    expect(principal.kind).toBe('operator')
  })

  it.each<[string, () => string]>([
    ['the root key with which the operator registered, if the manifest leaves it out', () => assertBy(founder, CALL)],
    ['a foreign key', () => assertBy(stranger, CALL)],
    ['a foreign key under the kid of an operational key', () => assertBy({ ...stranger, kid: cloud.kid }, CALL)],
    ['an operational key under the kid of a root key', () => assertBy({ ...pipeline, kid: alice.kid }, CALL)],
    ['a root key under the kid of an operational key', () => assertBy({ ...alice, kid: pipeline.kid }, CALL)],
    ['a P-256 key with the alg of Ed25519', () => assertBy({ ...cloud, alg: 'EdDSA' }, CALL)],
    ['an Ed25519 key with the alg ES256', () => assertBy({ ...pipeline, alg: 'ES256' }, CALL)],
    ['an approval as assertion', () => `Bearer ${signWith(alice, { typ: 'auth4agent-operator-approval+jwt' }, {})}`],
    ['a manifest as assertion', () => `Bearer ${signWith(alice, { typ: 'auth4agent-operator-keys+jwt' }, {})}`],
    ['an administrator’s assertion by a key of the operator', () => adminBy(alice)],
    ['an ES256 administrator', () => adminBy(cloud)],
  ])('refuses %s', async (_, authorization) => {
    expect(await refusalOf(authenticated(authorization(), keys))).toBe('INVALID_ASSERTION')
  })

  it('says which algorithms a key can have', async () => {
    const refused = authenticated(assertBy({ ...cloud, alg: 'EdDSA' }, CALL), keys)
    await expect(refused).rejects.toThrow('The header of the assertion must have the alg ES256 for this key')
    const reverse = authenticated(assertBy({ ...pipeline, alg: 'ES256' }, CALL), keys)
    await expect(reverse).rejects.toThrow('The header of the assertion must have the alg EdDSA or Ed25519 for this key')
  })

  it.each([
    ['as it begins', NOW_S - 100, undefined],
    ['one second before it begins, although the skew would allow it', NOW_S - 101, 'INVALID_ASSERTION'],
    ['one second before it expires', NOW_S + 99, undefined],
    ['as it expires, although the skew would allow it', NOW_S + 100, 'INVALID_ASSERTION'],
  ])('judges an operational key %s', async (_, nowS, reason) => {
    expect(await refusalOf(authenticated(assertBy(cloud, { ...CALL, nowS }), keys, nowS))).toBe(reason)
  })
})

function adminBy(key: TeamKey): string {
  const claims = { iss: 'admin', sub: 'admin', aud: ISSUER, iat: NOW_S, exp: NOW_S + 60, jti: 'x' }
  return `Bearer ${signWith(key, { typ: 'auth4agent-admin+jwt' }, claims)}`
}
