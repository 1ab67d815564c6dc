import { describe, expect, it } from 'vitest'
import { EarlyRefusal } from '../../http-port/exchange.ts'
import { readOriginalRequest } from './original-request.ts'
import { readExtensions } from './read-extensions.ts'
import { REASON_HEADER } from './refusal.ts'

const ORIGINAL = { 'x-original-method': 'GET', 'x-original-url': 'https://b.example/a%2Fb?c=d' }
const FORWARDED = {
  'x-forwarded-method': 'GET',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'b.example',
  'x-forwarded-uri': '/a%2Fb?c=d',
}
const REQUEST = { method: 'GET', scheme: 'https', host: 'b.example', path: '/a%2Fb?c=d' }

const read = (headers: object, isTrusted = true) => readOriginalRequest(new Map(Object.entries(headers)), isTrusted)

function reasonOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof EarlyRefusal && error.error.reason === 'PERMISSION_DENIED') return error.headers[REASON_HEADER]
    throw error
  }
}

describe('readOriginalRequest reads the request of the client, path and query as sent,', () => {
  it.each<[string, object, object]>([
    ['from X-Original-*', ORIGINAL, REQUEST],
    ['from X-Forwarded-*', FORWARDED, REQUEST],
    ['from both groups that agree', { ...ORIGINAL, ...FORWARDED }, REQUEST],
    ['from a path alone', { ...FORWARDED, 'x-original-url': '/a%2Fb?c=d' }, REQUEST],
    ['from a URL without path', { 'x-original-url': 'https://b.example' }, { ...REQUEST, method: '', path: '/' }],
    ['from the scheme of a WebSocket', { ...FORWARDED, 'x-forwarded-proto': 'wss' }, REQUEST],
    ['with a port', { ...FORWARDED, 'x-forwarded-host': '[::1]:8443' }, { ...REQUEST, host: '[::1]:8443' }],
    ['as unknown if nothing says it', {}, { method: '', scheme: '', host: '', path: '' }],
  ])('%s', (_, headers, request) => {
    expect(read(headers)).toEqual(request)
  })
})

it('readOriginalRequest believes nobody but trusted proxies, whatever the headers are', () => {
  const nothing = { method: '', scheme: '', host: '', path: '' }
  expect(read({ ...ORIGINAL, 'x-forwarded-method': 'POST' }, false)).toEqual(nothing)
})

it.each<[string, object]>([
  ['another method', { 'x-forwarded-method': 'POST' }],
  ['another scheme', { 'x-forwarded-proto': 'http' }],
  ['another host', { 'x-forwarded-host': 'c.example' }],
  ['another path', { 'x-forwarded-uri': '/' }],
  ['another query', { 'x-forwarded-uri': '/a%2Fb?c=e' }],
  ['an unknown scheme', { 'x-forwarded-proto': 'ftp' }],
  ['two schemes', { 'x-forwarded-proto': 'https,http' }],
  ['two hosts', { 'x-original-url': '', 'x-forwarded-host': 'b.example, c.example' }],
  ['a host with a user', { 'x-original-url': 'https://b.example@c.example/' }],
  ['a URL of another kind', { 'x-original-url': 'ftp://b.example/' }],
  ['two URLs', { 'x-original-url': 'https://b.example/a%2Fb?c=d,https://c.example/' }],
  ['a URL as the path', { 'x-original-url': '', 'x-forwarded-uri': 'https://b.example/' }],
])('readOriginalRequest refuses headers that contradict each other or say two things: %s', (_, others) => {
  const headers = { ...ORIGINAL, ...FORWARDED, ...others }
  expect(reasonOf(() => read(headers))).toBe('ORIGINAL_REQUEST_UNCLEAR')
})

it.each(['ftp://b.example/', 'b.example/a', 'https://', 'https://a@b.example/', 'https://b.example,c.example/'])(
  'readOriginalRequest refuses %s as the only word about the URL',
  (url) => {
    expect(reasonOf(() => read({ 'x-original-url': url }))).toBe('ORIGINAL_REQUEST_UNCLEAR')
  },
)

describe('readExtensions', () => {
  it('reads each parameter as a context extension', () => {
    expect(readExtensions('audience=https%3A%2F%2Fb.example&scope=a+b%20c&dpop')).toEqual({
      audience: 'https://b.example',
      scope: 'a b c',
      dpop: '',
    })
    expect(readExtensions('')).toEqual({})
    expect(Object.keys(readExtensions('__proto__=x&'))).toEqual(['__proto__', ''])
  })

  it.each([
    ['a=1&a=1', 'EXTENSION_REPEATED'],
    ['a=1&%61=1', 'EXTENSION_REPEATED'],
    ['a=%', 'EXTENSION_UNREADABLE'],
    ['%ff=a', 'EXTENSION_UNREADABLE'],
  ])('refuses %s', (query, reason) => {
    expect(reasonOf(() => readExtensions(query))).toBe(reason)
  })
})
