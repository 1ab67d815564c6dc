import { createHmac, createPublicKey, verify as cryptoVerify } from 'node:crypto'
import { encodeBase64, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { signAssertion } from '@auth4agent/core/identity/assertion'
import { readChallenge } from '@auth4agent/core/identity/challenge'
import { parseCompactJws } from '@auth4agent/core/jose/jws'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { requestToken } from '../../../clients/sdk/src/request-token.ts'
import type { BoundTerms } from '../../../clients/sdk/src/terms.ts'
import {
  AgentSnapshotSchema,
  OperatorDirectoryService,
  OperatorSnapshotSchema,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { IssueTokenRequestSchema } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { decideIssue } from '../../../services/authn/domain/decide-issue.ts'
import { issuerAudience, parseRequestedTerms } from '../../../services/authn/domain/token-request.ts'
import { openChallenge } from '../../../services/authn/open-challenge.ts'
import { authenticate } from '../../../services/calls/authenticate.ts'
import { EMPTY_BODY } from '../../../services/calls/request-body.ts'
import { importHmacKey } from '../../../services/platform/crypto/hmac.ts'
import { ApiError } from '../../../services/platform/errors/api-error.ts'
import { localClient } from '../../../services/platform/rpc/local-client.ts'
import { CAUSE } from '../../support/cause.ts'
import { refusalOf } from '../../support/reason-of.ts'
import { AGENT_KEY, ROOT_KEY } from '../../vectors/protocol/make/parties.ts'
import { isRefused, type Refused, readVectors, type Vector } from '../support/read-vectors.ts'

const raw = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'))

/** Verifies an Ed25519 signature with node:crypto only, not with the code of this project. */
function holds(publicKey: string, message: string | Uint8Array, signature: Uint8Array): boolean {
  const x = encodeBase64url(Buffer.from(publicKey, 'base64'))
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return cryptoVerify(null, Buffer.from(message), key, signature)
}

interface Wanted {
  readonly scope?: string
  readonly audience?: string[]
  readonly ttl?: number
}

interface Signed {
  readonly content: object
  readonly message: string
  readonly signature: string
}

describe('challenges.json', () => {
  const file = readVectors('challenges.json') as {
    issuer: string
    did: string
    public_key: string
    now: number
    mac_key_id: string
    mac_key_hex: string
    signing: Vector<{ wanted: Wanted; challenge: string; nonce: string }, Signed | Refused>[]
    redemptions: Vector<{ challenge: string; nonce: string; signature: string }, Refused | 'accepted'>[]
  }
  const macKey = Buffer.from(file.mac_key_hex, 'hex')

  /** Returns the request with which the SDK redeems a challenge, and how often the SDK has signed. */
  async function answerTo({ wanted, challenge, nonce }: (typeof file.signing)[number]) {
    const sent: { signature?: string }[] = []
    let signed = 0
    const server: Parameters<typeof requestToken>[0]['server'] = {
      issuer: file.issuer,
      nowMs: () => file.now * 1000,
      discover: async () => ({ issuer: file.issuer, defaultTtlS: undefined }),
      async transport({ path, body }) {
        if (path === '/v1/challenge') return { challenge, nonce }
        sent.push(body as { signature?: string })
        throw new Error('sent')
      },
    }
    const signer = {
      publicKey: AGENT_KEY.publicKey,
      async sign(message: Uint8Array) {
        signed += 1
        return AGENT_KEY.privateKey.sign(message)
      },
    }
    // The SDK always asks for bound challenges. These vectors also contain challenges that are not bound.
    const order = { server, did: file.did, signer, terms: wanted as BoundTerms }
    const error: unknown = await requestToken(order).catch((reason: unknown) => reason)
    return { signature: sent[0]?.signature, signed, error }
  }

  it.each(file.signing.filter(({ expect: expected }) => isRefused(expected)))(
    'the SDK does not sign: $name',
    async (vector) => {
      const { signed, error } = await answerTo(vector)
      expect(signed).toBe(0)
      expect(error).toMatchObject({ reason: 'CHALLENGE_REFUSED' })
      const isReadable = readChallenge(vector.challenge) !== undefined
      expect(isReadable).toBe((vector.expect as Refused).refused !== 'unreadable')
    },
  )

  it.each(file.signing.filter(({ expect: expected }) => !isRefused(expected)))(
    'the SDK signs: $name',
    async (vector) => {
      const { content, message, signature } = vector.expect as Signed
      expect(message).toBe(`auth4agents-challenge:${vector.challenge}:${vector.nonce}`)
      expect(holds(file.public_key, message, Buffer.from(signature, 'base64'))).toBe(true)
      expect(content).toMatchObject(readChallenge(vector.challenge) ?? {})
      expect(await answerTo(vector)).toMatchObject({ signature, signed: 1 })
    },
  )

  it.each(file.signing.filter(({ expect: expected }) => !isRefused(expected)))(
    'the MAC covers the content and the nonce: $name',
    ({ challenge, nonce }) => {
      const bytes = Buffer.from(challenge, 'base64url')
      const mac = createHmac('sha256', macKey).update(bytes.subarray(0, -32)).update(Buffer.from(nonce, 'base64url'))
      expect(mac.digest()).toEqual(bytes.subarray(-32))
    },
  )

  it.each(file.redemptions)(
    'the server answers a redemption: $name',
    async ({ challenge, nonce, signature, expect: expected }) => {
      const subject = {
        agent: create(AgentSnapshotSchema, {
          did: file.did,
          publicKey: AGENT_KEY.publicKey,
          status: 'active',
          allowedScopes: ['read', 'write'],
        }),
        operator: create(OperatorSnapshotSchema, { id: 'operator', status: 'active' }),
      }
      const key = { id: file.mac_key_id, key: importHmacKey(macKey), slot: 0 }
      const challengeKeys = {
        find: async (id: string) => (id === key.id ? key : undefined),
        current: async () => key,
        rotate: async () => undefined,
      }
      const request = create(IssueTokenRequestSchema, { did: file.did, challenge, nonce, signature: raw(signature) })
      const redeem = async () => {
        const proof = await openChallenge({ challengeKeys, issuer: file.issuer }, request)
        const defaults = { audience: issuerAudience(file.issuer), ttl: 900 }
        decideIssue(subject, proof, parseRequestedTerms(request, { min: 30, max: 3600 }), defaults, file.now)
      }
      const refused = await refusalOf(redeem())
      expect(refused === undefined ? 'accepted' : { refused }).toEqual(expected)
    },
  )
})

interface AssertedCall {
  readonly rpc: string
  readonly changes: boolean
}

describe('assertions.json', () => {
  const file = readVectors('assertions.json') as {
    issuer: string
    now: number
    clock_skew: number
    operators: { id: string; domain: string; status: string; public_key: string; thumbprint: string }[]
    admin: { public_key: string; thumbprint: string }
    good: { header: object; claims: { iss: string; rpc: string; jti: string } }
    call: AssertedCall
    cases: Vector<{ call?: AssertedCall; status?: string; authorization: string }, object>[]
  }
  it.each(file.cases)(
    'the server accepts or refuses the assertion: $name',
    async ({ call = file.call, status, authorization, expect: expected }) => {
      const operators = localClient(OperatorDirectoryService, {
        async lookupOperator({ by }) {
          const found = file.operators.find(({ id }) => id === by.value)
          if (found === undefined) return {}
          const { id, domain, public_key } = found
          return { operator: { id, domain, status: status ?? found.status, rootPublicKey: raw(public_key) } }
        },
        async lookupAudienceOwner() {
          throw new Error('This test must not look up an audience')
        },
      })
      const facts = { ...call, mustNameRpc: call.changes, body: EMPTY_BODY, isBodySecret: false, cause: CAUSE }
      const rules = { issuer: file.issuer, nowS: file.now, skewS: file.clock_skew, ...facts }
      const judge = async () => {
        const deps = { operators, adminKey: raw(file.admin.public_key), isFreshNonce: async () => false }
        const { principal, refusal } = await authenticate(deps, authorization, ['operator', 'admin'], rules)
        if (refusal !== undefined) throw refusal
        if (principal.kind !== 'operator' && principal.kind !== 'admin')
          throw new Error(`The principal must be an operator or the administrator, not ${principal.kind}`)
        const party = principal.kind === 'operator' ? principal.operatorId : 'admin'
        return { party, jti: principal.assertion.jti, expires_at: principal.assertion.expiresAt }
      }
      const result = await judge().catch((error: unknown) => {
        if (error instanceof ApiError) return { refused: error.reason }
        throw error
      })
      expect(result).toEqual(expected)
    },
  )

  it.each(file.cases.filter(({ expect: expected }) => !isRefused(expected)))(
    'node:crypto accepts the signature: $name',
    ({ authorization, expect: expected }) => {
      const [signingInput, signature] = authorization.slice('Bearer '.length).split(/\.(?=[^.]*$)/)
      const { party } = expected as { party: string }
      const key = [...file.operators, { id: 'admin', ...file.admin }].find(({ id }) => id === party)
      expect(holds(key?.public_key ?? '', signingInput ?? '', Buffer.from(signature ?? '', 'base64url'))).toBe(true)
    },
  )

  it('signAssertion writes the good assertion, except for its jti', async () => {
    const { iss, rpc, jti } = file.good.claims
    const signer = { publicKey: ROOT_KEY.publicKey, sign: async (bytes: Uint8Array) => ROOT_KEY.privateKey.sign(bytes) }
    const text = await signAssertion(signer, { party: iss, issuer: file.issuer, nowS: file.now, rpc })
    const rules = { maxBytes: 4096, algs: ['EdDSA'], typs: ['auth4agent-operator+jwt'] }
    const jws = parseCompactJws(text, rules)
    if (!jws.ok) throw new Error(jws.why)
    expect(jws.header).toEqual(file.good.header)
    expect({ ...jws.payload, jti }).toEqual(file.good.claims)
    expect(encodeBase64(ROOT_KEY.publicKey)).toBe(file.operators[0]?.public_key)
  })
})
