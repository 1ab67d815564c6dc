import { describe, expect, it } from 'vitest'
import { GOOD_CLAIMS } from '../../../../test/support/access-tokens.ts'
import { parseAccessTokenClaims } from './claims.ts'

const uri = 'https://auth.example/v1/status-lists/0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b'
const parse = (status: unknown) => parseAccessTokenClaims({ ...GOOD_CLAIMS, status })

describe('parseAccessTokenClaims', () => {
  it.each([
    ['the first index', { idx: 0, uri }],
    ['the last index', { idx: 1_048_575, uri }],
    ['a URL of 512 characters', { idx: 7, uri: `https://a.example/${'x'.repeat(494)}` }],
  ])('reads a status with %s', (_name, reference) => {
    expect(parse({ status_list: reference })).toEqual({ ...GOOD_CLAIMS, status: { status_list: reference } })
  })

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a text', uri],
    ['an empty object', {}],
    ['a list', [{ status_list: { idx: 0, uri } }]],
    ['another mechanism', { identifier_list: { id: '7', uri } }],
    ['a further mechanism', { status_list: { idx: 0, uri }, identifier_list: { id: '7', uri } }],
  ])('refuses a status that is %s', (_name, status) => {
    expect(parse(status)).toBeUndefined()
  })

  it.each<[string, unknown]>([
    ['no object', 7],
    ['no index', { uri }],
    ['no URL', { idx: 0 }],
    ['a further member', { idx: 0, uri, bits: 1 }],
    ['an index as text', { idx: '0', uri }],
    ['a negative index', { idx: -1, uri }],
    ['an index behind the list', { idx: 1_048_576, uri }],
    ['half an index', { idx: 0.5, uri }],
    ['no number', { idx: Number.NaN, uri }],
    ['a URL as a list', { idx: 0, uri: [uri] }],
    ['a relative URL', { idx: 0, uri: '/v1/status-lists/7' }],
    ['an empty URL', { idx: 0, uri: '' }],
    ['a URL of 513 characters', { idx: 0, uri: `https://a.example/${'x'.repeat(495)}` }],
  ])('refuses a reference with %s', (_name, reference) => {
    expect(parse({ status_list: reference })).toBeUndefined()
  })
})
