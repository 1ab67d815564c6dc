import { describe, expect, it } from 'vitest'
import { parseAudience, parseAudiences, readDemandedAudiences } from './audience.ts'

describe('parseAudience', () => {
  it.each([
    ['a.example', 'a.example'],
    ['localhost', 'localhost'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['127.0.0.1', '127.0.0.1'],
    ['https://a.example', 'a.example'],
    ['https://a.example/', 'a.example'],
    ['https://a.example/a/../b?x=/y', 'a.example'],
    ['https://a.example?x', 'a.example'],
    ['https://a.example:443/', 'a.example'],
    ['http://localhost:8080', 'localhost'],
    ['http://127.0.0.1:8080/', '127.0.0.1'],
    ['https://[::1]:8443/x', '[::1]'],
    ['spiffe://a.example/service', 'a.example'],
    ['https://a.example/%2e%2e//x', 'a.example'],
  ])('reads the host of %s and does not change the text', (text, host) => {
    expect(parseAudience(text)).toEqual({ text, host })
  })

  it.each([
    ['nothing', ''],
    ['a wildcard', '*'],
    ['a wildcard label', '*.a.example'],
    ['a host in capitals', 'A.example'],
    ['a host with a dot at the end', 'a.example.'],
    ['a host with an empty label', 'a..example'],
    ['a host with an underscore', 'a_b.example'],
    ['a host and a port', 'a.example:443'],
    ['a host and a path', 'a.example/x'],
    ['a host with a hyphen at its end', 'a-.example'],
    ['a label of 64 characters', `${'a'.repeat(64)}.example`],
    ['a host in U-labels', 'bücher.example'],
    ['a host with a full-width dot', 'a。example'],
    ['a soft hyphen', 'a\u00ad.example'],
    ['a line feed at the end', 'a.example\n'],
    ['an opaque URI', 'urn:example:a'],
    ['no authority', 'https:a.example'],
    ['one slash', 'https:/a.example'],
    ['three slashes', 'https:///a.example'],
    ['a relative reference', '//a.example'],
    ['a scheme in capitals', 'HTTPS://a.example'],
    ['an authority in capitals', 'https://A.example/'],
    ['a user', 'https://a.example@b.example'],
    ['a user and a password', 'https://a.example:x@b.example/'],
    ['an empty user', 'https://@a.example'],
    ['a percent-encoded at sign', 'https://a.example%40b.example'],
    ['a backslash', 'https://a.example\\.b.example'],
    ['backslashes for slashes', 'https:\\\\a.example'],
    ['a backslash before an at sign', 'https://b.example\\@a.example'],
    ['a fragment', 'https://a.example#b.example'],
    ['an empty fragment', 'https://a.example/#'],
    ['a percent-encoded dot', 'https://a%2eexample/'],
    ['a percent-encoded dot in another scheme', 'x://a%2eexample/'],
    ['a URL with a dot at its host’s end', 'https://a.example./'],
    ['a URL with two dots', 'https://a..example/'],
    ['a URL in U-labels', 'https://bücher.example/'],
    ['a full-width host', 'https://ａ.example/'],
    ['white space inside', 'https://a.exam ple/'],
    ['a tab, which URL parsers drop', 'https://a.exam\tple/'],
    ['a line feed, which URL parsers drop', 'https://a.example\n'],
    ['white space in front', ' https://a.example'],
    ['a NUL', 'https://a.example\0.b.example'],
    ['an IPv4 address in one number', 'https://2130706433/'],
    ['an IPv4 address in hex', 'https://0x7f.0.0.1/'],
    ['an IPv4 address in octal', 'https://0177.0.0.1/'],
    ['a short IPv4 address', 'https://127.1/'],
    ['an IPv4 address out of range', 'https://1.2.3.256/'],
    ['an IPv6 address in full', 'https://[0:0:0:0:0:0:0:1]/'],
    ['an IPv6 address with leading zeros', 'https://[::0001]/'],
    ['an IPv6 address in capitals', 'https://[2001:DB8::1]/'],
    ['an IPv4 address inside IPv6', 'https://[::ffff:127.0.0.1]/'],
    ['an IPv6 address with a zone', 'https://[fe80::1%25eth0]/'],
    ['a port out of range', 'https://a.example:65536/'],
    ['a port that is not a number', 'https://a.example:x/'],
    ['two ports', 'https://a.example:443:443/'],
    ['a file', 'file:///etc/passwd'],
    ['no host', 'https://'],
    ['only a port', 'https://:443'],
    ['256 characters', `https://a.example/${'x'.repeat(238)}`],
  ])('refuses %s', (_name, text) => {
    expect(parseAudience(text)).toBeUndefined()
  })

  it('accepts 255 characters', () => {
    expect(parseAudience(`https://a.example/${'x'.repeat(237)}`)?.host).toBe('a.example')
  })

  it('returns the host to which a URL parser would connect, for every accepted text', () => {
    const odd = ['a.example:', 'a.example:0443', '%61.example', 'a.example;b.example', 'a.example,b', 'a.example:80?@b']
    for (const authority of odd) {
      const text = `https://${authority}`
      const parsed = parseAudience(text)
      if (parsed !== undefined) expect(new URL(text).hostname).toBe(parsed.host)
    }
  })
})

describe('parseAudiences', () => {
  it('reads eight audiences, without duplicates and in their order', () => {
    const hosts = Array.from({ length: 8 }, (_, index) => `h${index}.example`)
    expect(parseAudiences(hosts)?.map(({ text }) => text)).toEqual(hosts)
    expect(parseAudiences(['b.example', 'a.example', 'b.example'])?.map(({ text }) => text)).toEqual([
      'b.example',
      'a.example',
    ])
    expect(parseAudiences([])).toEqual([])
  })

  it('refuses nine audiences, even if equal, and a list with an invalid one', () => {
    expect(parseAudiences(Array.from({ length: 9 }, () => 'a.example'))).toBeUndefined()
    expect(parseAudiences(['a.example', 'A.example'])).toBeUndefined()
    expect(parseAudiences(['a.example', ''])).toBeUndefined()
  })
})

describe('readDemandedAudiences', () => {
  it('reads one audience, and a list of up to 64', () => {
    const many = Array.from({ length: 64 }, (_, index) => `h${index}.example`)
    expect(readDemandedAudiences('a.example')).toEqual(['a.example'])
    expect(readDemandedAudiences(many)).toEqual(many)
    expect(() => readDemandedAudiences([...many, 'a.example'])).toThrow('1 to 64')
  })

  it.each(
    [[], '', undefined, null, 7, ['a.example', 7], ['a.example', 'A.example'], [['a.example']]].map((value) => [value]),
  )('refuses %j', (value) => expect(() => readDemandedAudiences(value)).toThrow(TypeError))
})
