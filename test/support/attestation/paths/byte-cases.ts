import { bits, boolean, der, integer, octets, oid, sequence, set } from '../der.ts'
import { ext, name } from '../make-certificate.ts'
import { BECAUSE, type PathCase, type PathInput, path } from './path-case.ts'

/** Replaces the bytes of the leaf. */
const withLeaf = (change: (leaf: Buffer) => Buffer) => (): PathInput => {
  const made = path({}, {})
  return { ...made, chain: made.chain.map(change) }
}
/** Makes the leaf with another key usage, or another extension. */
const leafWith = (...more: readonly Buffer[]) => path({}, { keyUsage: undefined, names: undefined, more })
const malformed = 'must be strict DER'

/** Certificates that are not what RFC 5280 or DER demands. */
export const BYTE_CASES: readonly PathCase[] = [
  {
    name: 'a byte after the certificate',
    make: withLeaf((leaf) => Buffer.concat([leaf, Buffer.from([0])])),
    refusal: malformed,
    because: BECAUSE.bytes,
  },
  {
    name: 'a certificate that is cut off',
    make: withLeaf((leaf) => leaf.subarray(0, -1)),
    refusal: malformed,
    openssl: 'Could not find',
  },
  {
    name: 'a length that is not the shortest',
    make: withLeaf((leaf) => Buffer.concat([Buffer.from([0x30, 0x83, 0]), leaf.subarray(2)])),
    refusal: malformed,
    because: BECAUSE.bytes,
  },
  {
    name: 'an indefinite length',
    make: withLeaf((leaf) => Buffer.concat([Buffer.from([0x30, 0x80]), leaf.subarray(4), Buffer.from([0, 0])])),
    refusal: malformed,
    because: BECAUSE.bytes,
  },
  {
    name: 'a criticality that says false',
    make: () => path({}, { more: [sequence(oid('1.3.6.1.4.1.99999.1'), boolean(false), octets(der(5)))] }),
    refusal: 'must be strict DER: it must leave out the default criticality',
    because: BECAUSE.bytes,
  },
  {
    name: 'a boolean that is 1',
    make: () =>
      path({}, { ca: sequence(oid('2.5.29.19'), boolean(true), octets(sequence(der(1, Buffer.from([1]))))) }, {}),
    refusal: malformed,
    because: BECAUSE.bytes,
  },
  {
    name: 'version 1',
    make: () => path({}, { version: [], extra: [] }),
    refusal: 'must have version 3',
    openssl: 'requires at least X509v3',
  },
  {
    name: 'version 2',
    make: () => path({}, { version: [der(0xa0, integer(1))] }),
    refusal: 'must have version 3',
    openssl: 'requires at least X509v3',
  },
  {
    name: 'unique identifiers',
    make: () => path({}, { extra: [der(0x82, Buffer.from([0, 1]))] }),
    refusal: 'without unique identifiers',
    because: BECAUSE.profile,
  },
  ...[
    ['zero', integer(0)],
    ['negative', der(2, Buffer.from([0x80]))],
    ['of 21 octets', der(2, Buffer.alloc(21, 1))],
  ].map(
    ([what, serial]): PathCase => ({
      name: `a serial number that is ${String(what)}`,
      make: () => path({}, { serial: Buffer.from(serial ?? '') }),
      refusal: 'must have a positive serial number of at most 20 octets',
      because: BECAUSE.profile,
    }),
  ),
  {
    name: 'an extension that occurs twice',
    make: () => path({}, { more: [ext.keyUsage(0x80, 7)] }),
    refusal: 'must not have two extensions 2.5.29.15',
    openssl: 'unable to get local issuer certificate',
  },
  {
    name: 'no extensions',
    make: () => path({}, { names: undefined, keyUsage: undefined, keyIds: false }),
    refusal: 'must have extensions',
    openssl: 'Missing Authority Key Identifier',
  },
  {
    name: 'a critical key identifier',
    make: () => path({}, { more: [sequence(oid('2.5.29.18'), boolean(true), octets(sequence()))] }),
    refusal: 'must not have the critical extension 2.5.29.18',
    openssl: 'unhandled critical extension',
  },
  {
    name: 'an empty key usage',
    make: () => leafWith(ext.names(name.dns('a.example')), sequence(oid('2.5.29.15'), octets(bits(Buffer.alloc(0))))),
    refusal: 'must have a well-formed key usage',
    openssl: 'unable to get local issuer certificate',
  },
  {
    name: 'a key usage that does not exist',
    make: () =>
      leafWith(ext.names(name.dns('a.b')), sequence(oid('2.5.29.15'), octets(bits(Buffer.from([0x80, 0x40]), 6)))),
    refusal: 'must have a well-formed key usage',
    because: BECAUSE.bytes,
  },
  {
    name: 'a key usage with bits at its end that are zero',
    make: () => path({}, { keyUsage: ext.keyUsage(0x80, 3) }),
    refusal: 'must have a well-formed key usage',
    because: BECAUSE.bytes,
  },
  {
    name: 'an empty subject without critical alternative names',
    make: () => path({}, { subject: sequence() }),
    refusal: 'must have a subject, or critical alternative names',
    openssl: 'Subject empty and Subject Alt Name extension not critical',
  },
  {
    name: 'a CA with an empty subject',
    make: () => path({}, { subject: sequence() }, {}),
    refusal: 'must name its issuer',
    openssl: 'ubject',
  },
  {
    name: 'no alternative names in their list',
    make: () => path({}, { names: ext.names() }),
    refusal: 'must have 1 to 64 alternative names',
    openssl: 'Empty Subject Alternative Name',
  },
  {
    name: 'a DNS name with a zero byte',
    make: () => path({}, { names: ext.names(name.dns('good.example\0.evil.example')) }),
    refusal: 'must have well-formed DNS names',
    because: BECAUSE.bytes,
  },
  {
    name: 'a subject of a string type with many readings',
    make: () => path({}, { subject: sequence(set(sequence(oid('2.5.4.3'), der(0x14, Buffer.from('leaf'))))) }),
    refusal: 'must have names of UTF8String',
    because: BECAUSE.bytes,
  },
  {
    name: 'a time with a zone',
    make: () => path({}, { notAfter: der(0x17, Buffer.from('270116120000+0000')) }),
    refusal: 'must have times as RFC 5280',
    openssl: "format error in certificate's notAfter field",
  },
  {
    name: 'a day that does not exist',
    make: () => path({}, { notAfter: der(0x17, Buffer.from('270230120000Z')) }),
    refusal: 'must have times as RFC 5280',
    openssl: "format error in certificate's notAfter field",
  },
]
