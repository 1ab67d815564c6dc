import { describe, expect, it } from 'vitest'
import { isIssuerUrl, isServerIssuer } from './issuer-url.ts'

describe('isIssuerUrl', () => {
  it.each([
    'https://auth.example',
    'https://auth.example/a/b-c_d.e~f',
    'https://auth.example:8443/tenant',
    'https://xn--bcher-kva.example',
    'https://192.0.2.1',
    'http://localhost:8080',
    'http://127.0.0.1:9000',
    'http://[::1]:9000',
  ])('accepts %s, as isServerIssuer does', (text) => {
    expect([isIssuerUrl(text), isServerIssuer(text)]).toEqual([true, true])
  })

  it.each(['https://auth.example/', 'https://auth.example/tenant/'])(
    'accepts %s, which isServerIssuer refuses because of the slash at the end',
    (text) => expect([isIssuerUrl(text), isServerIssuer(text)]).toEqual([true, false]),
  )

  it.each([
    ['upper case in the host', 'https://Auth.example'],
    ['upper case in the scheme', 'HTTPS://auth.example'],
    ['a U-label', 'https://bücher.example'],
    ['the default port', 'https://auth.example:443'],
    ['an empty port', 'https://auth.example:'],
    ['a user', 'https://user@auth.example'],
    ['a query', 'https://auth.example?a=b'],
    ['an empty query', 'https://auth.example?'],
    ['a fragment', 'https://auth.example#a'],
    ['an empty fragment', 'https://auth.example#'],
    ['a percent sign', 'https://auth.example/a%2fb'],
    ['a dot segment', 'https://auth.example/a/../b'],
    ['an empty segment', 'https://auth.example//a'],
    ['two slashes at the end', 'https://auth.example//'],
    ['a backslash', 'https://auth.example\\a'],
    ['white space', 'https://auth.example '],
    ['a wildcard host', 'https://*.example'],
    ['a wildcard', '*'],
    ['a dot after the host', 'https://auth.example.'],
    ['an IPv4 address in hexadecimal', 'https://0x7f000001'],
    ['a decimal IPv4 address', 'https://2130706433'],
    ['http to another machine', 'http://auth.example'],
    ['another scheme', 'ftp://auth.example'],
    ['a host name without a scheme', 'auth.example'],
    ['256 characters', `https://auth.example/${'a'.repeat(235)}`],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect([isIssuerUrl(text), isServerIssuer(text)]).toEqual([false, false])
  })

  it('accepts 255 characters', () => expect(isIssuerUrl(`https://auth.example/${'a'.repeat(234)}`)).toBe(true))
})
