import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import {
  OperatorDirectoryService,
  OperatorSnapshotSchema,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ISSUER, NOW_S } from '../../../test/support/assertions.ts'
import { CAUSE } from '../../../test/support/cause.ts'
import { BODY, ed25519, keyOf, signed } from '../../../test/support/signed-requests.ts'
import { localClient } from '../../platform/rpc/local-client.ts'
import { requestBody } from '../request-body.ts'
import { authenticateCall } from './authenticate-signature.ts'

const ID = 'cccccccc-3333-8333-8333-333333333333'
const RULES = {
  issuer: ISSUER,
  nowS: NOW_S,
  skewS: 10,
  mustNameRpc: true,
  rpc: 'PATCH /x',
  isBodySecret: false,
  cause: CAUSE,
}
const { kid, label, jwk } = keyOf(ed25519)

/** The times of a key with roles, in Unix seconds. */
interface Times {
  readonly nbf: number
  readonly exp: number
}

/** Authenticates a signed request at NOW_S, for an operator whose only key has these times. */
function authenticated({ nbf, exp }: Times, more: object = {}) {
  const key = { kid, label, jwk: JSON.stringify(jwk), roles: ['policy'], nbf: BigInt(nbf), exp: BigInt(exp), ...more }
  const operators = localClient(OperatorDirectoryService, {
    lookupOperator: async () => ({
      operator: create(OperatorSnapshotSchema, { id: ID, status: 'active', keys: [key] }),
    }),
    lookupAudienceOwner: async () => ({}),
  })
  const meta = { signable: signed(), authorization: undefined }
  const line = { callers: ['operator'], own: 'operatorId', action: 'agent.update' } as const
  const body = requestBody(() => Buffer.from(BODY))
  return authenticateCall(
    { operators, adminKey: undefined, isFreshNonce: async () => false },
    meta,
    line,
    { operatorId: ID },
    { ...RULES, body },
  )
}

describe('authenticateCall of a signed request', () => {
  it.each<[string, Times]>([
    ['in its first second', { nbf: NOW_S, exp: NOW_S + 100 }],
    ['in its last second', { nbf: NOW_S - 100, exp: NOW_S + 1 }],
  ])('accepts a key with roles %s', async (_name, times) => {
    const { principal, authority } = await authenticated(times)
    expect(principal).toMatchObject({ kind: 'operator', operatorId: ID, key: { kid, isRoot: false } })
    expect(authority).toMatchObject({ coversBody: true })
  })

  it('refuses a key that is a passkey, although the signature is right', async () => {
    const times = { nbf: NOW_S - 100, exp: NOW_S + 100 }
    const webauthn = { rpId: 'auth.example', credentialId: 'AQID' }
    await expect(authenticated(times, { webauthn })).rejects.toMatchObject({
      reason: 'INVALID_REQUEST_SIGNATURE',
      message: 'The key "laptop" is a passkey, which signs only assertions',
    })
  })

  it.each<[string, Times]>([
    ['a second before its nbf, although the skew is ten seconds', { nbf: NOW_S + 1, exp: NOW_S + 100 }],
    ['at its exp', { nbf: NOW_S - 100, exp: NOW_S }],
  ])('refuses a key with roles %s', async (_name, times) => {
    await expect(authenticated(times)).rejects.toMatchObject({
      reason: 'INVALID_REQUEST_SIGNATURE',
      message: 'The key "laptop" is not valid now',
    })
  })
})
