import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { TokenClaimsSchema, VerifyTokenResponseSchema } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import {
  AgentSchema,
  ListAgentsResponseSchema,
  UpdateAgentRequestSchema,
} from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { JsonWebKeySchema, ListSigningKeysRequestSchema } from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { LogHeadSchema } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { compileFieldWriter, compileWriter } from './json-writer.ts'
import { fieldOf } from './path-template.ts'

describe('the JSON writer', () => {
  it('writes unset fields as empty strings, null or empty arrays', () => {
    expect(compileWriter(VerifyTokenResponseSchema)(create(VerifyTokenResponseSchema))).toBe(
      '{"valid":false,"revoked":false,"claims":null,"verified_at":null,"reason":""}',
    )
    expect(compileWriter(UpdateAgentRequestSchema)(create(UpdateAgentRequestSchema))).toBe(
      '{"operator_id":"","agent":"","label":null,"require_bound_challenges":null,"max_delegation_depth":null,"redirect_uris":null}',
    )
    expect(compileWriter(ListSigningKeysRequestSchema)(create(ListSigningKeysRequestSchema))).toBe('{}')
  })

  it('writes int64 as a number, times in whole seconds, and nested messages', () => {
    const verified = create(VerifyTokenResponseSchema, {
      valid: true,
      claims: { iss: 'i"\u2028', aud: ['a', 'b'], iat: 9007199254740993n, epoch: [1, 2] },
      verifiedAt: { seconds: 1768473000n, nanos: 999_000_000 },
    })
    const text = compileWriter(VerifyTokenResponseSchema)(verified)
    expect(text).toContain('"verified_at":"2026-01-15T10:30:00Z"')
    expect(text).toContain('"iat":9007199254740993')
    expect(JSON.parse(text)).toMatchObject({
      valid: true,
      claims: { iss: 'i"\u2028', aud: ['a', 'b'], epoch: [1, 2], nbf: 0 },
    })
  })

  it('writes times in milliseconds if the proto file says so', () => {
    const write = compileWriter(LogHeadSchema)
    const observedAt = timestampFromDate(new Date('2026-01-15T10:30:00.007Z'))
    expect(write(create(LogHeadSchema, { observedAt }))).toBe(
      '{"position":null,"observed_at":"2026-01-15T10:30:00.007Z"}',
    )
    expect(write(create(LogHeadSchema))).toBe('{"position":null,"observed_at":null}')
  })

  it('writes bytes as padded base64 and a Struct as plain JSON', () => {
    const agent = create(AgentSchema, {
      agentPublicKey: Uint8Array.from([251, 255, 254, 0]),
      didDocument: { id: 'did', list: [1, null] },
      createdAt: timestampFromDate(new Date(0)),
    })
    expect(JSON.parse(compileWriter(AgentSchema)(agent))).toMatchObject({
      agent_public_key: '+//+AA==',
      did_document: { id: 'did', list: [1, null] },
      created_at: '1970-01-01T00:00:00Z',
      revoked_at: null,
      allowed_scopes: [],
    })
  })

  it('leaves out an empty field if the proto file says so', () => {
    const write = compileWriter(JsonWebKeySchema)
    expect(write(create(JsonWebKeySchema))).toBe('{"kty":"","alg":"","use":"","kid":""}')
    const key = { kty: 'RSA', alg: 'RS256', use: 'sig', kid: 'k', n: 'AA', e: 'AQAB' }
    expect(write(create(JsonWebKeySchema, key))).toBe(JSON.stringify(key))
  })

  it('keeps the text of a frozen message, and writes any other message each time', () => {
    const write = compileWriter(VerifyTokenResponseSchema)
    let reads = 0
    const claims = Object.defineProperty(create(TokenClaimsSchema), 'jti', { get: () => `read ${++reads} times` })
    const textOf = () => JSON.parse(write(create(VerifyTokenResponseSchema, { claims }))).claims.jti
    expect([textOf(), textOf()]).toEqual(['read 1 times', 'read 2 times'])
    Object.freeze(claims)
    expect([textOf(), textOf()]).toEqual(['read 3 times', 'read 3 times'])
  })

  it('writes one field for response_body', () => {
    const write = compileFieldWriter(fieldOf(ListAgentsResponseSchema, 'agents'))
    expect(write(create(ListAgentsResponseSchema))).toBe('[]')
    expect(JSON.parse(write(create(ListAgentsResponseSchema, { agents: [{ id: '1' }] })))).toMatchObject([{ id: '1' }])
  })
})
