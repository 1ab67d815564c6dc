import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { PATH_CASES } from '../../../../../test/support/attestation/paths/all-cases.ts'
import { readCertificate } from './certificate.ts'
import { CertificateError } from './certificate-error.ts'
import { readDer } from './der.ts'
import { readTime } from './fields.ts'

const LEAF = Buffer.from(PATH_CASES[0]?.make().chain[0] ?? [])

describe('readDer accepts', () => {
  it.each([
    ['an integer', '020101'],
    ['zero', '020100'],
    ['a negative integer', '0201ff'],
    ['a positive integer with its sign', '02020080'],
    ['a length of two octets', `048180${'00'.repeat(128)}`],
    ['bits of which three are unused', '030203f8'],
    ['an empty string of bits', '030100'],
    ['a sorted set', '3106020101020102'],
    ['a large arc', '06028148'],
  ])('%s', (_name, hex) => {
    const bytes = Buffer.from(hex, 'hex')

    expect(Buffer.from(readDer(bytes).bytes)).toEqual(bytes)
  })
})

describe('readDer refuses', () => {
  it.each([
    ['nothing', '', 'exactly one element'],
    ['two elements', '05000500', 'exactly one element'],
    ['a tag of two octets', '1f8101020101', 'tags of one octet'],
    ['the end of contents', '0000', 'tags of one octet'],
    ['a tag without a length', '02', 'cut off'],
    ['contents that are cut off', '02020101'.slice(0, 6), 'cut off'],
    ['an indefinite length', '30800000', 'definite lengths'],
    ['a length of five octets', '0285000000000101', 'definite lengths'],
    ['a length whose octets are cut off', '0482', 'definite lengths'],
    ['a long form of a short length', '04810100', 'shortest form'],
    ['a length with a zero in front', `04820080${'00'.repeat(128)}`, 'shortest form'],
    ['a boolean that is 1', '010101', 'one form'],
    ['a boolean of two octets', '0102ffff', 'one form'],
    ['an empty integer', '0200', 'one form'],
    ['an integer with a needless zero', '02020001', 'one form'],
    ['a negative integer with needless bits', '0202ff80', 'one form'],
    ['a null with contents', '050100', 'one form'],
    ['unused bits that are set', '030203ff', 'one form'],
    ['eight unused bits', '030208f0', 'one form'],
    ['no octet for unused bits', '0300', 'one form'],
    ['unused bits of nothing', '030101', 'one form'],
    ['an empty object identifier', '0600', 'one form'],
    ['an arc that does not end', '060181', 'one form'],
    ['an arc with a needless octet', '06032a8001', 'one form'],
    ['UTF-8 that is none', '0c01ff', 'one form'],
    ['letters in a NumericString', '120161', 'one form'],
    ['an at sign in a PrintableString', '130140', 'one form'],
    ['an octet above 127 in an IA5String', '160180', 'one form'],
    ['a constructed string', '240304010a', 'primitive strings'],
    ['a primitive sequence', '1000', 'primitive strings'],
    ['a primitive set', '1100', 'primitive strings'],
    ['a set in another order', '3106020102020101', 'elements of sets in order'],
    ['a nesting of 30 levels', nested(30), 'nested deeper'],
  ])('%s', (_name, hex, message) => {
    expect(() => readDer(Buffer.from(hex, 'hex'))).toThrow(message)
  })

  it('every certificate of which one byte is cut off or repeated', () => {
    for (let at = 0; at < LEAF.length; at += 1) {
      const shorter = Buffer.concat([LEAF.subarray(0, at), LEAF.subarray(at + 1)])
      const longer = Buffer.concat([LEAF.subarray(0, at), LEAF.subarray(at, at + 1), LEAF.subarray(at)])

      expect(() => readDer(shorter)).toThrow(CertificateError)
      expect(() => readDer(longer)).toThrow(CertificateError)
    }
  })
})

describe('readCertificate', () => {
  it('throws only CertificateError, whatever bit of a certificate is changed', () => {
    for (let bit = 0; bit < LEAF.length * 8; bit += 1) {
      const changed = Buffer.from(LEAF)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))

      const read = attempt(() => readCertificate(changed))

      expect(read === undefined || read instanceof CertificateError).toBe(true)
    }
  })

  it('reads what node:crypto reads', () => {
    const read = PATH_CASES.filter(({ refusal }) => refusal === undefined).flatMap(({ make }) => make().chain)
    for (const der of read) {
      const [ours, theirs] = [readCertificate(der), new X509Certificate(der)]

      expect(BigInt(`0x${ours.serial}`)).toBe(BigInt(`0x${theirs.serialNumber}`))
      expect(ours.notAfter).toBe(Date.parse(theirs.validTo))
      expect(ours.notBefore).toBe(Date.parse(theirs.validFrom))
      // Node takes no certificate for a CA whose key may not sign certificates.
      expect(ours.isCa && ours.keyUsage?.has('keyCertSign') !== false).toBe(theirs.ca)
      expect(ours.publicKey.key.equals(theirs.publicKey)).toBe(true)
      const names = [...ours.names.dns.map((each) => `DNS:${each}`), ...ours.names.uris.map((each) => `URI:${each}`)]
      expect(names.every((each) => theirs.subjectAltName?.includes(each))).toBe(true)
    }
  })
})

describe('an object identifier', () => {
  it.each<[number, boolean]>([
    [32, true],
    [33, false],
  ])('of %d octets is read: %s', (length, isRead) => {
    const octets = Buffer.alloc(length, 0x81)
    octets[length - 1] = 1
    const bytes = Buffer.concat([Buffer.from([0x06, length]), octets])

    expect(attempt(() => readDer(bytes)) === undefined).toBe(isRead)
  })
})

describe('readTime', () => {
  it.each([
    ['170d3439313233313233353935395a', Date.UTC(2049, 11, 31, 23, 59, 59)],
    ['170d3530303130313030303030305a', Date.UTC(1950, 0, 1)],
    ['180f39393939313233313233353935395a', Date.UTC(9999, 11, 31, 23, 59, 59)],
  ])('reads %s', (hex, ms) => {
    expect(readTime(readDer(Buffer.from(hex, 'hex')))).toBe(ms)
  })

  it.each([
    '270101240000Z',
    '270101006000Z',
    '270101000060Z',
    '2701010000Z',
    '270101000000',
    '270001000000Z',
    '270229000000Z',
  ])('refuses %s', (text) => {
    const bytes = Buffer.concat([Buffer.from([0x17, text.length]), Buffer.from(text)])

    expect(() => readTime(readDer(bytes))).toThrow('must have times as RFC 5280')
  })
})

function nested(levels: number): string {
  let bytes = Buffer.from('0500', 'hex')
  for (let level = 0; level < levels; level += 1) bytes = Buffer.concat([Buffer.from([0x30, bytes.length]), bytes])
  return bytes.toString('hex')
}

function attempt(read: () => unknown): unknown {
  try {
    read()
    return undefined
  } catch (error) {
    return error
  }
}
