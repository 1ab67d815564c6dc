import { type CertifiedKey, readPublicKey, readSignatureAlgorithm, type SignatureAlgorithm } from './algorithms.ts'
import { CertificateError } from './certificate-error.ts'
import { type Der, readDer, TAG } from './der.ts'
import { type Extensions, interpret, readExtensions } from './extensions.ts'
import { expectTag, isEqual, readOctets, readTime } from './fields.ts'
import { type DistinguishedName, readName } from './names.ts'

/** Bytes, and the signature over them. */
export interface Signed {
  readonly toBeSigned: Uint8Array
  readonly algorithm: SignatureAlgorithm
  readonly signature: Uint8Array
}

/** A certificate (RFC 5280 section 4.1). Its signature is not verified. Times are in Unix milliseconds. */
export interface Certificate extends Extensions {
  readonly der: Uint8Array
  readonly signed: Signed
  /** In lower-case hexadecimal, without an octet that only says that it is positive. */
  readonly serial: string
  /** The DER of the name. Names are compared by their bytes. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly issuerName: DistinguishedName
  readonly subjectName: DistinguishedName
  readonly notBefore: number
  readonly notAfter: number
  readonly publicKey: CertifiedKey
  /** DER of SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
}

const VERSION = 0xa0
const VERSION_3 = 'a003020102'
const EXTENSIONS = 0xa3
const MAX_SERIAL_OCTETS = 20

/**
 * Reads a certificate of version 3 from its DER, and nothing but DER.
 *
 * @throws CertificateError
 */
export function readCertificate(der: Uint8Array): Certificate {
  const element = readDer(der)
  const { signed, fields } = readSigned(element, 'a certificate')
  const [version, serial, algorithm, issuer, validity, subject, spki, extensions, ...others] = fields
  if (version?.tag !== VERSION || Buffer.from(version.bytes).toString('hex') !== VERSION_3) {
    throw new CertificateError('must have version 3')
  }
  if (spki === undefined || issuer === undefined || subject === undefined || others.length > 0) {
    throw new CertificateError('must have the fields of a certificate, without unique identifiers')
  }
  checkInnerAlgorithm(algorithm, element)
  const [issuerName, subjectName] = [readName(issuer), readName(subject)]
  if (issuerName.length === 0) throw new CertificateError('must name its issuer')
  const [notBefore, notAfter, ...more] = expectTag(validity, TAG.sequence, 'a validity').children
  if (more.length > 0) throw new CertificateError('must have a validity of two times')
  return {
    der,
    signed,
    serial: readSerial(serial),
    issuer: issuer.bytes,
    subject: subject.bytes,
    issuerName,
    subjectName,
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    publicKey: readPublicKey(expectTag(spki, TAG.sequence, 'a public key')),
    spki: spki.bytes,
    ...checkSubject(subjectName, interpret(readExtensions(unwrap(extensions)))),
  }
}

/**
 * Takes apart what certificates and CRLs have in common: fields, the algorithm, and the signature over the fields.
 */
export function readSigned(element: Der, what: string): { readonly signed: Signed; readonly fields: readonly Der[] } {
  const [body, algorithm, signature, ...others] = expectTag(element, TAG.sequence, `the form of ${what}`).children
  if (others.length > 0) throw new CertificateError(`must have the form of ${what}`)
  const { bytes: toBeSigned, children: fields } = expectTag(body, TAG.sequence, `the form of ${what}`)
  return {
    signed: {
      toBeSigned,
      algorithm: readSignatureAlgorithm(algorithm),
      signature: readOctets(signature, 'a signature'),
    },
    fields,
  }
}

/** The algorithm stands twice, and only one of the two is signed (RFC 5280 section 4.1.1.2). */
export function checkInnerAlgorithm(inner: Der | undefined, { children: [, outer] }: Der): void {
  if (inner === undefined || outer === undefined || !isEqual(inner.bytes, outer.bytes)) {
    throw new CertificateError('must name one signature algorithm in both places')
  }
}

/** Returns a serial number: positive, and at most 20 octets (RFC 5280 section 4.1.2.2). */
export function readSerial(element: Der | undefined): string {
  const { contents } = expectTag(element, TAG.integer, 'a serial number')
  const isPositive = (contents[0] ?? 0x80) < 0x80 && contents.some((octet) => octet !== 0)
  if (!isPositive || contents.length > MAX_SERIAL_OCTETS) {
    throw new CertificateError(`must have a positive serial number of at most ${MAX_SERIAL_OCTETS} octets`)
  }
  return Buffer.from(contents).toString('hex').replace(/^00/, '')
}

function unwrap(element: Der | undefined): Der {
  const [list, ...others] = expectTag(element, EXTENSIONS, 'extensions').children
  if (list === undefined || others.length > 0) throw new CertificateError('must have extensions')
  return list
}

/** A certificate without a subject is known by its alternative names, so nobody may pass over them. */
function checkSubject(subject: DistinguishedName, extensions: Extensions): Extensions {
  if (subject.length > 0 || extensions.areNamesCritical) return extensions
  throw new CertificateError('must have a subject, or critical alternative names')
}

/** Tells whether the key of the issuer has signed the bytes, with an algorithm for keys of its type. */
export function isSignedBy({ toBeSigned, algorithm, signature }: Signed, { publicKey: { key } }: Certificate): boolean {
  return key.asymmetricKeyType === algorithm.keyType && algorithm.verify(key, toBeSigned, signature)
}
