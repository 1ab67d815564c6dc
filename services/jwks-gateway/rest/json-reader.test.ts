import { create, createFileRegistry } from '@bufbuild/protobuf'
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import {
  IssueTokenRequestSchema,
  TokenClaimsSchema,
  VerifyTokenRequestSchema,
} from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { RegisterAgentRequestSchema, UpdateAgentRequestSchema } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import {
  ListAuditRecordsRequestSchema,
  SetOperatorPolicyRequestSchema,
} from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { compileReader } from './json-reader.ts'

const schemas = {
  token: IssueTokenRequestSchema,
  verify: VerifyTokenRequestSchema,
  claims: TokenClaimsSchema,
  agent: RegisterAgentRequestSchema,
  update: UpdateAgentRequestSchema,
  audit: ListAuditRecordsRequestSchema,
  policy: SetOperatorPolicyRequestSchema,
}

function read(name: keyof typeof schemas, json: string): unknown {
  return compileReader(schemas[name])(JSON.parse(json), '', 0)
}

const signature = Buffer.from([251, 255, 254, 0])

describe('the JSON reader, for valid JSON,', () => {
  it.each<[string, keyof typeof schemas, string, object]>([
    ['a string', 'token', '{"did":"d"}', { did: 'd' }],
    ['snake_case names', 'claims', '{"operator_id":"o"}', { operatorId: 'o' }],
    ['lowerCamel names', 'claims', '{"operatorId":"o"}', { operatorId: 'o' }],
    ['null as absent', 'token', '{"did":null,"scope":null,"audience":null}', { did: '', audience: [] }],
    ['an empty optional string', 'token', '{"scope":""}', { scope: '' }],
    ['a bare element where allowed', 'token', '{"audience":"a"}', { audience: ['a'] }],
    ['an array', 'token', '{"audience":["a","b"]}', { audience: ['a', 'b'] }],
    ['a number as text where allowed', 'token', '{"ttl":900}', { ttl: '900' }],
    ['padded base64', 'token', '{"signature":"+//+AA=="}', { signature }],
    ['base64url without padding', 'token', '{"signature":"-__-AA"}', { signature }],
    ['an int64 as a number', 'claims', '{"iat":12}', { iat: 12n }],
    ['an int64 as text', 'claims', '{"iat":"9223372036854775807"}', { iat: 9223372036854775807n }],
    ['int32 elements', 'claims', '{"epoch":[1,-2147483648]}', { epoch: [1, -2147483648] }],
    ['an optional false', 'update', '{"require_bound_challenges":false}', { requireBoundChallenges: false }],
    ['a time', 'audit', '{"since":"2026-01-15T10:30:00Z"}', { since: { seconds: 1768473000n, nanos: 0 } }],
    [
      'a fraction',
      'audit',
      '{"since":"2026-01-15T10:30:00.25+00:00"}',
      { since: { seconds: 1768473000n, nanos: 25e7 } },
    ],
    ['a Struct', 'agent', '{"did_document":{"a":[1,null,{"b":true}]}}', { didDocument: { a: [1, null, { b: true }] } }],
    [
      'messages in messages',
      'policy',
      '{"policy":{"audiences":[{"audience":"a","callers":["*"]}]}}',
      { policy: { audiences: [{ audience: 'a', callers: ['*'] }] } },
    ],
  ])('accepts %s', (_name, schema, json, expected) => {
    expect(read(schema, json)).toMatchObject(expected)
  })

  it('leaves absent fields unset', () => {
    expect(read('token', '{}')).toStrictEqual(
      expect.not.objectContaining({ scope: expect.anything(), ttl: expect.anything() }),
    )
  })
})

function nested(depth: number): unknown {
  return JSON.parse(`${'{"inner":'.repeat(depth)}{}${'}'.repeat(depth)}`)
}

describe('compileReader, for a message type inside itself', () => {
  const name = 'test.proto'
  const field = {
    name: 'inner',
    jsonName: 'inner',
    number: 1,
    label: FieldDescriptorProto_Label.OPTIONAL,
    type: FieldDescriptorProto_Type.MESSAGE,
    typeName: '.Outer',
  }
  const file = create(FileDescriptorProtoSchema, {
    name,
    syntax: 'proto3',
    messageType: [{ name: 'Outer', field: [field] }],
  })
  const outer = createFileRegistry(file, () => undefined).getMessage('Outer') ?? expect.fail('no message')

  it('refuses more than 16 levels', () => {
    expect(reasonOf(() => compileReader(outer)(nested(16), '', 0))).toBeUndefined()
    expect(reasonOf(() => compileReader(outer)(nested(17), '', 0))).toBe('INVALID_ARGUMENT')
    expect(reasonOf(() => compileReader(outer)(nested(6000), '', 0))).toBe('INVALID_ARGUMENT')
  })
})

describe('the JSON reader, for invalid values,', () => {
  it.each<[string, keyof typeof schemas, string, string]>([
    ['an array as the body', 'token', '[]', 'The body must be an object'],
    ['a string as the body', 'token', '"x"', 'The body must be an object'],
    ['a number for a string', 'token', '{"did":1}', 'did must be a string'],
    ['a boolean for text or number', 'token', '{"ttl":true}', 'ttl must be a string or a number'],
    ['a number beyond a double', 'token', '{"ttl":1e999}', 'ttl must be a string or a number'],
    ['an element of a wrong type', 'token', '{"audience":["a",1]}', 'audience[1] must be a string'],
    ['null as an element', 'token', '{"audience":[null]}', 'audience[0] must be a string'],
    ['an empty list of requirements', 'verify', '{"operators":[]}', 'operators must not be empty'],
    ['an empty required audience', 'verify', '{"audience":[]}', 'audience must not be empty'],
    ['a bare element where not allowed', 'claims', '{"aud":"a"}', 'aud must be an array'],
    [
      'a string for a boolean',
      'update',
      '{"require_bound_challenges":"true"}',
      'require_bound_challenges must be true or false',
    ],
    ['a fraction for an int32', 'audit', '{"page_size":1.5}', 'page_size must be an integer of 32 bits'],
    ['an int32 out of range', 'audit', '{"page_size":2147483648}', 'page_size must be an integer of 32 bits'],
    ['text for an int32', 'audit', '{"page_size":"1"}', 'page_size must be an integer of 32 bits'],
    ['an unsafe int64', 'claims', '{"iat":9007199254740992}', 'iat must be an integer of 64 bits'],
    ['an int64 text out of range', 'claims', '{"iat":"9223372036854775808"}', 'iat must be an integer of 64 bits'],
    ['an int64 text with a sign', 'claims', '{"iat":"+1"}', 'iat must be an integer of 64 bits'],
    ['an empty int64 text', 'claims', '{"iat":""}', 'iat must be an integer of 64 bits'],
    ['bad base64', 'token', '{"signature":"a b="}', 'signature must be base64'],
    ['bytes as an array', 'token', '{"signature":[1]}', 'signature must be base64'],
    ['a day that does not exist', 'audit', '{"since":"2026-02-30T00:00:00Z"}', 'since must be an RFC 3339 time in UTC'],
    ['a time of another zone', 'audit', '{"since":"2026-01-15T10:30:00+02:00"}', 'since must be an RFC 3339'],
    ['a time as a number', 'audit', '{"since":1}', 'since must be an RFC 3339'],
    ['an array for a message', 'policy', '{"policy":[]}', 'policy must be an object'],
    [
      'a wrong type in a nested list',
      'policy',
      '{"policy":{"audiences":[{"audience":"a","callers":[2]}]}}',
      'policy.audiences[0].callers[0] must be a string',
    ],
    ['an array for a Struct', 'agent', '{"did_document":[]}', 'did_document must be an object'],
    [
      'a Struct that is nested 99 levels deep',
      'agent',
      `{"did_document":{"a":${'['.repeat(99)}${']'.repeat(99)}}}`,
      'must not be nested deeper than 32 levels',
    ],
    [
      'a field under both of its names',
      'claims',
      '{"operatorId":"o","operator_id":"o"}',
      'operatorId must not be sent twice: send operator_id or operatorId, not both',
    ],
    [
      'a field under both of its names, once null',
      'policy',
      '{"policy":{"audiences":[{"token_signing_alg":null,"tokenSigningAlg":"RS256"}]}}',
      'policy.audiences[0].tokenSigningAlg must not be sent twice',
    ],
    ['a Struct with infinity', 'agent', '{"did_document":{"a":[1e999]}}', 'a number that is too large'],
    ['a Struct with a prototype', 'agent', '{"did_document":{"a":{"__proto__":{}}}}', 'a member named __proto__'],
  ])('refuses %s', (_name, schema, json, detail) => {
    expect(reasonOf(() => read(schema, json))).toBe('INVALID_ARGUMENT')
    expect(() => read(schema, json)).toThrow(detail)
  })
})

describe('the JSON reader, for unknown fields,', () => {
  it.each<[string, keyof typeof schemas, string, string]>([
    ['a member', 'verify', '{"scopes":"admin"}', 'Unknown field "scopes": the nearest known one is "scope"'],
    ['a member that is null', 'verify', '{"operator":null}', 'the nearest known one is "operators"'],
    ['a member with no similar name', 'verify', '{"x":{"y":[1]}}', 'the known ones are "token", "audience"'],
    [
      'a lowerCamel name, and suggests the snake_case one',
      'claims',
      '{"operatorIdd":""}',
      'the nearest known one is "operator_id"',
    ],
    [
      'a member in a list of messages',
      'policy',
      '{"policy":{"audiences":[{"audience":"a"},{"caller":["*"]}]}}',
      'Unknown field "policy.audiences[1].caller": the nearest known one is "callers"',
    ],
    ['a prototype', 'token', '{"__proto__":{"did":"x"}}', 'Unknown field "__proto__"'],
    ['a constructor', 'token', '{"constructor":1}', 'Unknown field "constructor"'],
  ])('refuses %s', (_name, schema, json, detail) => {
    expect(reasonOf(() => read(schema, json))).toBe('UNKNOWN_FIELD')
    expect(() => read(schema, json)).toThrow(detail)
  })
})
