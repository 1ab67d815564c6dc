import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, it } from 'vitest'
import { TokenClaimsSchema, VerifyTokenResponseSchema } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { GetAgentRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { CheckResponseSchema } from '../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { encodeOnce } from './encode-once.ts'

it('encodeOnce keeps the bytes of a frozen message, and encodes any other message each time', () => {
  const message = create(GetAgentRequestSchema, { did: 'did:agent:a.example:1' })
  const first = encodeOnce(GetAgentRequestSchema, message)
  message.did = 'did:agent:b.example:1'
  expect(encodeOnce(GetAgentRequestSchema, message)).toEqual(toBinary(GetAgentRequestSchema, message))
  expect(encodeOnce(GetAgentRequestSchema, message)).not.toEqual(first)
  Object.freeze(message)
  const kept = encodeOnce(GetAgentRequestSchema, message)
  expect(kept).toEqual(toBinary(GetAgentRequestSchema, message))
  expect(encodeOnce(GetAgentRequestSchema, message)).toBe(kept)
})

it('encodeOnce keeps the bytes of a frozen field, and encodes the others each time', () => {
  const claims = create(TokenClaimsSchema, { sub: 'did:agent:a.example:1', scope: 'x'.repeat(300) })
  const answer = (ms: number, init = {}) =>
    create(VerifyTokenResponseSchema, { valid: true, claims, verifiedAt: timestampFromMs(ms), ...init })
  const encode = (message: ReturnType<typeof answer>) => encodeOnce(VerifyTokenResponseSchema, message)
  Object.freeze(claims)
  for (const ms of [1000, 2000]) expect(fromBinary(VerifyTokenResponseSchema, encode(answer(ms)))).toEqual(answer(ms))
  expect(fromBinary(VerifyTokenResponseSchema, encode(answer(3000, { claims: undefined })))).toEqual(
    answer(3000, { claims: undefined }),
  )
  // They follow the other fields.
  const kept = Buffer.from(toBinary(TokenClaimsSchema, claims))
  expect(Buffer.from(encode(answer(4000))).subarray(-kept.length)).toEqual(kept)
})

it('encodeOnce encodes a frozen message by itself although it was a field before', () => {
  const claims = Object.freeze(create(TokenClaimsSchema, { sub: 'did:agent:a.example:1' }))
  encodeOnce(VerifyTokenResponseSchema, create(VerifyTokenResponseSchema, { claims }))
  expect(encodeOnce(TokenClaimsSchema, claims)).toEqual(toBinary(TokenClaimsSchema, claims))
})

it('encodeOnce does not take a frozen value that is no message for one', () => {
  const dynamicMetadata = Object.freeze({ scope: 'read' })
  const answer = create(CheckResponseSchema, { dynamicMetadata })
  expect(fromBinary(CheckResponseSchema, encodeOnce(CheckResponseSchema, answer))).toEqual(answer)
})
