import { commonName, der, distinguishedName, integer, oid, sequence, set } from '../der.ts'
import { ext, extension, name } from '../make-certificate.ts'
import { makeLink } from '../make-chain.ts'
import { BECAUSE, type PathCase, path, pathOf } from './path-case.ts'

export const NOT_PERMITTED = 'must have only names that the name constraints of its issuers permit'
const EXCLUDED = 'must have no name that the name constraints of its issuers exclude'
const ORGANISATION = '2.5.4.10'

const { dns, uri, email, ip, directory } = name
const org = (text: string, ...more: readonly (readonly [string, string])[]) =>
  distinguishedName([ORGANISATION, text], ...more)

/** A leaf with these names under a CA with these constraints. */
export const constrained =
  (names: readonly Buffer[], permitted: readonly Buffer[], excluded: readonly Buffer[] = []) =>
  () =>
    path(
      {},
      { more: [ext.constraints(permitted, excluded)] },
      names.length === 0 ? { names: undefined } : { names: ext.names(...names) },
    )

type Row = readonly [what: string, names: readonly Buffer[], permitted: readonly Buffer[], excluded?: readonly Buffer[]]

const permitted = ([what, names, allowed, refused]: Row): PathCase => ({
  name: what,
  make: constrained(names, allowed, refused),
})
const notPermitted = ([what, names, allowed, refused]: Row): PathCase => ({
  name: what,
  make: constrained(names, allowed, refused),
  refusal: NOT_PERMITTED,
  openssl: 'permitted subtree violation',
})
const excluded = ([what, names, allowed, refused]: Row): PathCase => ({
  name: what,
  make: constrained(names, allowed, refused),
  refusal: EXCLUDED,
  openssl: 'excluded subtree violation',
})

const V4 = [10, 1, 2, 3]
const V6 = [0x20, 1, 0xd, 0xb8, ...Array.from({ length: 12 }, () => 0)]
const RANGE = [10, 1, 0, 0, 255, 255, 0, 0]

const PERMITTED: readonly PathCase[] = (
  [
    ['a permitted DNS name', [dns('example.com')], [dns('example.com')]],
    ['a DNS name below a permitted one', [dns('a.b.example.com')], [dns('example.com')]],
    ['a permitted DNS name in capitals', [dns('A.EXAMPLE.com')], [dns('Example.COM')]],
    ['a DNS name below a permitted one with a period', [dns('a.example.com')], [dns('.example.com')]],
    ['a wildcard below a permitted DNS name', [dns('*.example.com')], [dns('example.com')]],
    ['a DNS name beside an excluded one', [dns('a.example.com')], [], [dns('b.example.com')]],
    ['a DNS name where only addresses are constrained', [dns('a.example.com')], [ip(...RANGE)]],
    ['every DNS name is permitted', [dns('a.example.com')], [dns('')]],
    ['two permitted names', [dns('a.example.com'), dns('b.example.org')], [dns('example.com'), dns('example.org')]],
    ['a URI of a permitted host', [uri('https://example.com/a')], [uri('example.com')]],
    ['a URI of a host with a port', [uri('https://example.com:8443?a')], [uri('example.com')]],
    ['a URI of a host below a permitted domain', [uri('spiffe://a.example.com/x')], [uri('.example.com')]],
    ['an email address of a permitted host', [email('a@example.com')], [email('example.com')]],
    ['a permitted mailbox', [email('a@example.com')], [email('a@example.com')]],
    ['an email address below a permitted domain', [email('a@b.example.com')], [email('.example.com')]],
    ['an address in a permitted range', [ip(...V4)], [ip(...RANGE)]],
    [
      'an IPv6 address in a permitted range',
      [ip(...V6)],
      [ip(...V6, 255, 255, ...Array.from({ length: 14 }, () => 0))],
    ],
    ['an address where only IPv6 is excluded', [ip(...V4)], [], [ip(...V6, ...V6.map(() => 255))]],
  ] as const
).map(permitted)

const NOT_PERMITTED_NAMES: readonly PathCase[] = (
  [
    ['a DNS name that is not permitted', [dns('example.org')], [dns('example.com')]],
    ['a DNS name that only ends like a permitted one', [dns('badexample.com')], [dns('example.com')]],
    ['a DNS name above a permitted one', [dns('com')], [dns('example.com')]],
    ['a DNS name that is the permitted one with a period', [dns('example.com')], [dns('.example.com')]],
    ['one of two DNS names is not permitted', [dns('a.example.com'), dns('a.example.org')], [dns('example.com')]],
    ['a wildcard above a permitted DNS name', [dns('*.example.com')], [dns('a.example.com')]],
    ['a URI below a permitted host', [uri('https://a.example.com/')], [uri('example.com')]],
    ['a URI of a domain that is only permitted below', [uri('https://example.com/')], [uri('.example.com')]],
    ['an email address of another host', [email('a@b.example.com')], [email('example.com')]],
    ['another mailbox of the host', [email('b@example.com')], [email('a@example.com')]],
    ['a mailbox in capitals', [email('A@example.com')], [email('a@example.com')]],
    ['an address outside the permitted range', [ip(10, 2, 0, 1)], [ip(...RANGE)]],
    ['an IPv6 address where only IPv4 is permitted', [ip(...V6)], [ip(...RANGE)]],
    ['a subject that is not permitted', [dns('a.example.com')], [directory(org('Acme'))]],
    ['a directory name that is not permitted', [directory(org('Other'))], [directory(commonName('leaf'))]],
  ] as const
).map(notPermitted)

const EXCLUDED_NAMES: readonly PathCase[] = (
  [
    ['an excluded DNS name', [dns('a.example.com')], [], [dns('example.com')]],
    [
      'an excluded DNS name within a permitted one',
      [dns('b.a.example.com')],
      [dns('example.com')],
      [dns('a.example.com')],
    ],
    ['an excluded DNS name in capitals', [dns('A.EXAMPLE.COM')], [], [dns('example.com')]],
    ['every DNS name is excluded', [dns('a.example.com')], [], [dns('')]],
    ['an excluded URI', [uri('https://example.com/')], [], [uri('example.com')]],
    ['an excluded URI in capitals', [uri('https://EXAMPLE.com/')], [], [uri('example.com')]],
    ['an excluded email address', [email('a@EXAMPLE.com')], [], [email('example.com')]],
    ['an excluded address', [ip(...V4)], [], [ip(...RANGE)]],
    ['an excluded subject', [dns('a.example.com')], [], [directory(commonName('leaf'))]],
    ['an excluded subject in other letters', [dns('a.example.com')], [], [directory(commonName('  LEAF '))]],
    ['an excluded directory name', [directory(org('Acme', ['2.5.4.3', 'x']))], [], [directory(org('acme'))]],
  ] as const
).map(excluded)

const registered = der(0x88, oid('1.2.3').subarray(2))
const EMAIL_ATTRIBUTE = '1.2.840.113549.1.9.1'

const OTHERS: readonly PathCase[] = [
  {
    name: 'a leaf that is named like its issuer, and not permitted',
    make: () => path({}, { cn: 'ca', more: [ext.constraints([dns('example.com')])] }, { subject: commonName('ca') }),
    refusal: NOT_PERMITTED,
    openssl: 'permitted subtree violation',
  },
  {
    name: 'a common name that is not permitted as a DNS name',
    make: () =>
      path(
        {},
        { more: [ext.constraints([dns('example.com')])] },
        { subject: commonName('a.example.org'), names: undefined },
      ),
    refusal: NOT_PERMITTED,
    openssl: 'permitted subtree violation',
  },
  {
    name: 'an email address in the subject that is not permitted',
    make: () =>
      path(
        {},
        { more: [ext.constraints([email('example.com')])] },
        { subject: sequence(set(sequence(oid(EMAIL_ATTRIBUTE), der(0x16, Buffer.from('a@example.org'))))) },
      ),
    refusal: NOT_PERMITTED,
    openssl: 'permitted subtree violation',
  },
  {
    name: 'a wildcard that covers an excluded DNS name',
    make: constrained([dns('*.example.com')], [], [dns('a.example.com')]),
    refusal: EXCLUDED,
    because: 'a wildcard stands for the excluded name too',
  },
  {
    name: 'a URI without a host where URIs are constrained',
    make: constrained([uri('urn:a:b')], [uri('example.com')]),
    refusal: 'must have URI names with a host name',
    openssl: 'unsupported or invalid name syntax',
  },
  {
    name: 'a URI of an address where URIs are excluded',
    make: constrained([uri('https://10.1.2.3/')], [], [uri('example.com')]),
    refusal: 'must have URI names with a host name',
    because: 'RFC 5280 section 4.2.1.10 refuses it, and OpenSSL compares it as a name',
  },
  {
    name: 'a constraint on the root',
    make: () => path({ more: [ext.constraints([dns('example.com')])] }, {}, {}),
    refusal: NOT_PERMITTED,
    openssl: 'permitted subtree violation',
  },
  {
    name: 'constraints of two CAs, of which the leaf meets one',
    make: () =>
      path(
        { more: [ext.constraints([dns('example')])] },
        { more: [ext.constraints([dns('other.example')])] },
        { names: ext.names(dns('agent.example')) },
      ),
    refusal: NOT_PERMITTED,
    openssl: 'permitted subtree violation',
  },
  {
    name: 'a CA below whose subject is not permitted',
    make: () =>
      path({ more: [ext.constraints([directory(org('Acme'))])] }, { subject: org('Other') }, { subject: org('Acme') }),
    refusal: `Certificate 2 of the chain ${NOT_PERMITTED}`,
    openssl: 'permitted subtree violation',
  },
  {
    name: 'a self-issued CA whose subject is not permitted',
    make: () => {
      const more = [ext.constraints([directory(org('Acme'))])]
      const root = makeLink({ cn: 'root', more }, undefined, 0, false)
      const rolled = makeLink({ cn: 'new key', subject: commonName('root') }, root, 1, false)
      return pathOf([root, rolled, makeLink({ subject: org('Acme') }, rolled, 2, true)])
    },
  },
  {
    name: 'a constraint of a kind that is not checked',
    make: constrained([dns('a.example.com')], [registered]),
    refusal: 'must have name constraints only of well-formed',
    because: 'a constraint that is not understood is never passed over',
  },
  {
    name: 'a constraint with a minimum',
    make: () => {
      const value = sequence(der(0xa0, sequence(dns('example'), der(0x80, integer(1).subarray(2)))))
      return path({}, { more: [extension('2.5.29.30', value, true)] }, {})
    },
    refusal: 'must have well-formed name constraints',
    openssl: 'name constraints minimum and maximum not supported',
  },
  {
    name: 'an empty list of constraints',
    make: () => path({}, { more: [extension('2.5.29.30', sequence(), true)] }, {}),
    refusal: 'must have well-formed name constraints',
    because: BECAUSE.profile,
  },
  {
    name: 'an IP constraint whose mask is no prefix',
    make: constrained([ip(...V4)], [ip(10, 1, 0, 0, 255, 0, 255, 0)]),
    refusal: 'must have IP name constraints of an address and a prefix mask',
    openssl: 'permitted subtree violation',
  },
  {
    name: 'constraints in a leaf',
    make: () => path({}, { more: [ext.constraints([dns('agent.example')])] }),
    refusal: 'The leaf must not have name constraints',
    because: BECAUSE.profile,
  },
]

export const NAME_CASES: readonly PathCase[] = [...PERMITTED, ...NOT_PERMITTED_NAMES, ...EXCLUDED_NAMES, ...OTHERS]
