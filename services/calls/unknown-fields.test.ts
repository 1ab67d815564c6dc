import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf'
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  TimestampSchema,
} from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { VerifyTokenRequestSchema } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { RegisterAgentRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import {
  AudienceRuleSchema,
  ListAuditRecordsRequestSchema,
  SetOperatorPolicyRequestSchema,
} from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { reasonOf } from '../../test/support/reason-of.ts'
import { refuseUnknownFields } from './unknown-fields.ts'

/** Field 100 with the varint 1, as a client with a newer contract may send it. */
const UNKNOWN = Uint8Array.of(0xa0, 0x06, 0x01)

/** Returns a message from the wire with a field that its contract does not have. */
function withUnknown<D extends DescMessage>(desc: D, init: MessageInitShape<D>) {
  return fromBinary(desc, Buffer.concat([toBinary(desc, create(desc, init)), UNKNOWN]))
}

function check(desc: DescMessage, message: Message): () => void {
  return () => refuseUnknownFields(desc, message)
}

describe('refuseUnknownFields refuses an unknown field', () => {
  const rule = withUnknown(AudienceRuleSchema, { audience: 'a' })
  const policy = create(SetOperatorPolicyRequestSchema, { policy: { audiences: [{ audience: 'b' }, rule] } })
  const audit = create(ListAuditRecordsRequestSchema, { until: withUnknown(TimestampSchema, {}) })
  it.each([
    ['in the message', VerifyTokenRequestSchema, withUnknown(VerifyTokenRequestSchema, { token: 't' })],
    ['in a list of messages', SetOperatorPolicyRequestSchema, policy],
    ['in a Timestamp', ListAuditRecordsRequestSchema, audit],
  ])('%s', (_name, desc, message) => {
    expect(reasonOf(check(desc, message))).toBe('UNKNOWN_FIELD')
    expect(check(desc, message)).toThrow('Unknown field number 100 in ')
  })

  it('in a message in a map or in a oneof, which no request has yet', () => {
    const field = { type: FieldDescriptorProto_Type.MESSAGE, label: FieldDescriptorProto_Label.OPTIONAL }
    const entry = {
      name: 'ByNameEntry',
      options: { mapEntry: true },
      field: [
        { ...field, name: 'key', number: 1, type: FieldDescriptorProto_Type.STRING },
        { ...field, name: 'value', number: 2, typeName: '.Inner' },
      ],
    }
    const outer = {
      name: 'Outer',
      nestedType: [entry],
      oneofDecl: [{ name: 'choice' }],
      field: [
        {
          ...field,
          name: 'by_name',
          number: 1,
          typeName: '.Outer.ByNameEntry',
          label: FieldDescriptorProto_Label.REPEATED,
        },
        { ...field, name: 'inner', number: 2, typeName: '.Inner', oneofIndex: 0 },
      ],
    }
    const name = 'test.proto'
    const messageType = [{ name: 'Inner' }, outer]
    const file = create(FileDescriptorProtoSchema, { name, syntax: 'proto3', messageType })
    const registry = createFileRegistry(file, () => undefined)
    const desc = registry.getMessage('Outer') ?? expect.fail('no message')
    const known = Uint8Array.of(0x0a, 0x05, 0x0a, 0x01, 0x61, 0x12, 0x00, 0x12, 0x00)
    const inMap = Uint8Array.of(0x0a, 0x08, 0x0a, 0x01, 0x61, 0x12, 0x03, ...UNKNOWN)
    const inOneof = Uint8Array.of(0x12, 0x03, ...UNKNOWN)
    expect(reasonOf(check(desc, fromBinary(desc, known)))).toBeUndefined()
    for (const bytes of [inMap, inOneof]) {
      expect(reasonOf(check(desc, fromBinary(desc, bytes)))).toBe('UNKNOWN_FIELD')
    }
  })
})

it('refuseUnknownFields accepts messages with only known fields', () => {
  const policy = create(SetOperatorPolicyRequestSchema, { policy: { audiences: [{ audience: 'b' }] } })
  const agent = create(RegisterAgentRequestSchema, { didDocument: { $unknown: [1], other: { x: null } } })
  expect(check(SetOperatorPolicyRequestSchema, policy)).not.toThrow()
  expect(check(RegisterAgentRequestSchema, agent)).not.toThrow()
  expect(check(ListAuditRecordsRequestSchema, create(ListAuditRecordsRequestSchema))).not.toThrow()
})
