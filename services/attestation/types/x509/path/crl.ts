import {
  type Certificate,
  checkInnerAlgorithm,
  isSignedBy,
  readSerial,
  readSigned,
  type Signed,
} from './certificate.ts'
import { CertificateError } from './certificate-error.ts'
import { type Der, readDer, TAG } from './der.ts'
import { type Extension, readExtensions, refuseUnknownCritical } from './extensions.ts'
import { expectTag, isEqual, readTime } from './fields.ts'
import { readName } from './names.ts'

/** A complete list of revoked certificates (RFC 5280 section 5). Times are in Unix milliseconds. */
export interface Crl {
  readonly signed: Signed
  readonly issuer: Uint8Array
  readonly thisUpdate: number
  readonly nextUpdate: number
  /** Serial numbers, in lower-case hexadecimal. */
  readonly revoked: ReadonlySet<string>
}

const VERSION_2 = '020101'
const EXTENSIONS = 0xa0
const TIMES: ReadonlySet<number> = new Set([TAG.utcTime, TAG.generalizedTime])

/** Extensions of a delta (RFC 5280 section 5.2.4), and of a list of only some certificates (section 5.2.5). */
const INCOMPLETE: readonly string[] = ['2.5.29.27', '2.5.29.28']
/** An entry about a certificate of another issuer (RFC 5280 section 5.3.3). */
const OTHER_ISSUER: readonly string[] = ['2.5.29.29']

/**
 * Reads a CRL of version 2 from its DER. Refuses critical extensions. Refuses a delta, and a list of only some
 * certificates, also if the issuer has not marked it as critical: it does not say that the others are good.
 *
 * @throws CertificateError
 */
export function readCrl(der: Uint8Array): Crl {
  const element = readDer(der)
  const { signed, fields } = readSigned(element, 'a CRL')
  const [version, algorithm, issuer, thisUpdate, nextUpdate, ...others] = fields
  if (version === undefined || Buffer.from(version.bytes).toString('hex') !== VERSION_2) {
    throw new CertificateError('must have version 2')
  }
  checkInnerAlgorithm(algorithm, element)
  if (nextUpdate === undefined || !TIMES.has(nextUpdate.tag)) throw new CertificateError('must have a nextUpdate')
  readName(issuer)
  const list = others[0]?.tag === TAG.sequence ? others[0] : undefined
  const [wrapped, ...more] = list === undefined ? others : others.slice(1)
  if (wrapped === undefined || more.length > 0) throw new CertificateError('must have the fields of a CRL')
  const extensions = readWrapped(wrapped)
  refuseUnknownCritical(extensions, [])
  refuseEach(extensions, INCOMPLETE)
  return {
    signed,
    issuer: expectTag(issuer, TAG.sequence, 'an issuer').bytes,
    thisUpdate: readTime(thisUpdate),
    nextUpdate: readTime(nextUpdate),
    revoked: new Set(list?.children.map(readRevoked)),
  }
}

function readWrapped(element: Der): ReadonlyMap<string, Extension> {
  const [list, ...others] = expectTag(element, EXTENSIONS, 'the extensions of a CRL').children
  if (list === undefined || others.length > 0) throw new CertificateError('must have the extensions of a CRL')
  return readExtensions(list)
}

function readRevoked(element: Der): string {
  const [serial, date, extensions, ...others] = expectTag(element, TAG.sequence, 'well-formed entries').children
  if (others.length > 0) throw new CertificateError('must have well-formed entries')
  readTime(date)
  // A critical extension of an entry changes its meaning.
  if (extensions !== undefined) {
    const read = readExtensions(extensions)
    refuseUnknownCritical(read, [])
    refuseEach(read, OTHER_ISSUER)
  }
  return readSerial(serial)
}

function refuseEach(extensions: ReadonlyMap<string, Extension>, refused: readonly string[]): void {
  const found = refused.find((id) => extensions.has(id))
  if (found !== undefined) throw new CertificateError(`must be complete: it must not have the extension ${found}`)
}

/**
 * Checks that a current CRL of the issuer covers the certificate and does not list it.
 *
 * @returns until when that is known, in Unix milliseconds
 * @throws CertificateError
 */
export function checkRevocation(
  certificate: Certificate,
  issuer: Certificate,
  crls: readonly Crl[],
  { now, skewMs }: { readonly now: number; readonly skewMs: number },
): number {
  const ofIssuer = crls.filter((crl) => isEqual(crl.issuer, issuer.subject) && isSignedBy(crl.signed, issuer))
  const current = ofIssuer.filter(({ thisUpdate, nextUpdate }) => thisUpdate <= now + skewMs && now < nextUpdate)
  if (current.length === 0 || issuer.keyUsage?.has('cRLSign') !== true) {
    throw new CertificateError('must be covered by a current CRL, signed by an issuer that may sign CRLs')
  }
  if (current.some(({ revoked }) => revoked.has(certificate.serial))) throw new CertificateError('must not be revoked')
  return Math.min(...current.map(({ nextUpdate }) => nextUpdate))
}
