import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { OPERATOR_ASSERTION_TYPE } from '@auth4agent/core/identity/assertion'
import { signP256 } from '@auth4agent/core/keys/ecdsa-p256'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import {
  OperatorDirectoryService,
  OperatorSnapshotSchema,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ISSUER, NOW_S } from '../../test/support/assertions.ts'
import { CAUSE } from '../../test/support/cause.ts'
import { approveBy, assertBy, ed25519Key, type TeamKey } from '../../test/support/operator-team.ts'
import { assertByPasskey, type ProofEdits, type SoftPasskey, softPasskey } from '../../test/support/passkeys.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import { checkApprovals } from './approvals.ts'
import { authenticate } from './authenticate.ts'
import { listKeys } from './operator-keys.ts'
import { requestBody } from './request-body.ts'

const ID = 'cccccccc-3333-8333-8333-333333333333'
const BODY = Buffer.from('{"a":1}')
const body = requestBody(() => BODY)
const CALL = { operatorId: ID, issuer: ISSUER, nowS: NOW_S, rpc: 'POST /x', body: BODY }
const RULES = {
  issuer: ISSUER,
  nowS: NOW_S,
  skewS: 10,
  rpc: 'POST /x',
  mustNameRpc: false,
  body,
  isBodySecret: false,
  cause: CAUSE,
}

const alice = ed25519Key('alice')
const passkey = softPasskey(ISSUER)
/** The same key as one that signs plain JWSs, as a thief would use it who has its private half. */
const asPlain: TeamKey = {
  jwk: passkey.jwk,
  kid: passkey.kid,
  label: 'passkey',
  alg: 'ES256',
  sign: (message) => signP256(passkey.privateKey, message),
}

const snapshotOf = (keys: readonly { readonly key: TeamKey | SoftPasskey; readonly isPasskey: boolean }[]) =>
  create(OperatorSnapshotSchema, {
    id: ID,
    status: 'active',
    rootThreshold: 1,
    keys: [
      { kid: alice.kid, jwk: JSON.stringify(alice.jwk), label: 'alice', root: true },
      ...keys.map(({ key: { kid, jwk }, isPasskey }) => ({
        kid,
        jwk: JSON.stringify(jwk),
        label: 'laptop',
        roles: ['policy'],
        nbf: BigInt(NOW_S - 100),
        exp: BigInt(NOW_S + 100),
        ...(isPasskey && { webauthn: passkey.webauthn }),
      })),
    ],
  })

const isFreshNonce = async (nonce: unknown) => nonce === 'fresh'

interface Setting {
  /** Whether the manifest says that the key is a passkey. */
  readonly isPasskey?: boolean
  readonly key?: SoftPasskey
  readonly nowS?: number
  readonly mustNameRpc?: boolean
}

/** Authenticates a call. Resolves with `accepted`, or with the reason and the sentence. */
async function outcome(authorization: string, setting: Setting = {}): Promise<string> {
  const { isPasskey = true, key = passkey, ...rules } = setting
  const operators = localClient(OperatorDirectoryService, {
    lookupOperator: async () => ({ operator: snapshotOf([{ key, isPasskey }]) }),
    lookupAudienceOwner: async () => ({}),
  })
  return authenticate({ operators, adminKey: undefined, isFreshNonce }, authorization, ['operator'], {
    ...RULES,
    ...rules,
  }).then(
    ({ principal, refusal }) => refusal?.reason ?? (principal.kind === 'operator' ? 'accepted' : principal.kind),
    (error: unknown) => {
      if (error instanceof ApiError) return `${error.reason}: ${error.message}`
      throw error
    },
  )
}

const by = (claims: Readonly<Record<string, unknown>> = {}, edits?: ProofEdits, key = passkey) =>
  assertByPasskey(key, CALL, { nonce: 'fresh', ...claims }, edits)

const NONCE =
  'INVALID_ASSERTION: nonce of the assertion of a passkey must be one of the last 300 seconds: POST /v1/passkey-nonces gives one'
const FORM = 'INVALID_ASSERTION: A passkey signs only with the alg urn:auth4agent:alg:webauthn'

describe('an assertion of a passkey', () => {
  it.each(['p256', 'ed25519'] as const)('is accepted with a fresh nonce, rpc and body, of %s', async (kind) => {
    const key = softPasskey(ISSUER, kind)
    expect(await outcome(by({}, {}, key), { key })).toBe('accepted')
  })

  it.each<readonly [string, string, string]>([
    ['without rpc, also for a read', by({ rpc: undefined }), 'INVALID_ASSERTION: rpc must be exactly POST /x'],
    ['for another call', by({ rpc: 'POST /y' }), 'INVALID_ASSERTION: rpc must be exactly POST /x'],
    [
      'without body, also for a read',
      by({ body: undefined }),
      'BODY_DIGEST_REQUIRED: The assertion of a passkey must contain the claim body: the SHA-256 of the request body',
    ],
    [
      'for another body',
      by({ body: encodeBase64url(new Uint8Array(32)) }),
      `BODY_DIGEST_MISMATCH: body must be ${body.digest()}, the SHA-256 of the 7 bytes of the body as received`,
    ],
    ['without a nonce', by({ nonce: undefined }), NONCE],
    ['signed for tomorrow, with a nonce that is not fresh', by({ nonce: 'old' }), NONCE],
    ['with a nonce that is no text', by({ nonce: ['fresh'] }), NONCE],
    ['for another server', by({ aud: 'https://other.example' }), `INVALID_ASSERTION: aud must be exactly ${ISSUER}`],
    ['that has expired', by({ iat: NOW_S - 100, exp: NOW_S - 40 }), 'ASSERTION_EXPIRED: The assertion has expired'],
    [
      'of another origin',
      by({}, { client: { origin: 'https://evil.example' } }),
      `INVALID_ASSERTION: origin in clientDataJSON must be ${ISSUER}`,
    ],
    [
      'in a frame of another origin',
      by({}, { client: { crossOrigin: true } }),
      'INVALID_ASSERTION: clientDataJSON must not be of a page inside a page of another origin',
    ],
    [
      'without user verification',
      by({}, { flags: 0x01 }),
      'INVALID_ASSERTION: authenticatorData must have the flag UV: the authenticator must have recognised the person',
    ],
  ])('is refused %s', async (_name, authorization, said) => {
    expect(await outcome(authorization)).toBe(said)
    expect(await outcome(authorization, { mustNameRpc: true })).toBe(said)
  })

  it('is refused when the key has expired', async () => {
    const later = by({ iat: NOW_S + 99, exp: NOW_S + 150 })
    expect(await outcome(later, { nowS: NOW_S + 99 })).toBe('accepted')
    expect(await outcome(later, { nowS: NOW_S + 100 })).toContain('INVALID_ASSERTION: The key "laptop" expired at')
  })

  it('is refused if the manifest does not say that the key is a passkey', async () => {
    expect(await outcome(by(), { isPasskey: false })).toBe(
      'INVALID_ASSERTION: The header of the assertion must have the alg ES256 for this key',
    )
  })

  it('is refused in the name of a root key', async () => {
    const text = passkey.signJws(OPERATOR_ASSERTION_TYPE, {})
    const header = encodeBase64url(
      Buffer.from(JSON.stringify({ alg: 'urn:auth4agent:alg:webauthn', typ: OPERATOR_ASSERTION_TYPE, kid: alice.kid })),
    )
    const claims = by().split('.')[1]
    expect(await outcome(`Bearer ${header}.${claims}.${text.split('.')[2]}`)).toContain('must have the alg EdDSA')
  })
})

describe('a passkey', () => {
  it('signs no plain JWS, although the signature is right', async () => {
    const plain = assertBy(asPlain, CALL, { nonce: 'fresh' })
    expect(await outcome(plain, { isPasskey: false })).toBe('accepted')
    expect(await outcome(plain)).toBe(FORM)
  })

  it('approves nothing', () => {
    const rootKeys = listKeys(snapshotOf([{ key: passkey, isPasskey: true }])).filter(({ isRoot }) => isRoot)
    const rules = { ...CALL, skewS: 10, body, rootKeys, signerKid: alice.kid }
    for (const approval of [
      approveBy(asPlain, CALL),
      passkey.signJws('auth4agent-operator-approval+jwt', { iss: ID, sub: ID }),
    ]) {
      expect(() => checkApprovals(approval, rules)).toThrow(expect.objectContaining({ reason: 'INVALID_APPROVAL' }))
    }
  })
})
