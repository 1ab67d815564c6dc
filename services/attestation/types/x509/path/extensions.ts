import { CertificateError } from './certificate-error.ts'
import { type Der, readDer, TAG } from './der.ts'
import { expectTag, readOid, readSmallInteger } from './fields.ts'
import { type NameConstraints, readNameConstraints } from './name-constraints.ts'
import { type AlternativeNames, readAlternativeNames } from './names.ts'

/** Bits of the key usage (RFC 5280 section 4.2.1.3), in order. */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

/** A key usage. */
type KeyUsage = (typeof KEY_USAGES)[number]

/** The extensions of a certificate that decide something here. A member is undefined if the extension is absent. */
export interface Extensions {
  readonly isCa: boolean
  readonly pathLength: number | undefined
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly names: AlternativeNames
  readonly areNamesCritical: boolean
  readonly nameConstraints: NameConstraints | undefined
  readonly subjectKeyId: Uint8Array | undefined
  readonly authorityKeyId: Uint8Array | undefined
}

/** An extension as it is written. */
export interface Extension {
  readonly isCritical: boolean
  readonly value: Uint8Array
}

const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  policies: '2.5.29.32',
  authorityKeyId: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
} as const
/** Policies may be critical: every policy is acceptable here, so they demand nothing. */
const MAY_BE_CRITICAL: readonly string[] = [
  OID.keyUsage,
  OID.alternativeNames,
  OID.basicConstraints,
  OID.nameConstraints,
  OID.policies,
  OID.extendedKeyUsage,
]
const MAX_EXTENSIONS = 32
const NO_NAMES: AlternativeNames = { dns: [], uris: [], emails: [], ips: [], directoryNames: [] }

/**
 * Reads extensions by their identifiers. Refuses one that occurs twice (RFC 5280 section 4.2).
 */
export function readExtensions(element: Der): ReadonlyMap<string, Extension> {
  const { children } = expectTag(element, TAG.sequence, 'a list of extensions')
  if (children.length < 1 || children.length > MAX_EXTENSIONS) {
    throw new CertificateError(`must have 1 to ${MAX_EXTENSIONS} extensions`)
  }
  const extensions = new Map<string, Extension>()
  for (const each of children) {
    const { id, extension } = readExtension(each)
    if (extensions.has(id)) throw new CertificateError(`must not have two extensions ${id}`)
    extensions.set(id, extension)
  }
  return extensions
}

function readExtension(element: Der): { readonly id: string; readonly extension: Extension } {
  const { children } = expectTag(element, TAG.sequence, 'well-formed extensions')
  const [id, second, third] = children
  const isCritical = children.length === 3
  // DER leaves out a value that is the default, so a criticality that is there is true.
  if (isCritical && expectTag(second, TAG.boolean, 'well-formed extensions').contents[0] !== 0xff) {
    throw new CertificateError('must be strict DER: it must leave out the default criticality')
  }
  const value = expectTag(isCritical ? third : second, TAG.octetString, 'well-formed extensions')
  if (children.length > 3) throw new CertificateError('must have well-formed extensions')
  return { id: readOid(id), extension: { isCritical, value: value.contents } }
}

/** Refuses critical extensions that are not processed (RFC 5280 section 4.2). */
export function refuseUnknownCritical(extensions: ReadonlyMap<string, Extension>, known: readonly string[]): void {
  const unknown = [...extensions].find(([id, { isCritical }]) => isCritical && !known.includes(id))
  if (unknown !== undefined) throw new CertificateError(`must not have the critical extension ${unknown[0]}`)
}

/** Interprets the extensions of a certificate. */
export function interpret(extensions: ReadonlyMap<string, Extension>): Extensions {
  refuseUnknownCritical(extensions, MAY_BE_CRITICAL)
  if (extensions.has(OID.policyConstraints)) {
    throw new CertificateError('must not have policy constraints, which are not processed')
  }
  const read = <T>(id: string, parse: (element: Der) => T): T | undefined => {
    const extension = extensions.get(id)
    return extension && parse(readDer(extension.value))
  }
  return {
    ...readBasicConstraints(read(OID.basicConstraints, (element) => element)),
    keyUsage: read(OID.keyUsage, readKeyUsage),
    extendedKeyUsage: read(OID.extendedKeyUsage, readPurposes),
    names: read(OID.alternativeNames, readAlternativeNames) ?? NO_NAMES,
    areNamesCritical: extensions.get(OID.alternativeNames)?.isCritical === true,
    nameConstraints: read(OID.nameConstraints, readNameConstraints),
    subjectKeyId: read(OID.subjectKeyId, (element) => expectTag(element, TAG.octetString, 'a key identifier').contents),
    authorityKeyId: read(OID.authorityKeyId, readAuthorityKeyId),
  }
}

function readBasicConstraints(element: Der | undefined): Pick<Extensions, 'isCa' | 'pathLength'> {
  if (element === undefined) return { isCa: false, pathLength: undefined }
  const { children } = expectTag(element, TAG.sequence, 'well-formed basic constraints')
  const isCa = children[0]?.tag === TAG.boolean && children[0].contents[0] === 0xff
  const [length, ...others] = isCa ? children.slice(1) : children
  // cA is false by default, and DER leaves out defaults. A path length is only for a CA.
  if (others.length > 0 || (!isCa && length !== undefined)) {
    throw new CertificateError('must have well-formed basic constraints')
  }
  return { isCa, pathLength: length && readSmallInteger(length, 'a path length that is a number') }
}

function readKeyUsage(element: Der): ReadonlySet<KeyUsage> {
  const { contents } = expectTag(element, TAG.bitString, 'a well-formed key usage')
  const octets = contents.subarray(1)
  const isSet = (bit: number) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0
  // DER leaves out bits at the end that are zero (X.690 section 11.2.2).
  const lastBit = octets.length * 8 - (contents[0] ?? 0) - 1
  if (lastBit < 0 || lastBit >= KEY_USAGES.length || !isSet(lastBit)) {
    throw new CertificateError('must have a well-formed key usage')
  }
  return new Set(KEY_USAGES.filter((_, bit) => isSet(bit)))
}

function readPurposes(element: Der): readonly string[] {
  const { children } = expectTag(element, TAG.sequence, 'a well-formed extended key usage')
  if (children.length === 0) throw new CertificateError('must have a well-formed extended key usage')
  return children.map(readOid)
}

function readAuthorityKeyId(element: Der): Uint8Array | undefined {
  const { children } = expectTag(element, TAG.sequence, 'a well-formed authority key identifier')
  return children.find(({ tag }) => tag === 0x80)?.contents
}
