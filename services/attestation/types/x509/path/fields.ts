import { CertificateError } from './certificate-error.ts'
import { type Der, latin1, TAG } from './der.ts'

/** Tells whether two byte strings are equal. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** Returns the element if it is there and has this tag. `what` continues "must have". */
export function expectTag(element: Der | undefined, tag: number, what: string): Der {
  if (element?.tag === tag) return element
  throw new CertificateError(`must have ${what}`)
}

/** Returns an object identifier in its dotted form. */
export function readOid(element: Der | undefined): string {
  const { contents } = expectTag(element, TAG.oid, 'object identifiers where they belong')
  const arcs: bigint[] = []
  let arc = 0n
  for (const octet of contents) {
    arc = arc * 128n + BigInt(octet & 0x7f)
    if (octet < 0x80) {
      arcs.push(arc)
      arc = 0n
    }
  }
  const [first = 0n, ...others] = arcs
  const root = first < 40n ? 0n : first < 80n ? 1n : 2n
  return [root, first - root * 40n, ...others].join('.')
}

/** Returns an integer that is not negative and at most 2^31 - 1. */
export function readSmallInteger(element: Der, what: string): number {
  const { contents } = expectTag(element, TAG.integer, what)
  const value = contents.reduce((sum, octet) => sum * 256 + octet, 0)
  if ((contents[0] ?? 0x80) >= 0x80 || contents.length > 4) throw new CertificateError(`must have ${what}`)
  return value
}

/** Returns the octets of a bit string without unused bits. */
export function readOctets(element: Der | undefined, what: string): Uint8Array {
  const { contents } = expectTag(element, TAG.bitString, what)
  if (contents[0] !== 0) throw new CertificateError(`must have ${what}`)
  return contents.subarray(1)
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/

/**
 * Reads a time in the two forms of RFC 5280 section 4.1.2.5: seconds, and Z.
 *
 * @returns Unix milliseconds
 */
export function readTime(element: Der | undefined): number {
  const isUtc = element?.tag === TAG.utcTime
  const text = element === undefined ? '' : latin1(element.contents)
  const fields = (isUtc ? UTC_TIME : GENERALIZED_TIME).exec(text)?.slice(1).map(Number)
  const isTime = isUtc || element?.tag === TAG.generalizedTime
  const [year = 0, month = 0, ...others] = fields ?? []
  const [day = 0, hour = 0, minute = 0, second = 0] = others
  const fullYear = isUtc ? year + (year < 50 ? 2000 : 1900) : year
  const date = new Date(0)
  date.setUTCFullYear(fullYear, month - 1, day)
  date.setUTCHours(hour, minute, second)
  // A date that does not exist, such as February 30, is another date afterwards.
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60
  if (isTime && fields !== undefined && isReal && second < 60) return date.getTime()
  throw new CertificateError('must have times as RFC 5280 section 4.1.2.5 writes them')
}
