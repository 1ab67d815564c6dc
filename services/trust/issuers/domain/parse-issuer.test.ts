import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../../test/support/reason-of.ts'
import { parseEndpoint, parseIssuer } from './parse-issuer.ts'

const OURS = 'https://auth.alpha.net/auth'
const FORM =
  'issuer must be an https URL with its host in lower-case A-labels, no default port, no slash at its end, no user, query or fragment, and at most 255 characters'
const PUBLIC = { ourIssuer: OURS, testDomains: false }
const TRIAL = { ourIssuer: 'http://localhost:8080', testDomains: true }

describe('parseIssuer', () => {
  it.each([
    ['an origin', 'https://auth.beta.io', 'auth4agent', PUBLIC],
    ['a path', 'https://beta.io/auth', 'auth4agent', PUBLIC],
    ['another port', 'https://beta.io:8443', 'auth4agent', PUBLIC],
    ['A-labels', 'https://xn--bcher-kva.example', 'auth4agent', PUBLIC],
    ['a slash at the end, of the kind oauth', 'https://idp.beta.io/', 'oauth', PUBLIC],
    ['http to localhost, on a server with test domains', 'http://localhost:8081', 'auth4agent', TRIAL],
  ] as const)('accepts %s', (_, text, kind, rules) => {
    expect(parseIssuer(text, kind, rules)).toBe(text)
  })

  // Row 4 and row 7 of the attacks: a second spelling of an issuer must never be a second issuer.
  it.each([
    ['an empty text', ''],
    ['a host without scheme', 'beta.io'],
    ['http', 'http://beta.io'],
    ['http to localhost', 'http://localhost:8081'],
    ['a capital letter in the host', 'https://Beta.io'],
    ['a capital letter in the scheme', 'HTTPS://beta.io'],
    ['the default port', 'https://beta.io:443'],
    ['a slash at the end', 'https://beta.io/'],
    ['a slash at the end of its path', 'https://beta.io/auth/'],
    ['two slashes in its path', 'https://beta.io//auth'],
    ['dots in its path', 'https://beta.io/a/../auth'],
    ['an escape in its path', 'https://beta.io/%61uth'],
    ['an empty query', 'https://beta.io/auth?'],
    ['an empty fragment', 'https://beta.io/auth#'],
    ['a user', 'https://user@beta.io'],
    ['an empty user', 'https://@beta.io'],
    ['white space before it', ' https://beta.io'],
    ['a backslash', String.raw`https:\\beta.io`],
    ['a final dot of the host', 'https://beta.io.'],
    ['letters that only look like it', 'https://bеta.io'],
    ['an IPv4 address', 'https://192.0.2.1'],
    ['an IPv4 address as one number', 'https://3221225985'],
    ['an IPv6 address', 'https://[2001:db8::1]'],
    ['256 characters', `https://beta.io/${'a'.repeat(240)}`],
  ])('refuses %s', (_, text) => {
    expect(reasonOf(() => parseIssuer(text, 'auth4agent', PUBLIC))).toBe('INVALID_ISSUER')
  })

  it.each([
    ['port 0', 'https://beta.io:0', 'issuer cannot be used: The port of the URL must not be 0'],
    ['an A-label that decodes to nothing', 'https://xn--a.io', 'The host of issuer must not have a malformed A-label'],
    [
      'an A-label that is no Punycode',
      'https://a.xn--99999999.io',
      'The host of issuer must not have a malformed A-label',
    ],
    ['a user and a password', 'https://a:b@beta.io', FORM],
    ['capital letters in an A-label', 'https://XN--BCHER-KVA.example', FORM],
    ['a final dot after an A-label', 'https://xn--bcher-kva.example.', FORM],
    ['a final dot before a path', 'https://beta.io./auth', FORM],
    ['a port with a zero before it', 'https://beta.io:08443', FORM],
    ['a port above 65535', 'https://beta.io:65536', FORM],
    ['an empty port', 'https://beta.io:', FORM],
    ['an empty label', 'https://beta..io', FORM],
    ['a label that begins with a hyphen', 'https://-beta.io', FORM],
    ['a label of 64 characters', `https://${'a'.repeat(64)}.io`, FORM],
  ])('refuses %s, and says why', (_, text, message) => {
    expect(() => parseIssuer(text, 'auth4agent', PUBLIC)).toThrow(
      expect.objectContaining({ reason: 'INVALID_ISSUER', message }),
    )
  })

  it.each([
    ['the issuer of this deployment', OURS],
    ['its origin', 'https://auth.alpha.net'],
    ['another path on its origin', 'https://auth.alpha.net/b'],
  ])('refuses %s', (_, text) => {
    expect(reasonOf(() => parseIssuer(text, 'oauth', PUBLIC))).toBe('INVALID_ISSUER')
  })
})

describe('parseEndpoint', () => {
  it.each([
    ['a query', 'https://keys.beta.io/jwks?tenant=1', PUBLIC],
    ['http to a name under .test, on a server with test domains', 'http://keys.beta.test:8082/jwks', TRIAL],
  ])('accepts %s', (_, text, rules) => {
    expect(parseEndpoint('jwks_uri', text, rules)).toBe(text)
  })

  // Row 15 of the attacks: no address inside of the deployment may be reached by its name in the request.
  it.each([
    ['a relative address', '/jwks'],
    ['http', 'http://keys.beta.io/jwks'],
    ['a file', 'file:///etc/passwd'],
    ['an address of a cloud', 'https://169.254.169.254/latest'],
    ['loopback in hex', 'https://0x7f000001/jwks'],
    ['loopback in IPv6', 'https://[::1]/jwks'],
    ['loopback that is mapped into IPv6', 'https://[::ffff:127.0.0.1]/jwks'],
    ['a user', 'https://a:b@keys.beta.io/jwks'],
    ['port 0', 'https://keys.beta.io:0/jwks'],
    ['a malformed A-label', 'https://xn--a.io/jwks'],
    ['a final dot', 'https://keys.beta.io./jwks'],
    ['capital letters', 'https://KEYS.beta.io/jwks'],
    ['a fragment', 'https://keys.beta.io/jwks#x'],
    ['a form that is not normal', 'https://keys.beta.io/a/../jwks'],
    ['the origin of this deployment', 'https://auth.alpha.net/.well-known/jwks.json'],
  ])('refuses %s', (_, text) => {
    expect(reasonOf(() => parseEndpoint('jwks_uri', text, PUBLIC))).toBe('INVALID_ARGUMENT')
  })
})
