import { describe, expect, it } from 'vitest'
import { isRedirectUri, redirectHostOf } from './redirect-uri.ts'

const ESCAPE = String.fromCodePoint(0x202e)

describe('isRedirectUri', () => {
  it.each([
    'https://client.example/callback',
    'https://client.example',
    'https://client.example/',
    'https://client.example:8443/cb?app=1',
    'https://client.example/cb?next=https://other.example/%2F',
    'https://127.0.0.1/callback',
    'http://127.0.0.1/callback',
    'http://127.0.0.1',
    'http://127.0.0.1:33418/',
    'http://[::1]:3000/callback',
    'http://localhost/callback',
  ])('accepts %s', (uri) => {
    expect(isRedirectUri(uri)).toBe(true)
  })

  it.each([
    ['http on another host', 'http://client.example/callback'],
    ['http on a host that begins like this computer', 'http://localhost.evil.example/'],
    ['http on a host that begins with a loopback address', 'http://127.0.0.1.evil.example/'],
    ['http on another address of this computer', 'http://127.0.0.2/'],
    ['http on a short form of the loopback address', 'http://127.1/'],
    ['http on a decimal form of the loopback address', 'http://2130706433/'],
    ['http on an address mapped into IPv6', 'http://[::ffff:127.0.0.1]/'],
    ['http on the unspecified address', 'http://0.0.0.0/'],
    ['this computer with a dot at its end', 'http://localhost./'],
    ['this computer in upper case', 'http://LOCALHOST/'],
    ['this computer as a user', 'http://localhost@evil.example/'],
    ['this computer and a port as user and password', 'http://localhost:80@evil.example/'],
    ['a private-use scheme', 'com.example.app:/callback'],
    ['a private-use scheme with a host', 'cursor://anysphere.cursor/callback'],
    ['the scheme javascript', 'javascript:alert(1)//'],
    ['the scheme data', 'data:text/html,x'],
    ['the scheme file', 'file:///etc/passwd'],
    ['a relative reference', '/callback'],
    ['no scheme', '//client.example/callback'],
    ['a fragment', 'https://client.example/callback#a'],
    ['an empty fragment', 'https://client.example/callback#'],
    ['a user', 'https://user@client.example/callback'],
    ['an empty user', 'https://@client.example/callback'],
    ['dot segments', 'https://client.example/a/../callback'],
    ['encoded dot segments', 'https://client.example/a/%2e%2e/callback'],
    ['backslashes', String.raw`https:\\client.example\callback`],
    ['a backslash before the host', String.raw`https://client.example\@evil.example/`],
    ['upper case in its host', 'https://Client.example/callback'],
    ['upper case in its scheme', 'HTTPS://client.example/callback'],
    ['the default port', 'https://client.example:443/callback'],
    ['a blank before it', ' https://client.example/callback'],
    ['a line end after it', 'https://client.example/callback\n'],
    ['a tab in it', 'https://client.ex\tample/callback'],
    ['an internationalised host that is not encoded', 'https://clíent.example/callback'],
    ['a character that changes the direction of writing', `https://client.example/${ESCAPE}`],
    ['a percent sign that encodes nothing', 'https://client.example/%zz'],
    ['2,049 characters', `https://client.example/${'a'.repeat(2_026)}`],
    ['nothing', ''],
  ])('refuses %s', (_, uri) => {
    expect(isRedirectUri(uri)).toBe(false)
  })
})

describe('redirectHostOf', () => {
  it.each([
    ['https://client.example:8443/cb', 'https://client.example:8443'],
    ['http://127.0.0.1:33418/cb', 'http://127.0.0.1'],
    ['http://[::1]/cb', 'http://[::1]'],
    ['http://client.example/cb', undefined],
  ])('of %s is %s', (uri, host) => {
    expect(redirectHostOf(uri)).toBe(host)
  })
})
