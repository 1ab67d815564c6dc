import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { CertificateError } from './certificate-error.ts'
import { type Der, latin1, TAG } from './der.ts'
import { expectTag, readOid } from './fields.ts'

/** An attribute of a distinguished name. */
export interface Attribute {
  readonly oid: string
  readonly value: string
}

/** A distinguished name (RFC 5280 section 4.1.2.4): relative names, each of one or more attributes. */
export type DistinguishedName = readonly (readonly Attribute[])[]

/** The alternative names of a certificate (RFC 5280 section 4.2.1.6). Kinds that are not here are not read. */
export interface AlternativeNames {
  readonly dns: readonly string[]
  readonly uris: readonly string[]
  readonly emails: readonly string[]
  /** 4 or 16 octets. */
  readonly ips: readonly Uint8Array[]
  readonly directoryNames: readonly DistinguishedName[]
}

/** Attribute types that have a usual short name (RFC 4514 section 3). */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.25': 'DC',
  '0.9.2342.19200300.100.1.1': 'UID',
}
export const COMMON_NAME = '2.5.4.3'
export const EMAIL_ADDRESS = '1.2.840.113549.1.9.1'
const TEXT_TAGS: ReadonlySet<number> = new Set([TAG.utf8String, TAG.printableString, TAG.ia5String, TAG.numericString])
const MAX_ATTRIBUTES = 32
/** Identifier octets of GeneralName (RFC 5280 section 4.2.1.6). */
export const KIND = { email: 0x81, dns: 0x82, directory: 0xa4, uri: 0x86, ip: 0x87 } as const
/** `otherName`, `x400Address`, `ediPartyName` and `registeredID`: kinds that say nothing here. */
const UNREAD_KINDS: ReadonlySet<number> = new Set([0xa0, 0xa3, 0xa5, 0x88])
const MAX_NAMES = 64

/** Reads a distinguished name. Accepts only the string types that have one obvious reading. */
export function readName(element: Der | undefined): DistinguishedName {
  const { children } = expectTag(element, TAG.sequence, 'distinguished names')
  const name = children.map((relative) => {
    const attributes = expectTag(relative, TAG.set, 'distinguished names').children.map(readAttribute)
    if (attributes.length === 0) throw new CertificateError('must have distinguished names without empty parts')
    return attributes
  })
  if (name.flat().length <= MAX_ATTRIBUTES) return name
  throw new CertificateError(`must have distinguished names of at most ${MAX_ATTRIBUTES} attributes`)
}

function readAttribute(element: Der): Attribute {
  const [type, value, ...others] = expectTag(element, TAG.sequence, 'distinguished names').children
  if (value === undefined || others.length > 0 || !TEXT_TAGS.has(value.tag)) {
    throw new CertificateError('must have names of UTF8String, PrintableString, IA5String or NumericString')
  }
  return { oid: readOid(type), value: Buffer.from(value.contents).toString('utf8') }
}

/** Writes a name as text (RFC 4514): the last relative name first. */
export function nameText(name: DistinguishedName): string {
  return name.toReversed().map(relativeText).join(',')
}

function relativeText(attributes: readonly Attribute[]): string {
  return attributes.map(({ oid, value }) => `${SHORT_NAMES[oid] ?? oid}=${escapeValue(value)}`).join('+')
}

function escapeValue(value: string): string {
  return value
    .replaceAll(/["+,;<>\\=]/g, String.raw`\$&`)
    .replace(/^[ #]/, String.raw`\$&`)
    .replace(/ $/, String.raw`\ `)
    .replaceAll('\0', String.raw`\00`)
}

/** Returns the values of one type of attribute. */
export function attributesOf(name: DistinguishedName, oid: string): readonly string[] {
  return name.flat().flatMap((each) => (each.oid === oid ? [each.value] : []))
}

/** Reads GeneralNames. Refuses a name that is not written as its kind demands. */
export function readAlternativeNames(element: Der): AlternativeNames {
  const { children } = expectTag(element, TAG.sequence, 'a list of alternative names')
  if (children.length < 1 || children.length > MAX_NAMES) {
    throw new CertificateError(`must have 1 to ${MAX_NAMES} alternative names`)
  }
  const unread = children.find(({ tag }) => !Object.values(KIND).some((kind) => kind === tag))
  if (unread !== undefined && !UNREAD_KINDS.has(unread.tag)) {
    throw new CertificateError('must have alternative names of known kinds')
  }
  const of = (kind: number) => children.filter(({ tag }) => tag === kind)
  return {
    dns: of(KIND.dns).map(({ contents }) => readText(contents, isDnsName, 'DNS')),
    uris: of(KIND.uri).map(({ contents }) => readText(contents, isUri, 'URI')),
    emails: of(KIND.email).map(({ contents }) => readText(contents, isEmail, 'email')),
    ips: of(KIND.ip).map(({ contents }) => readIp(contents)),
    directoryNames: of(KIND.directory).map(readDirectoryName),
  }
}

/** Reads a `directoryName`, which has an explicit tag around the name. */
export function readDirectoryName({ children: [name, ...others] }: Der): DistinguishedName {
  if (others.length === 0) return readName(name)
  throw new CertificateError('must have alternative names of known kinds')
}

/** Labels of letters, digits, hyphens and underscores; the first may be a wildcard. */
const DNS_NAME =
  /^(?=.{1,253}$)(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/
const EMAIL = /^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$/
const NUMBER_AT_END = /(^|\.)(\d+|0[xX][0-9A-Fa-f]*)$/

const isDnsName = (text: string) => DNS_NAME.test(text) && !endsInNumber(text)
const isUri = (text: string) => URI.test(text)
const isEmail = (text: string) => EMAIL.test(text)

/** Tells whether the last label is a number: then programs read an address, in one of many forms (RFC 1123 2.1). */
export function endsInNumber(host: string): boolean {
  return NUMBER_AT_END.test(host)
}

function readText(contents: Uint8Array, isRight: (text: string) => boolean, kind: string): string {
  const text = latin1(contents)
  if (isRight(text)) return text
  throw new CertificateError(`must have well-formed ${kind} names`)
}

function readIp(contents: Uint8Array): Uint8Array {
  if (contents.length === 4 || contents.length === 16) return contents
  throw new CertificateError('must have IP names of 4 or 16 octets')
}

/** Writes an address as text. */
export function ipText(octets: Uint8Array): string {
  return ipaddr.fromByteArray([...octets]).toString()
}

/**
 * Returns the alternative names for which a common name can be taken: an address, an email address, a URI with a host,
 * or a DNS name of at least two labels.
 */
export function namesLike(commonName: string): Partial<AlternativeNames> {
  if (isIP(commonName) !== 0) return { ips: [Uint8Array.from(ipaddr.parse(commonName).toByteArray())] }
  if (isEmail(commonName)) return { emails: [commonName] }
  if (isUri(commonName) && commonName.includes('://')) return { uris: [commonName] }
  const host = commonName.replace(/\.$/, '')
  return DNS_NAME.test(host) && host.includes('.') ? { dns: [host] } : {}
}
