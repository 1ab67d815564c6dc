import { decodeUtf8 } from '@auth4agent/core/encoding/utf8'
import { CertificateError } from './certificate-error.ts'

/** An element of ASN.1 in its distinguished encoding (X.690). */
export interface Der {
  /** The identifier octet: class, constructed or primitive, and number. */
  readonly tag: number
  /** The whole element: identifier, length and contents. */
  readonly bytes: Uint8Array
  readonly contents: Uint8Array
  /** The elements inside; empty for a primitive element. */
  readonly children: readonly Der[]
}

/** Identifier octets of universal types. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

const CONSTRUCTED = 0x20
const CLASS = 0xc0
const LONG_TAG = 0x1f
const MAX_DEPTH = 24
/** A length of four octets is larger than everything that is read here. */
const MAX_LENGTH_OCTETS = 3

/**
 * Reads exactly one element, strictly: no other bytes, one-octet tags, definite and shortest lengths, primitive
 * strings, and the one form that DER has for each value. So two readers cannot understand the same bytes differently.
 *
 * @throws CertificateError
 */
export function readDer(bytes: Uint8Array): Der {
  const [element, ...others] = readAll(bytes, 0)
  if (element === undefined || others.length > 0) throw malformed('must be exactly one element')
  return element
}

function readAll(bytes: Uint8Array, depth: number): readonly Der[] {
  if (depth > MAX_DEPTH) throw malformed('must not be nested deeper')
  const elements: Der[] = []
  for (let at = 0; at < bytes.length; ) {
    const element = readOne(bytes.subarray(at), depth)
    elements.push(element)
    at += element.bytes.length
  }
  return elements
}

function readOne(bytes: Uint8Array, depth: number): Der {
  const [tag = 0] = bytes
  if ((tag & LONG_TAG) === LONG_TAG || tag === 0) throw malformed('must have tags of one octet')
  const { length, start } = readLength(bytes)
  const end = start + length
  if (end > bytes.length) throw malformed('must not be cut off')
  const contents = bytes.subarray(start, end)
  const isConstructed = (tag & CONSTRUCTED) !== 0
  const children = isConstructed ? readAll(contents, depth + 1) : []
  if ((tag & CLASS) === 0) checkUniversal(tag, contents, children)
  return { tag, bytes: bytes.subarray(0, end), contents, children }
}

function readLength(bytes: Uint8Array): { readonly length: number; readonly start: number } {
  const first = bytes[1]
  if (first === undefined) throw malformed('must not be cut off')
  if (first < 0x80) return { length: first, start: 2 }
  const size = first - 0x80
  const octets = bytes.subarray(2, 2 + size)
  if (size < 1 || size > MAX_LENGTH_OCTETS || octets.length < size) throw malformed('must have definite lengths')
  const length = octets.reduce((sum, octet) => sum * 256 + octet, 0)
  if (octets[0] === 0 || length < 0x80) throw malformed('must have lengths in the shortest form')
  return { length, start: 2 + size }
}

const CHECKS: Readonly<Record<number, (contents: Uint8Array) => boolean>> = {
  [TAG.boolean]: ([value, ...others]) => others.length === 0 && (value === 0 || value === 0xff),
  [TAG.integer]: isShortestInteger,
  [TAG.enumerated]: isShortestInteger,
  [TAG.bitString]: isBitString,
  [TAG.null]: ({ length }) => length === 0,
  [TAG.oid]: isOid,
  [TAG.utf8String]: (contents) => decodeUtf8(contents) !== undefined,
  [TAG.numericString]: (contents) => /^[0-9 ]*$/.test(latin1(contents)),
  [TAG.printableString]: (contents) => /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(latin1(contents)),
  [TAG.ia5String]: (contents) => contents.every((octet) => octet < 0x80),
}

function checkUniversal(tag: number, contents: Uint8Array, children: readonly Der[]): void {
  const isConstructed = (tag & CONSTRUCTED) !== 0
  const mustBeConstructed = tag === TAG.sequence || tag === TAG.set || tag === 0x10 || tag === 0x11
  if (isConstructed !== mustBeConstructed) throw malformed('must have primitive strings and constructed sequences')
  if (CHECKS[tag]?.(contents) === false) throw malformed('must have every value in its one form')
  if (tag === TAG.set && !isSorted(children)) throw malformed('must have the elements of sets in order')
}

function isShortestInteger([first, second = 0, ...others]: Uint8Array): boolean {
  if (first === undefined) return false
  const isAlone = others.length === 0 && second === 0
  return isAlone || !((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
}

function isBitString(contents: Uint8Array): boolean {
  const [unused] = contents
  if (unused === undefined || unused > 7) return false
  if (contents.length === 1) return unused === 0
  return ((contents.at(-1) ?? 0) & ((1 << unused) - 1)) === 0
}

/** No identifier that this module knows is longer. Reading a long arc takes quadratic time. */
const MAX_OID = 32

function isOid(contents: Uint8Array): boolean {
  if (contents.length === 0 || contents.length > MAX_OID || (contents.at(-1) ?? 0x80) >= 0x80) return false
  return contents.every((octet, at) => octet !== 0x80 || (contents[at - 1] ?? 0) >= 0x80)
}

function isSorted(elements: readonly Der[]): boolean {
  return elements.every(({ bytes }, at) => {
    const next = elements[at + 1]
    return next === undefined || Buffer.compare(bytes, next.bytes) <= 0
  })
}

function malformed(demand: string): CertificateError {
  return new CertificateError(`must be strict DER: it ${demand}`)
}

/** Each octet as a character. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
