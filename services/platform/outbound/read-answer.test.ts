import { describe, expect, it } from 'vitest'
import { checkHead, readTimes } from './read-answer.ts'

const ORIGIN = 'https://auth.example'
const JSON_TYPE = { 'content-type': 'application/json' }

describe('checkHead', () => {
  const accept = ['application/json', 'application/jwk-set+json']
  const check = (statusCode: number, headers: Record<string, string | string[]>) => () =>
    checkHead({ statusCode, headers }, { accept }, ORIGIN)

  it.each([
    ['a wanted media type', 'application/json', 'application/json'],
    ['the second wanted media type', 'application/jwk-set+json', 'application/jwk-set+json'],
    ['a media type with a parameter', 'application/json; charset=utf-8', 'application/json'],
    ['a media type in capitals', 'Application/JSON', 'application/json'],
  ])('accepts %s', (_name, type, expected) => {
    expect(check(200, { 'content-type': type })()).toBe(expected)
  })

  it.each<[name: string, why: string, status: number, headers: Record<string, string | string[]>]>([
    ['a redirect', 'STATUS', 302, { ...JSON_TYPE, location: 'https://auth.example/' }],
    ['status 201', 'STATUS', 201, JSON_TYPE],
    ['status 204', 'STATUS', 204, JSON_TYPE],
    ['status 206', 'STATUS', 206, JSON_TYPE],
    ['status 304', 'STATUS', 304, JSON_TYPE],
    ['status 404', 'STATUS', 404, JSON_TYPE],
    ['status 500', 'STATUS', 500, JSON_TYPE],
    ['gzip', 'ENCODING', 200, { ...JSON_TYPE, 'content-encoding': 'gzip' }],
    ['an empty encoding', 'ENCODING', 200, { ...JSON_TYPE, 'content-encoding': '' }],
    ['another media type', 'MEDIA_TYPE', 200, { 'content-type': 'text/html' }],
    ['a media type that begins like a wanted one', 'MEDIA_TYPE', 200, { 'content-type': 'application/jsonp' }],
    [
      'a media type with a wanted one as a parameter',
      'MEDIA_TYPE',
      200,
      { 'content-type': 'text/html;application/json' },
    ],
    ['two media types', 'MEDIA_TYPE', 200, { 'content-type': ['application/json', 'text/html'] }],
    ['no media type', 'MEDIA_TYPE', 200, {}],
  ])('refuses %s with %s', (_name, why, status, headers) => {
    const expected = { why, status: why === 'STATUS' ? status : undefined }
    expect(check(status, headers)).toThrow(expect.objectContaining(expected))
  })
})

describe('readTimes', () => {
  it.each<[name: string, headers: Record<string, string | string[]>, seconds: number | undefined]>([
    ['nothing', {}, undefined],
    ['max-age', { 'cache-control': 'max-age=300' }, 300],
    ['max-age among others, in capitals', { 'cache-control': 'public , Max-Age=300, must-revalidate' }, 300],
    ['max-age less Age', { 'cache-control': 'max-age=300', age: '100' }, 200],
    ['an Age above max-age', { 'cache-control': 'max-age=300', age: '301' }, 0],
    ['the smaller max-age of two', { 'cache-control': ['max-age=300', 'max-age=60'] }, 60],
    ['no-store beside max-age', { 'cache-control': 'max-age=300, no-store' }, 0],
    ['no-cache', { 'cache-control': 'no-cache' }, 0],
    ['only s-maxage', { 'cache-control': 's-maxage=300' }, undefined],
    ['a negative max-age', { 'cache-control': 'max-age=-1' }, undefined],
    ['a max-age of eleven digits', { 'cache-control': 'max-age=10000000000' }, undefined],
    ['an Age that is no number', { 'cache-control': 'max-age=300', age: 'old' }, 300],
  ])('reads %s', (_name, headers, seconds) => {
    expect(readTimes(headers).maxAgeS).toBe(seconds)
  })

  it.each<[name: string, headers: Record<string, string>, date: number | undefined]>([
    ['the date', { date: 'Fri, 27 Nov 2026 10:00:00 GMT' }, Date.UTC(2026, 10, 27, 10)],
    ['no date', {}, undefined],
    ['a date in another form as none', { date: '2026-11-27T10:00:00Z' }, undefined],
    ['a date with a wrong day as none', { date: 'Mon, 27 Nov 2026 10:00:00 GMT' }, undefined],
    ['text as none', { date: 'today' }, undefined],
  ])('reads %s', (_name, headers, date) => {
    expect(readTimes(headers).date).toBe(date)
  })
})
