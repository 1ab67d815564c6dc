import { describe, expect, it } from 'vitest'
import { ODD_URLS } from '../../../test/support/odd-urls.ts'
import { OutboundError } from './outbound-error.ts'
import { parseStoredTarget, parseTarget } from './parse-target.ts'

/** Returns why a URL is refused, and the sentence of the refusal. */
function refusalOf(url: string, testDomains = false): [why: string, sentence: string] | undefined {
  try {
    parseTarget(url, testDomains)
    return undefined
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    return [error.why, error.message]
  }
}

const refused = (text: string, testDomains = false) => {
  try {
    parseStoredTarget(text, testDomains)
    return undefined
  } catch (error) {
    return error instanceof OutboundError ? error.message : error
  }
}

describe('parseStoredTarget', () => {
  const NORMAL = 'The URL must be in the normal form of URLs: '
  const LOCAL = 'The host of the URL must not be this machine'

  it.each([
    'https://siem.example',
    'https://siem.example/',
    'https://siem.example/a/b?c=d',
    'https://siem.example:8443/a%20b',
  ])('accepts %j', (text) => {
    expect(parseStoredTarget(text, false).href).toBe(new URL(text).href)
  })

  it.each([
    ['https:///siem.example/a', `${NORMAL}https://siem.example/a`],
    ['https:siem.example/a', `${NORMAL}https://siem.example/a`],
    ['https:\\\\siem.example/a', `${NORMAL}https://siem.example/a`],
    [' https://siem.example/a', `${NORMAL}https://siem.example/a`],
    ['https://siem.example/a ', `${NORMAL}https://siem.example/a`],
    ['https://siem.example/a\n', `${NORMAL}https://siem.example/a`],
    ['https://siem.exa\tmple/a', `${NORMAL}https://siem.example/a`],
    ['https://SIEM.example/a', `${NORMAL}https://siem.example/a`],
    ['https://siem.example:443/a', `${NORMAL}https://siem.example/a`],
    ['https://siem.example/b/../a', `${NORMAL}https://siem.example/a`],
    ['https://localhost/a', LOCAL],
    ['https://a.localhost/a', LOCAL],
  ])('refuses %j', (text, sentence) => {
    expect(refused(text)).toBe(sentence)
  })

  it.each(ODD_URLS)('refuses %s', (_name, url) => {
    expect(refused(url)).toEqual(expect.any(String))
    expect(refused(url, true)).toEqual(expect.any(String))
  })

  it('accepts a local name with test domains', () => {
    expect(refused('http://localhost:3000/a', true)).toBeUndefined()
  })
})

describe('parseTarget', () => {
  it.each([
    ['an origin', 'https://auth.example'],
    ['a path and a query', 'https://auth.example/a/b?c=d'],
    ['an explicit port', 'https://auth.example:8443/jwks'],
    ['the default port', 'https://auth.example:443/jwks'],
    ['a name of one label', 'https://auth/jwks'],
    ['hyphens inside a label', 'https://a--b.auth-1.example/'],
    ['a label of 63 characters', `https://${'a'.repeat(63)}.example/`],
    ['a name of 253 characters', `https://${'a.'.repeat(123)}example/`],
    ['a name with numbers', 'https://1.2.3.4.example/'],
    ['an international name', 'https://bücher.example/'],
  ])('accepts %s', (_name, url) => {
    expect(parseTarget(url, false).href).toBe(new URL(url).href)
  })

  const NAME = 'The URL must name its host, not give an address'
  const ABSOLUTE = 'The URL must be absolute and have at most 2048 characters'
  const HTTPS = 'The URL must be https'
  const LABELS =
    'The host of the URL must be a name of labels with 1 to 63 letters, digits and hyphens, no hyphen at their ends'
  it.each([
    ['http', 'http://auth.example/', HTTPS],
    ['another scheme', 'file:///etc/passwd', HTTPS],
    ['ws', 'wss://auth.example/', HTTPS],
    ['an IPv4 address', 'https://192.0.2.1/', NAME],
    ['a loopback address', 'https://127.0.0.1:8443/', NAME],
    ['a public address', 'https://8.8.8.8/', NAME],
    ['a short IPv4 address', 'https://127.1/', NAME],
    ['a decimal IPv4 address', 'https://2130706433/', NAME],
    ['an octal IPv4 address', 'https://0177.0.0.1/', NAME],
    ['a hexadecimal IPv4 address', 'https://0x7f000001/', NAME],
    ['an IPv4 address with a final dot', 'https://127.0.0.1./', NAME],
    ['an IPv4 address with encoded digits', 'https://%31%32%37.0.0.1/', NAME],
    ['an IPv4 address in full-width digits', 'https://１２７.0.0.1/', NAME],
    ['an IPv6 address', 'https://[::1]/', NAME],
    ['an IPv4-mapped address', 'https://[::ffff:127.0.0.1]/', NAME],
    ['an empty label', 'https://a..auth.example/', LABELS],
    ['a dot in front', 'https://.auth.example/', LABELS],
    ['a hyphen in front of a label', 'https://-a.auth.example/', LABELS],
    ['a hyphen at the end of a label', 'https://a-.auth.example/', LABELS],
    ['an underscore', 'https://a_b.auth.example/', LABELS],
    ['an asterisk', 'https://*.auth.example/', LABELS],
    ['a label of 64 characters', `https://${'a'.repeat(64)}.example/`, LABELS],
    ['a name of 254 characters', `https://${'a.'.repeat(123)}example1/`, LABELS],
    ['port 0', 'https://auth.example:0/', 'The port of the URL must not be 0'],
    ['a final dot', 'https://auth.example./', 'The host of the URL must not end with a dot'],
    ['a user', 'https://user@auth.example/', 'The URL must not contain a user or a password'],
    ['a password', 'https://:pw@auth.example/', 'The URL must not contain a user or a password'],
    ['a fragment', 'https://auth.example/#a', 'The URL must not contain a fragment'],
    ['an empty fragment', 'https://auth.example/#', 'The URL must not contain a fragment'],
    ['2049 characters', `https://auth.example/${'a'.repeat(2028)}`, ABSOLUTE],
    ['a relative reference', '/jwks', ABSOLUTE],
    ['an empty text', '', ABSOLUTE],
  ])('refuses %s', (_name, url, sentence) => {
    expect(refusalOf(url)).toEqual(['URL_REFUSED', sentence])
  })

  it('accepts a URL of 2048 characters', () => {
    expect(refusalOf(`https://auth.example/${'a'.repeat(2027)}`)).toBeUndefined()
  })

  it.each([
    ['accepts http of a name under .test with test domains', 'http://auth.alpha.test:8401/', true, undefined],
    ['accepts http of localhost with test domains', 'http://localhost:8401/', true, undefined],
    ['accepts https of a name under .test with test domains', 'https://auth.alpha.test/', true, undefined],
    ['refuses http of a name under .test without test domains', 'http://auth.alpha.test/', false, HTTPS],
    ['refuses http of localhost without test domains', 'http://localhost/', false, HTTPS],
    ['refuses http of another name with test domains', 'http://auth.example/', true, HTTPS],
    ['refuses http of a name that only ends like .test', 'http://contest/', true, HTTPS],
    ['refuses http of an address with test domains', 'http://127.0.0.1/', true, HTTPS],
    ['refuses another scheme of a name under .test with test domains', 'ftp://a.test/', true, HTTPS],
  ])('%s', (_name, url, testDomains, sentence) => {
    expect(refusalOf(url, testDomains)?.[1]).toBe(sentence)
  })
})
