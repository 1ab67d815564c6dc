import { type DescMethod, getOption, hasOption } from '@bufbuild/protobuf'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { max_request_bytes } from '../../../gen/proto/auth4agent/v1/options_pb.ts'
import { http } from '../../../gen/proto/google/api/annotations_pb.ts'
import { hasBody, isForm, methods } from '../support/contract.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { formCases } from './forms.ts'
import { ascii, bare, LIMIT, overRest, withBody, withQuery } from './over-rest.ts'
import { NOBODY } from './valid-requests.ts'

const { createChallenge } = AuthnService.method
const { registerAgent } = IdentityService.method

/** Returns a body of exactly this many bytes. */
const padded = (bytes: number) => `{"did":"${ascii(bytes - 10)}"}`

/** Cases that hold for every RPC. */
const everywhere = methods.flatMap((method): RefusalCase[] => [
  {
    name: '20 KB of headers',
    method,
    reason: 'HEADERS_TOO_LARGE',
    request: bare(method),
    headers: { 'x-filler': ascii(20_000) },
  },
  {
    name: 'a message that ends too early',
    method,
    reason: 'INVALID_ARGUMENT',
    over: ['grpc'],
    request: bare(method),
    // A field that no message has and that cannot be skipped.
    bytes: Uint8Array.of(0x7a, 0x7f),
  },
  {
    name: 'a field that is not in the contract',
    method,
    reason: 'UNKNOWN_FIELD',
    over: ['grpc'],
    request: bare(method),
    // Field 100, a varint.
    bytes: Uint8Array.of(0xa0, 0x06, 0x01),
  },
])

/**
 * Cases about the query. The JWKS is a well-known document, which ignores its query. A form has no query at all, so
 * its cases are elsewhere.
 */
const queries = methods
  .filter((method) => hasOption(method, http) && !isForm(method))
  .map((method) => overRest(method, 'UNKNOWN_FIELD', 'an unknown query parameter', withQuery('unknown_name=1')))

/** Cases about the JSON in the body of an RPC. */
function bodyCases(method: DescMethod): RefusalCase[] {
  const limit = getOption(method, max_request_bytes) || LIMIT
  const tooLarge = withBody(padded(limit + 1), 'application/json')
  return [
    overRest(method, 'UNSUPPORTED_MEDIA_TYPE', 'text/plain', withBody('{}', 'text/plain')),
    overRest(method, 'BODY_TOO_LARGE', `a body of one byte more than ${limit / 1024} KiB`, tooLarge),
    overRest(method, 'INVALID_ARGUMENT', 'JSON that ends inside an object', withBody('{', 'application/json')),
    overRest(method, 'UNKNOWN_FIELD', 'an unknown member', withBody('{"unknown_name":null}', 'application/json')),
  ]
}

const bodies = methods.filter((method) => hasBody(method) && !isForm(method)).flatMap(bodyCases)

const OTHER_TYPES = [
  'text/html',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'application/xml',
  'application/jsonx',
  'application/json-patch+json',
  'application/octet-stream',
  'application/json, text/plain',
  'application/json; charset=utf-16',
  'application/json; charset=iso-8859-1',
  'application/grpc',
  '*/*',
  'json',
  '__proto__',
].map((type) => overRest(createChallenge, 'UNSUPPORTED_MEDIA_TYPE', `the content type ${type}`, withBody('{}', type)))

const CODINGS = ['gzip', 'br', 'deflate', 'gzip, identity', 'x'].map((coding) =>
  overRest(createChallenge, 'UNSUPPORTED_MEDIA_TYPE', `the content coding ${coding}`, (request) => ({
    ...request,
    headers: { 'content-type': 'application/json', 'content-encoding': coding },
  })),
)

/** Bodies that the server parses. The call then runs and is refused because the body contains no valid DID. */
const READ: Readonly<Record<string, readonly [body: string, type?: string]>> = {
  'no content type': ['{}'],
  'a content type in upper case': ['{}', 'APPLICATION/JSON'],
  'a charset': ['{}', 'application/json; charset=utf-8'],
  'a quoted charset': ['{}', 'application/json;charset="UTF-8"'],
  'a body of null': ['null', 'application/json'],
  'no body': ['', 'text/plain'],
  'white space around the object': [' \n{}\t ', 'application/json'],
  'a body of exactly 64 KiB': [padded(LIMIT), 'application/json'],
}

const read = Object.entries(READ).map(([name, [body, type]]) =>
  overRest(createChallenge, 'INVALID_DID', name, withBody(body, type)),
)

const UNKNOWN = Object.entries({
  'a member named __proto__': '{"__proto__":{"did":"did:agent:acme-operator.com:0"}}',
  'a member named constructor': '{"constructor":{"prototype":{"did":"x"}}}',
  'the name of a method of every object': '{"hasOwnProperty":1}',
  'a name in upper case': '{"DID":"x"}',
  'a name with a blank': '{"did ":"x"}',
  'a name that the protobuf library uses': '{"$typeName":"x"}',
  'an unknown member of 10000 arrays': `{"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
  'a name of 60 KB': `{"${ascii(60_000)}":1}`,
}).map(([name, body]) => overRest(createChallenge, 'UNKNOWN_FIELD', name, withBody(body, 'application/json')))

const UNREADABLE: Readonly<Record<string, string | Uint8Array>> = {
  'only white space': '   ',
  'a bare word': 'undefined',
  'a number that JSON does not have': 'NaN',
  'single quotes': "{'did':'x'}",
  'a trailing comma': '{"did":"x",}',
  'a comment': '{"did":"x"}//',
  'two documents': '{}{}',
  'an array': '[]',
  'an array of objects': '[{"did":"x"}]',
  'a number': '7',
  'a string': '"did"',
  'a boolean': 'true',
  'a byte order mark': '\ufeff{}',
  'a control character in text': '{"did":"a\u0001"}',
  'NUL bytes': '\0\0',
  'bytes that are not UTF-8': Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d),
  'an over-long encoding': Buffer.concat([Buffer.from('{"did":"'), Uint8Array.of(0xc0, 0xaf), Buffer.from('"}')]),
  'half a surrogate pair in UTF-8': Buffer.concat([
    Buffer.from('{"did":"'),
    Uint8Array.of(0xed, 0xa0, 0x80),
    Buffer.from('"}'),
  ]),
  'UTF-16': Buffer.from('{"did":"x"}', 'utf16le'),
  'a member twice': '{"did":"did:agent:a.com:0","did":""}',
  'a member twice with the same value': '{"did":"x","did":"x"}',
  'a member twice, once with an escape in its name': '{"did":"x","d\\u0069d":"x"}',
  'a member twice, once null': '{"did":null,"did":"x"}',
  'a member under both of its names': '{"authorization_details":"","authorizationDetails":""}',
  'arrays nested as deep as 64 KiB allow': '['.repeat(LIMIT),
  'objects nested as deep as 64 KiB allow': '{"a":'.repeat(LIMIT / 5),
}

const unreadable = Object.entries(UNREADABLE).map(([name, body]) =>
  overRest(createChallenge, 'INVALID_ARGUMENT', name, withBody(body, 'application/json')),
)

const QUERIES = [
  overRest(
    createChallenge,
    'UNKNOWN_FIELD',
    'a DID in the query of a POST',
    withQuery('did=did:agent:acme-operator.com:0'),
  ),
  ...[
    'page_size=1&page_size=2',
    'pageSize=1&page_size=2',
    'page_token=%',
    'status=%ff',
    'page_size=%00',
    'operator_id=x',
    'operatorId=x',
  ].map((query) =>
    overRest(IdentityService.method.listAgents, 'INVALID_ARGUMENT', `the query ${query}`, withQuery(query)),
  ),
]

/** Encodes a google.protobuf.Value of nested lists. */
function nestedValue(depth: number): Buffer {
  let value = Buffer.from([0x08, 0x00])
  for (let level = 0; level < depth; level += 1) value = field(6, field(1, value))
  return value
}

function field(number: number, bytes: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes])
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]
}

/** Encodes a RegisterAgentRequest with an unknown operator and a document of this depth. */
const deepDocument = (depth: number) =>
  Buffer.concat([
    field(1, Buffer.from(NOBODY)),
    field(3, field(1, Buffer.concat([field(1, Buffer.from('a')), field(2, nestedValue(depth))]))),
  ])

const MESSAGES: Readonly<Record<string, Uint8Array>> = {
  'bytes that are not UTF-8': field(2, Uint8Array.of(0xff, 0xfe)),
  'half a surrogate pair': field(2, Uint8Array.of(0xed, 0xa0, 0x80)),
  'a NUL character': field(2, Uint8Array.of(0)),
  'a NUL character in the document': field(3, field(1, field(1, Uint8Array.of(0)))),
  'the end of a group that did not start': Uint8Array.of(0x0c),
  'a field with number 0': Uint8Array.of(0x02, 0x00),
  'an unknown wire type': Uint8Array.of(0x0f),
  'a varint of 11 bytes': new Uint8Array(11).fill(0xff),
  'a length beyond 32 bits': Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f),
  'a string field with another wire type': Uint8Array.of(0x08, 0x01),
  'a document with 500 nested lists': deepDocument(500),
  'a document with 2000 nested lists': deepDocument(2000),
  'a document with 5000 nested lists': deepDocument(5000),
}

const messages = Object.entries(MESSAGES).map(
  ([name, bytes]): RefusalCase => ({
    name,
    method: registerAgent,
    reason: 'INVALID_ARGUMENT',
    over: ['grpc'],
    request: bare(registerAgent),
    bytes,
  }),
)

/** Messages that the server parses. The call then runs and is refused because no operator has that id. */
const readMessages = Object.entries({
  'a document with 10 nested lists': deepDocument(10),
  'a document with 40 nested lists': deepDocument(40),
}).map(
  ([name, bytes]): RefusalCase => ({
    name,
    method: registerAgent,
    reason: 'OPERATOR_NOT_FOUND',
    over: ['grpc'],
    request: bare(registerAgent),
    bytes,
  }),
)

/** Cases about the parts of a request that the server checks before the fields. */
export const envelopeCases: readonly RefusalCase[] = [
  ...everywhere,
  ...queries,
  ...bodies,
  ...OTHER_TYPES,
  ...CODINGS,
  ...read,
  ...UNKNOWN,
  ...unreadable,
  ...QUERIES,
  ...messages,
  ...readMessages,
  ...formCases,
]
