import { describe, expect, test } from 'vitest'
import { parseDomain } from './parse-domain.ts'

const accepted: [string, string, string][] = [
  ['an ordinary name', 'agents.example.com', 'agents.example.com'],
  ['upper case', 'Agents.EXAMPLE.com', 'agents.example.com'],
  ['white space around', '  example.com\t\n', 'example.com'],
  ['a trailing dot', 'example.com.', 'example.com'],
  ['U-labels', 'bücher.example.de', 'xn--bcher-kva.example.de'],
  ['A-labels', 'xn--bcher-kva.example.de', 'xn--bcher-kva.example.de'],
  ['sharp s, which UTS 46 keeps', 'faß.de', 'xn--fa-hia.de'],
  ['full-width letters', 'ｅｘａｍｐｌｅ.com', 'example.com'],
  ['an ideographic full stop', 'example。com', 'example.com'],
  ['below a two-label suffix', 'example.co.uk', 'example.co.uk'],
  ['below a private suffix', 'someone.github.io', 'someone.github.io'],
  ['an exception of the list', 'www.ck', 'www.ck'],
  ['below a wildcard of the list', 'a.b.ck', 'a.b.ck'],
  ['an internationalised TLD', 'пример.рф', 'xn--e1afmkfd.xn--p1ai'],
  ['digits', '4.example.com', '4.example.com'],
  ['hyphens inside', 'a--b.example.com', 'a--b.example.com'],
  ['a label of 63', `${'a'.repeat(63)}.com`, `${'a'.repeat(63)}.com`],
]

const refused: [string, string, RegExp][] = [
  ['an empty text', '', /empty/],
  ['only white space', '   ', /empty/],
  ['a lone dot', '.', /must be a host name/],
  ['IPv4', '192.0.2.1', /IP address/],
  ['IPv4 with a trailing dot', '192.0.2.1.', /IP address/],
  ['IPv4 in hexadecimal', '0x7f.1', /IP address/],
  ['IPv4 as one number', '2130706433', /IP address/],
  ['IPv4 in octal', '0177.0.0.1', /IP address/],
  ['IPv4 in full-width digits', '１２７.0.0.1', /IP address/],
  ['IPv6', '2001:db8::1', /IP address/],
  ['IPv6 loopback', '::1', /IP address/],
  ['IPv6 in brackets', '[::1]', /IP address/],
  ['a port', 'example.com:443', /port/],
  ['a path', 'example.com/agents', /path/],
  ['a URL', 'https://example.com', /path/],
  ['a backslash', 'example.com\\agents', /path/],
  ['a query', 'example.com?x', /path/],
  ['user information', 'me@example.com', /user/],
  ['a wildcard', '*.example.com', /wildcard/],
  ['an underscore', 'a_b.example.com', /underscore/],
  ['the label of the proof', '_auth4agents.example.com', /underscore/],
  ['a percent sign inside', 'ex%61mple.com', /letters, digits/],
  ['a space inside', 'exa mple.com', /letters, digits/],
  ['a tab inside', 'exa\tmple.com', /letters, digits/],
  ['NUL', 'example\0.com', /letters, digits/],
  ['a quote', 'example".com', /letters, digits/],
  ['a full-width slash', 'example.com／x', /must be a host name/],
  ['two names', 'a.com,b.com', /letters, digits/],
  ['an empty label', 'a..example.com', /empty label/],
  ['a leading dot', '.example.com', /empty label/],
  ['two trailing dots', 'example.com..', /empty label/],
  ['a leading hyphen', '-a.example.com', /hyphen/],
  ['a trailing hyphen', 'a-.example.com', /hyphen/],
  ['a label of 64', `${'a'.repeat(64)}.com`, /63/],
  ['more than fits under the label of the proof', `${`${'a'.repeat(59)}.`.repeat(4)}com`, /at most 240/],
  ['a text that is far too long', 'a.'.repeat(100_000), /at most 1024/],
  ['a malformed A-label', 'xn--a.example.com', /A-label/],
  ['an A-label that encodes only ASCII', 'xn--example-.com', /A-label/],
  ['a label that mixes directions', 'aא.com', /must be a host name/],
  ['a single label', 'example2', /at least two labels/],
  ['a TLD', 'com', /at least two labels/],
  ['a public suffix', 'co.uk', /public suffix/],
  ['a private suffix', 'github.io', /public suffix/],
  ['a longer private suffix', 's3.amazonaws.com', /public suffix/],
  ['a wildcard suffix', 'foo.ck', /public suffix/],
  ['an unknown TLD', 'agents.nosuchtld', /public top-level domain, which/],
  ['localhost', 'localhost', /reserved/],
  ['a name below localhost', 'a.localhost', /reserved/],
  ['.local', 'printer.local', /reserved/],
  ['.invalid', 'a.invalid', /reserved/],
  ['.example', 'a.example', /reserved/],
  ['.onion', 'a.onion', /reserved/],
  ['.internal', 'a.internal', /reserved/],
  ['.alt', 'a.alt', /reserved/],
  ['.arpa', 'home.arpa', /reserved/],
  ['.test where it is not allowed', 'agents.test', /\.test, which only a local test server/],
]

describe('parseDomain accepts', () => {
  test.each(accepted)('%s', (_, text, domain) => {
    expect(parseDomain(text, { testDomains: false })).toBe(domain)
  })
})

describe('parseDomain refuses', () => {
  test.each(refused)('%s', (_, text, why) => {
    expect(() => parseDomain(text, { testDomains: false })).toThrow(
      expect.objectContaining({ reason: 'INVALID_DOMAIN', message: expect.stringMatching(why) }),
    )
  })
})

test('parseDomain accepts domains under .test where test domains are allowed, but not .test itself', () => {
  expect(parseDomain('Agents.Test.', { testDomains: true })).toBe('agents.test')
  expect(() => parseDomain('test', { testDomains: true })).toThrow(/at least two labels/)
})

test('parseDomain returns its own results unchanged', () => {
  for (const [, , domain] of accepted) expect(parseDomain(domain, { testDomains: false })).toBe(domain)
})
