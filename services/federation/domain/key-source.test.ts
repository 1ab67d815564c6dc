import { describe, expect, it } from 'vitest'
import { ODD_URLS } from '../../../test/support/odd-urls.ts'
import { findKeySource } from './key-source.ts'

const find = (server: Readonly<Record<string, unknown>>) =>
  findKeySource({ metadata: new Map([['oauth_authorization_server', server]]), keys: new Map() })
const URI = 'https://as.example/a'

describe('findKeySource', () => {
  it('finds the address of a set with and without a signature', () => {
    expect(find({ signed_jwks_uri: URI })).toEqual({ from: 'signed_jwks_uri', url: URI, signers: new Map() })
    expect(find({ jwks_uri: URI })).toEqual({ from: 'jwks_uri', url: URI })
  })

  it.each<readonly [string, unknown]>([
    ...ODD_URLS,
    ['http to another machine', 'http://as.example/a'],
    ['a list', [URI]],
  ])('finds nothing at an address with %s', (_name, url) => {
    expect(find({ jwks_uri: url })).toBeUndefined()
    // A malformed address must not open the way to a weaker one.
    expect(find({ signed_jwks_uri: url, jwks_uri: URI })).toBeUndefined()
  })
})
