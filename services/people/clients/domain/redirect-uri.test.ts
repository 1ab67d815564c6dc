import { describe, expect, it } from 'vitest'
import { isRedirectUri, matchRedirectUri, redirectHostOf } from './redirect-uri.ts'

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

describe('matchRedirectUri', () => {
  const registered = ['https://client.example/callback?app=1', 'http://127.0.0.1/callback', 'http://[::1]:3000/cb']

  it.each([
    ['the same text', 'https://client.example/callback?app=1'],
    ['a port where none is registered', 'http://127.0.0.1:49152/callback'],
    ['no port', 'http://127.0.0.1/callback'],
    ['another port than the registered one', 'http://[::1]:50000/cb'],
    ['no port where one is registered', 'http://[::1]/cb'],
  ])('accepts %s', (_, given) => {
    expect(matchRedirectUri(registered, given)).toBe(true)
  })

  it.each([
    ['another path', 'https://client.example/callback2?app=1'],
    ['a path below', 'https://client.example/callback/x?app=1'],
    ['another case of the path', 'https://client.example/Callback?app=1'],
    ['another spelling of the path', 'https://client.example/%63allback?app=1'],
    ['a slash at its end', 'http://127.0.0.1/callback/'],
    ['no query', 'https://client.example/callback'],
    ['more query', 'https://client.example/callback?app=1&next=2'],
    ['a port of https', 'https://client.example:8443/callback?app=1'],
    ['the default port of https', 'https://client.example:443/callback?app=1'],
    ['http in place of https', 'http://client.example/callback?app=1'],
    ['https in place of http', 'https://127.0.0.1/callback'],
    ['another name of this computer', 'http://localhost/callback'],
    ['another family of addresses', 'http://[::1]/callback'],
    ['another loopback address', 'http://127.0.0.2/callback'],
    ['a subdomain', 'https://evil.client.example/callback?app=1'],
    ['a host that begins the same', 'https://client.example.evil/callback?app=1'],
    ['a loopback address that goes on', 'http://127.0.0.1.evil.example/callback'],
    ['a port that goes on', 'http://127.0.0.1:80.evil.example/callback'],
    ['a user before the host', 'https://client.example@evil.example/callback?app=1'],
    ['this computer as a user', 'http://127.0.0.1:80@evil.example/callback'],
    ['this computer as a user with a slash', 'http://127.0.0.1/@evil.example/callback'],
    ['a fragment', 'http://127.0.0.1/callback#a'],
    ['a dot segment', 'http://127.0.0.1/x/../callback'],
    ['a port out of range', 'http://127.0.0.1:65536/callback'],
    ['a port without digits', 'http://127.0.0.1:/callback'],
    ['a port with a zero before it', 'http://127.0.0.1:08080/callback'],
    ['a line end', 'http://127.0.0.1/callback\n'],
    ['a text for a regular expression', 'http://127x0x0x1/callback'],
    ['nothing', ''],
  ])('refuses %s', (_, given) => {
    expect(matchRedirectUri(registered, given)).toBe(false)
  })

  it('refuses everything for a client without redirect URIs', () => {
    expect(matchRedirectUri([], 'http://127.0.0.1/callback')).toBe(false)
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
