import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { TimestampSchema } from '@bufbuild/protobuf/wkt'
import { expect, it } from 'vitest'
import { TokenClaimsSchema, VerifyTokenResponseSchema } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { AgentSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { encodeMessage } from './encode-message.ts'

const SCHEMA = VerifyTokenResponseSchema
const CLAIMS = {
  iss: 'https://auth.example',
  sub: 'ä'.repeat(200),
  aud: ['a', 'b'],
  exp: 1_800_000_000n,
  epoch: [1, 2],
}

const encode = (message: Parameters<typeof encodeMessage>[1]) => Buffer.concat(encodeMessage(SCHEMA, message))

it.each([
  ['is empty', {}],
  ['has no part', { valid: false, reason: 'TOKEN_EXPIRED' }],
  ['has parts', { valid: true, claims: CLAIMS, verifiedAt: { seconds: 7n } }],
])('encodes a message that %s as the library does', (_, init) => {
  const message = create(SCHEMA, init)
  expect(encode(message)).toEqual(Buffer.from(toBinary(SCHEMA, message)))
})

it('encodes a part that is frozen to what reads as the same message', () => {
  const claims = Object.freeze(create(TokenClaimsSchema, CLAIMS))
  const unknown = [{ no: 900, wireType: 0, data: Uint8Array.of(7) }]
  const message = create(SCHEMA, { valid: true, claims, verifiedAt: { seconds: 7n }, $unknown: unknown })
  for (let count = 0; count < 2; count += 1) expect(fromBinary(SCHEMA, encode(message))).toEqual(message)
  expect(message.claims).toBe(claims)
})

it('leaves what is no message of its own to the library', () => {
  const agent = create(AgentSchema, { didDocument: Object.freeze({ id: 'did' }) })
  expect(Buffer.concat(encodeMessage(AgentSchema, agent))).toEqual(Buffer.from(toBinary(AgentSchema, agent)))
})

it('tells apart the fields that one part stands in', () => {
  const at = Object.freeze(create(TimestampSchema, { seconds: 7n }))
  const agent = create(AgentSchema, { id: 'a', createdAt: at, suspendedAt: at })
  for (let count = 0; count < 2; count += 1) {
    expect(fromBinary(AgentSchema, Buffer.concat(encodeMessage(AgentSchema, agent)))).toEqual(agent)
  }
})

it('encodes a part that is frozen once, and any other each time', () => {
  let reads = 0
  const claims = Object.defineProperty(create(TokenClaimsSchema), 'jti', { get: () => `read ${++reads} times` })
  const jtiOf = () => fromBinary(SCHEMA, encode(create(SCHEMA, { claims }))).claims?.jti
  const first = jtiOf()
  expect(jtiOf()).not.toBe(first)
  Object.freeze(claims)
  const frozen = jtiOf()
  expect([jtiOf(), jtiOf()]).toEqual([frozen, frozen])
})
