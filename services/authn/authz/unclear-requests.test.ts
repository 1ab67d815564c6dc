import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { CheckRequestSchema } from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { askCheck, bytes, type Http, ROUTE, raw, valid, withHeaders } from '../../../test/support/envoy/ask-check.ts'
import { createAllow } from './allow.ts'
import { type CheckDeps, checkRequest, createDemands } from './check.ts'

describe('checkRequest refuses, without looking at the token,', () => {
  const cases: [string, Partial<Http>, number, string][] = [
    ['no Authorization header', { headers: {} }, 401, 'AUTHORIZATION_MISSING'],
    ['an empty Authorization header', withHeaders({ authorization: '' }), 401, 'AUTHORIZATION_MALFORMED'],
    ['another scheme', withHeaders({ authorization: 'Basic YTpi' }), 401, 'AUTHORIZATION_MALFORMED'],
    ['a scheme alone', withHeaders({ authorization: 'Bearer' }), 401, 'AUTHORIZATION_MALFORMED'],
    ['a token without scheme', withHeaders({ authorization: 'a.b.c' }), 401, 'AUTHORIZATION_MALFORMED'],
    ['text after the token', withHeaders({ authorization: 'Bearer a.b.c d' }), 401, 'AUTHORIZATION_MALFORMED'],
    ['a tab before the token', withHeaders({ authorization: 'Bearer\ta.b.c' }), 401, 'AUTHORIZATION_MALFORMED'],
    ['a line break after the token', withHeaders({ authorization: 'Bearer a.b.c\n' }), 401, 'AUTHORIZATION_MALFORMED'],
    ['bytes that are no ASCII', withHeaders({ authorization: 'Bearer a.b.c\u00e9' }), 401, 'AUTHORIZATION_MALFORMED'],
    [
      'two Authorization headers',
      withHeaders({ authorization: 'Bearer a.b.c,Bearer x' }),
      401,
      'AUTHORIZATION_REPEATED',
    ],
    [
      'two in a raw list',
      raw(['authorization', 'Bearer a'], ['authorization', 'Bearer b']),
      401,
      'AUTHORIZATION_REPEATED',
    ],
    ['two by case', withHeaders({ Authorization: 'Bearer b' }), 401, 'AUTHORIZATION_REPEATED'],
    [
      'one in each form',
      { headerMap: { headers: [{ key: 'authorization', rawValue: bytes('Bearer b') }] } },
      401,
      'AUTHORIZATION_REPEATED',
    ],
    ['raw bytes that are no ASCII', raw(['authorization', 'Bearer a.b.c\xff']), 401, 'AUTHORIZATION_MALFORMED'],
    [
      'a header with value and raw value',
      { headerMap: { headers: [{ key: 'a', value: 'a', rawValue: bytes('b') }] } },
      403,
      'HEADER_AMBIGUOUS',
    ],
    ['a header of 64 KiB', withHeaders({ cookie: 'a'.repeat(65_536) }), 403, 'HEADER_TOO_LARGE'],
    ['a raw header of 64 KiB', raw(['cookie', 'a'.repeat(65_536)]), 403, 'HEADER_TOO_LARGE'],
    ['a path that is not that of the headers', withHeaders({ ':path': '/other' }), 403, 'HEADER_AMBIGUOUS'],
    ['a method that is not that of the headers', withHeaders({ ':method': 'POST' }), 403, 'HEADER_AMBIGUOUS'],
    ['a host that is not that of the headers', withHeaders({ ':authority': 'x' }), 403, 'HEADER_AMBIGUOUS'],
    ['a scheme that is not that of the headers', withHeaders({ ':scheme': 'http' }), 403, 'HEADER_AMBIGUOUS'],
    ['HTTP/1.0', { protocol: 'HTTP/1.0' }, 403, 'PROTOCOL_REFUSED'],
    ['HTTP/1.0 in lower case', { protocol: 'http/1.0' }, 403, 'PROTOCOL_REFUSED'],
    ['HTTP/0.9', { protocol: 'HTTP/0.9' }, 403, 'PROTOCOL_REFUSED'],
    ['CONNECT', { method: 'CONNECT', path: '' }, 403, 'METHOD_REFUSED'],
    ['a method in lower case', { method: 'get' }, 403, 'METHOD_REFUSED'],
    ['a query in the host', { host: 'api.example.com/a?x' }, 403, 'HOST_REFUSED'],
    ['a fragment in the host', { host: 'api.example.com#' }, 403, 'HOST_REFUSED'],
    ['a user in the host', { host: 'b@api.example.com' }, 403, 'HOST_REFUSED'],
    ['two hosts', { host: 'a.example.com,b.example.com' }, 403, 'HOST_REFUSED'],
    ['an encoded slash', { path: '/a%2Fb' }, 403, 'PATH_REFUSED'],
    ['an encoded slash in lower case', { path: '/a%2fb?x' }, 403, 'PATH_REFUSED'],
    ['an encoded backslash', { path: '/a%5Cb' }, 403, 'PATH_REFUSED'],
    ['a backslash', { path: '/a\\b' }, 403, 'PATH_REFUSED'],
    ['an encoded NUL', { path: '/a%00' }, 403, 'PATH_REFUSED'],
    ['a dot segment', { path: '/a/../b' }, 403, 'PATH_REFUSED'],
    ['a dot segment at the end', { path: '/a/..' }, 403, 'PATH_REFUSED'],
    ['a single dot', { path: '/./a' }, 403, 'PATH_REFUSED'],
    ['an encoded dot segment', { path: '/a/%2E./b' }, 403, 'PATH_REFUSED'],
    ['a dot segment with parameters', { path: '/a/..;x/b' }, 403, 'PATH_REFUSED'],
    ['an incomplete encoding', { path: '/a%2' }, 403, 'PATH_REFUSED'],
    ['a space', { path: '/a b' }, 403, 'PATH_REFUSED'],
    ['a fragment', { path: '/a#b' }, 403, 'PATH_REFUSED'],
    ['bytes that are no ASCII in the path', { path: '/\u00e9' }, 403, 'PATH_REFUSED'],
    ['a whole URL as the path', { path: 'https://b.example/a' }, 403, 'PATH_REFUSED'],
    ['an asterisk as the path', { method: 'OPTIONS', path: '*' }, 403, 'PATH_REFUSED'],
    ['a token in the query', { path: '/a?access_token=a.b.c' }, 401, 'TOKEN_IN_QUERY'],
    ['a token in the query, encoded', { path: '/a?b=c&access%5Ftoken=x' }, 401, 'TOKEN_IN_QUERY'],
    ['a token in the query, in upper case', { path: '/a?b;Access_Token=x' }, 401, 'TOKEN_IN_QUERY'],
    ['a token in the field query', { query: 'access_token=x' }, 401, 'TOKEN_IN_QUERY'],
    ['a proof with the scheme Bearer', withHeaders({ dpop: 'p' }), 401, 'PROOF_WITHOUT_SCHEME'],
    ['the scheme DPoP without proof', withHeaders({ authorization: 'DPoP a.b.c' }), 401, 'PROOF_REQUIRED'],
    ['an empty proof', withHeaders({ authorization: 'DPoP a.b.c', dpop: '' }), 401, 'PROOF_REQUIRED'],
  ]
  it.each(cases)('%s', async (_, http, status, reason) => {
    const answer = await askCheck(http)
    const outcomes = [status === 401 ? 'unauthenticated' : 'forbidden']
    expect(answer).toMatchObject({ isAllowed: false, isDenied: true, status, reason, removed: [], seen: [], outcomes })
    expect(answer.metadata).toBeUndefined()
    if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^(?:Bearer|DPoP) .*scope="read"/)
  })

  const bound = { headers: { authorization: 'DPoP a.b.c', dpop: 'p' } }
  it.each<[string, Partial<Http>]>([
    ['method', { method: '' }],
    ['host', { host: '' }],
    ['scheme', { scheme: '' }],
    ['path', { path: '' }],
    ['usable scheme', { scheme: 'ftp' }],
  ])('a proof for a request without %s', async (_, http) => {
    expect(await askCheck({ ...bound, ...http })).toMatchObject({
      status: 403,
      reason: 'REQUEST_URL_UNKNOWN',
      seen: [],
    })
  })

  it('a check about a connection that is not HTTP', async () => {
    const request = create(CheckRequestSchema, { attributes: { contextExtensions: ROUTE } })
    const deps: CheckDeps = {
      demandsOf: createDemands('https://auth.example'),
      verify: valid,
      allow: createAllow(),
      onCheck() {},
    }
    const { status, httpResponse } = await checkRequest(deps, request)
    expect([status?.message, httpResponse.case]).toEqual(['HTTP_REQUEST_MISSING', 'deniedResponse'])
  })

  it('a check without attributes', async () => {
    const deps: CheckDeps = {
      demandsOf: createDemands('https://auth.example'),
      verify: valid,
      allow: createAllow(),
      onCheck() {},
    }
    const { status } = await checkRequest(deps, create(CheckRequestSchema))
    expect(status?.message).toBe('AUDIENCE_NOT_DEMANDED')
  })
})
