import { create, toBinary } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { GetAgentRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
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
