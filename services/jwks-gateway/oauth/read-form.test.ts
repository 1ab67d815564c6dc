import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, it } from 'vitest'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { compileFormReader } from './read-form.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const readToken = compileFormReader(OAuthService.method.token)
const readIntrospect = compileFormReader(OAuthService.method.introspect)
const read = (body: string | Uint8Array, headers: IncomingHttpHeaders = FORM, query = '') =>
  readToken(headers, query, Buffer.from(body))

describe('compileFormReader', () => {
  it.each([
    ['a parameter', 'scope=read', { scope: 'read' }],
    ['plus signs and percent-encoding', 'scope=read+write%3Aall%20%2B', { scope: 'read write:all +' }],
    ['UTF-8', 'client_id=%C3%A9é', { clientId: 'éé' }],
    ['an encoded name', '%73cope=read', { scope: 'read' }],
    ['a value with an equals sign', 'client_id=a=b', { clientId: 'a=b' }],
    ['a repeated list', 'resource=a&resource=b', { resource: ['a', 'b'] }],
    ['a list with an empty value', 'resource=&resource=b', { resource: ['b'] }],
    ['an empty parameter as absent', 'scope=&client_id', { scope: '', clientId: '' }],
    ['unknown parameters', 'x=1&x=2&scope=read&constructor=1&__proto__=1', { scope: 'read' }],
    ['an assertion and an empty client secret', 'client_assertion=a&client_secret=', { clientAssertion: 'a' }],
    ['64 parameters', `${'x=&'.repeat(63)}scope=read`, { scope: 'read' }],
    ['empty pairs', '&&scope=read&', { scope: 'read' }],
    ['nothing', '', { grantType: '' }],
  ])('reads %s', (_, body, fields) => {
    expect(read(body)).toMatchObject(fields)
  })

  it.each([
    ['a parameter twice', 'scope=a&scope=b'],
    ['a parameter twice with the same value', 'client_assertion=a&client_assertion=a'],
    ['a parameter twice, once empty', 'scope=&scope=b'],
    ['a parameter twice, once with an encoded name', 'scope=a&%73cope=b'],
    ['65 parameters', Array.from({ length: 65 }, (_, index) => `x${index}=`).join('&')],
    ['a client secret and an assertion', 'client_assertion=a&client_secret=b'],
    ['a percent sign alone', 'scope=%'],
    ['percent-encoding that is not UTF-8', 'scope=%FF'],
    ['bytes that are not UTF-8', Uint8Array.of(0x73, 0xff)],
  ])('refuses %s', (_, body) => {
    expect(reasonOf(() => read(body))).toBe('INVALID_ARGUMENT')
  })

  it('ignores a parameter whose field is not a text', () => {
    expect(readIntrospect(FORM, '', Buffer.from('token=t&signed=true'))).toMatchObject({ token: 't', signed: false })
  })

  it.each([
    ['APPLICATION/X-WWW-FORM-URLENCODED'],
    ['application/x-www-form-urlencoded;charset=UTF-8'],
    ['application/x-www-form-urlencoded; charset="utf-8"'],
  ])('accepts the content type %s', (type) => {
    expect(read('scope=read', { 'content-type': type })).toMatchObject({ scope: 'read' })
  })

  it.each([
    [undefined],
    ['application/json'],
    ['text/plain'],
    ['multipart/form-data; boundary=x'],
    ['application/x-www-form-urlencoded; charset=iso-8859-1'],
    ['application/x-www-form-urlencoded, application/json'],
  ])('refuses the content type %s', (type) => {
    expect(reasonOf(() => read('scope=read', { ...(type && { 'content-type': type }) }))).toBe('UNSUPPORTED_MEDIA_TYPE')
  })

  it.each([
    ['an Authorization header', { ...FORM, authorization: 'Basic eDp5' }, '', 'UNSUPPORTED_CLIENT_AUTHENTICATION'],
    ['a content coding', { ...FORM, 'content-encoding': 'gzip' }, '', 'UNSUPPORTED_MEDIA_TYPE'],
    ['a query', FORM, 'grant_type=client_credentials', 'INVALID_ARGUMENT'],
  ] as const)('refuses %s', (_, headers, query, reason) => {
    expect(reasonOf(() => read('scope=read', headers, query))).toBe(reason)
  })
})
