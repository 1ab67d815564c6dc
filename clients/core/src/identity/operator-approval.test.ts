import { createLocalJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { encodeBase64url } from '../encoding/base64.ts'
import { thumbprint } from '../jose/thumbprint.ts'
import { generateKeyPair } from '../keys/ed25519.ts'
import { type ApprovalContent, OPERATOR_APPROVAL_TYPE, signOperatorApproval } from './operator-approval.ts'

const NOW_S = 1_800_000_000
const OPERATOR = 'aaaaaaaa-1111-8111-8111-111111111111'
const RPC = `PUT /v1/operators/${OPERATOR}/keys`
const BODY = 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'
const CONTENT: ApprovalContent = {
  operatorId: OPERATOR,
  issuer: 'https://auth.example',
  nowS: NOW_S,
  rpc: RPC,
  bodyDigest: BODY,
}
const { publicKey, privateKey } = generateKeyPair()
const signer = { publicKey, sign: async (message: Uint8Array) => privateKey.sign(message) }
const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) }
const keys = createLocalJWKSet({ keys: [{ ...jwk, kid: thumbprint(publicKey), alg: 'EdDSA', use: 'sig' }] })

async function verified(content: Partial<ApprovalContent> = {}) {
  return jwtVerify(await signOperatorApproval(signer, { ...CONTENT, ...content }), keys, {
    typ: OPERATOR_APPROVAL_TYPE,
    currentDate: new Date(NOW_S * 1_000),
  })
}

describe('signOperatorApproval', () => {
  it('signs an approval of one call with one body', async () => {
    const { payload, protectedHeader } = await verified()
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: OPERATOR_APPROVAL_TYPE, kid: thumbprint(publicKey) })
    expect(payload).toEqual({
      iss: OPERATOR,
      sub: OPERATOR,
      aud: 'https://auth.example',
      iat: NOW_S - 30,
      exp: NOW_S + 86_400,
      jti: expect.stringMatching(/^[\w-]{22}$/),
      rpc: RPC,
      body: BODY,
    })
  })

  it('uses a new jti each time', async () => {
    const all = await Promise.all([verified(), verified()])
    expect(new Set(all.map(({ payload }) => payload.jti)).size).toBe(2)
  })

  it('rejects a lifetime of 0, with a fraction, or of more than 7 days from iat', async () => {
    expect((await verified({ lifetimeS: 604_770 })).payload.exp).toBe(NOW_S + 604_770)
    for (const lifetimeS of [0, 1.5, 604_771]) {
      await expect(verified({ lifetimeS })).rejects.toThrow(
        new RangeError('lifetimeS must be 1 to 604770 whole seconds'),
      )
    }
  })
})
