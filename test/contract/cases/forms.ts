import type { DescMethod } from '@bufbuild/protobuf'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { isForm, methods } from '../support/contract.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { FORM_TYPE } from '../support/rest-request.ts'
import { ascii, bare, LIMIT, overRest, withBody, withQuery } from './over-rest.ts'

const { token } = OAuthService.method
const GRANT = 'grant_type=client_credentials'

/** Returns the start of a form, and so much of an unknown parameter that the body has this many bytes. */
const padded = (bytes: number) => `${GRANT}&x=${ascii(bytes - GRANT.length - 3)}`

const AUTHORIZATIONS = {
  'a password in the header': 'Basic eDp5',
  'a token in the header': 'Bearer a.b.c',
  'a bound token in the header': 'DPoP a.b.c',
  'an unknown scheme': 'Negotiate x',
}

/** Cases that hold for every RPC with a form. */
function casesOf(method: DescMethod): RefusalCase[] {
  const authorized = Object.entries(AUTHORIZATIONS).map(([name, authorization]): RefusalCase => {
    const reason = 'UNSUPPORTED_CLIENT_AUTHENTICATION'
    return { name, method, reason, over: ['rest'], request: bare(method), authorization: () => authorization }
  })
  return [
    ...authorized,
    overRest(method, 'UNSUPPORTED_MEDIA_TYPE', 'text/plain', withBody(GRANT, 'text/plain')),
    overRest(method, 'UNSUPPORTED_MEDIA_TYPE', 'JSON', withBody('{}', 'application/json')),
    overRest(method, 'BODY_TOO_LARGE', 'a body of one byte more than 64 KiB', withBody(padded(LIMIT + 1), FORM_TYPE)),
    overRest(method, 'INVALID_ARGUMENT', 'an escape that is cut off', withBody(`${GRANT}&x=%4`, FORM_TYPE)),
    overRest(method, 'INVALID_ARGUMENT', 'an unknown query parameter', withQuery('unknown_name=1')),
  ]
}

const OTHER_TYPES = [
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded2',
  'application/x-www-form-urlencoded, text/plain',
  'application/x-www-form-urlencoded; charset=utf-16',
  'application/x-www-form-urlencoded; charset=iso-8859-1',
  'application/x-www-form-urlencoded; boundary=x',
  'application/jwt',
  'application/grpc',
  '*/*',
  '__proto__',
].map((type) => overRest(token, 'UNSUPPORTED_MEDIA_TYPE', `the content type ${type}`, withBody(GRANT, type)))

const NO_TYPE = overRest(token, 'UNSUPPORTED_MEDIA_TYPE', 'no content type', withBody(GRANT))

const CODINGS = ['gzip', 'br', 'deflate', 'gzip, identity', 'x'].map((coding) =>
  overRest(token, 'UNSUPPORTED_MEDIA_TYPE', `the content coding ${coding}`, (request) => ({
    ...request,
    headers: { 'content-type': FORM_TYPE, 'content-encoding': coding },
  })),
)

const UNREADABLE: Readonly<Record<string, string | Uint8Array>> = {
  'a bare percent sign': `${GRANT}&x=%`,
  'an escape that is not hex': `${GRANT}&x=%zz`,
  'a malformed escape in a name': `${GRANT}&%=x`,
  'an escape of bytes that are not UTF-8': `${GRANT}&x=%ff`,
  'an escape of half a surrogate pair': `${GRANT}&x=%ED%A0%80`,
  'bytes that are not UTF-8': Buffer.concat([Buffer.from(`${GRANT}&x=`), Uint8Array.of(0xff)]),
  'UTF-16': Buffer.from(`${GRANT}&x=ü`, 'utf16le'),
  'a parameter twice': `${GRANT}&${GRANT}`,
  'a parameter twice, once with an escape in its name': `${GRANT}&grant%5ftype=client_credentials`,
  'a parameter twice, once empty': `${GRANT}&grant_type=`,
  'a parameter twice, once without an equals sign': `${GRANT}&grant_type`,
  'a NUL character': `${GRANT}&scope=%00`,
  'a client secret beside an assertion': `${GRANT}&client_assertion=x&client_secret=x`,
  JSON: '{"grant_type":"client_credentials"}',
}

const unreadable = Object.entries(UNREADABLE).map(([name, body]) =>
  overRest(token, 'INVALID_ARGUMENT', name, withBody(body, FORM_TYPE)),
)

const QUERIES = ['grant_type=client_credentials', 'client_assertion=x', 'resource=https://a.com/', '%'].map((query) =>
  overRest(token, 'INVALID_ARGUMENT', `the query ${query}`, withQuery(query)),
)

/** Forms that the server reads. The call is then refused, because they contain no client assertion. */
const READ: Readonly<Record<string, readonly [body: string, type?: string]>> = {
  'a content type in upper case': [GRANT, FORM_TYPE.toUpperCase()],
  'a charset': [GRANT, `${FORM_TYPE}; charset=utf-8`],
  'a quoted charset': [GRANT, `${FORM_TYPE};charset="UTF-8"`],
  'an escape in a name': ['grant%5Ftype=client%5Fcredentials'],
  'empty pairs': [`&&${GRANT}&&`],
  'an unknown parameter': [`${GRANT}&unknown_name=1`],
  'an unknown parameter twice': [`${GRANT}&x=1&x=2`],
  'a name in upper case, which is unknown': [`${GRANT}&GRANT_TYPE=x`],
  'the camel-case name of a field, which is unknown': [`${GRANT}&clientAssertion=x&grantType=x`],
  'the names of members of every object': [`${GRANT}&__proto__=x&constructor=x&hasOwnProperty=x&$typeName=x`],
  'a client secret without an assertion': [`${GRANT}&client_secret=x`],
  'empty parameters': [`${GRANT}&client_id=&scope=&resource=&resource&client_assertion=`],
  'a body of exactly 64 KiB': [padded(LIMIT)],
}

const read = Object.entries(READ).map(([name, [body, type = FORM_TYPE]]) =>
  overRest(token, 'UNAUTHENTICATED', name, withBody(body, type)),
)

/** Cases about requests that are form-encoded over HTTP. */
export const formCases: readonly RefusalCase[] = [
  ...methods.filter(isForm).flatMap(casesOf),
  ...OTHER_TYPES,
  NO_TYPE,
  ...CODINGS,
  ...unreadable,
  ...QUERIES,
  ...read,
]
