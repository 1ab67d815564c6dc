import { describe, expect, it } from 'vitest'
import { parseRedirectUris } from './parse-redirect-uris.ts'

const long = (length: number) => `https://a.example/${'p'.repeat(length - 18)}`
const many = (count: number) => Array.from({ length: count }, (_, at) => `https://a.example/${at}`)

describe('parseRedirectUris', () => {
  it.each<readonly [name: string, uris: readonly string[]]>([
    ['none', []],
    ['16', many(16)],
    ['a long one', [long(512)]],
    ['one on the computer of the user', ['http://127.0.0.1/callback', 'http://[::1]:8000/', 'http://localhost/c?a=b']],
  ])('accepts %s', (_, uris) => {
    expect(parseRedirectUris(uris)).toEqual(uris)
  })

  it('keeps each once', () => {
    expect(parseRedirectUris(['https://a.example/', 'https://a.example/'])).toEqual(['https://a.example/'])
  })

  it.each<readonly [name: string, uris: readonly string[]]>([
    ['17', many(17)],
    ['one that is too long', [long(513)]],
    ['an empty one', ['']],
    ['http elsewhere', ['http://a.example/callback']],
    ['a name that only looks local', ['http://localhost.evil.example/']],
    ['another scheme', ['app:/callback']],
    ['a fragment', ['https://a.example/#f']],
    ['a user', ['https://u@a.example/']],
    ['a form that browsers change', ['https://A.example/']],
    ['a wrong one after a right one', ['https://a.example/', 'javascript:alert(1)']],
  ])('refuses %s', (_, uris) => {
    expect(() => parseRedirectUris(uris)).toThrow(expect.objectContaining({ reason: 'INVALID_ARGUMENT' }))
  })
})
