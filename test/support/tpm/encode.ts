import type { KeyObject } from 'node:crypto'

/** Structures of the TPM 2.0 Library, Part 2, written field by field so that tests can change each. */

/** The fields of a public area. */
export interface PublicFields {
  readonly key: KeyObject
  readonly attributes: number
  readonly nameAlgorithm?: number
  /** AES-128-CFB, or nothing. */
  readonly symmetric?: readonly [algorithm: number, bits: number, mode: number]
  readonly scheme?: readonly [algorithm: number, hash: number]
  readonly curve?: number
  readonly exponent?: number
  readonly keyDerivation?: number
}

/** The fields of a quote. */
export interface QuoteFields {
  readonly signer: Uint8Array
  readonly extraData: Uint8Array
  readonly pcrDigest: Uint8Array
  readonly pcrs: readonly number[]
  readonly magic?: number
  readonly type?: number
  readonly safe?: number
  readonly bank?: number
  readonly selections?: number
  readonly selectionBytes?: number
}

const NULL = 0x0010
const SHA256 = 0x000b

function u8(value: number): Buffer {
  return Buffer.from([value])
}

export function u16(...values: readonly number[]): Buffer {
  return Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]))
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A TPM2B: size and bytes. */
export function sized(bytes: Uint8Array): Buffer {
  return Buffer.concat([u16(bytes.length), bytes])
}

/** TPMT_PUBLIC */
export function publicArea(fields: PublicFields): Buffer {
  const { key, attributes, nameAlgorithm = SHA256, symmetric = [NULL], scheme = [NULL] } = fields
  const { kty, n = '', x = '', y = '' } = key.export({ format: 'jwk' })
  const head = (type: number) =>
    Buffer.concat([u16(type, nameAlgorithm), u32(attributes), sized(Buffer.alloc(0)), u16(...symmetric, ...scheme)])
  if (kty === 'RSA') {
    const modulus = fromBase64(n)
    return Buffer.concat([head(1), u16(modulus.length * 8), u32(fields.exponent ?? 0), sized(modulus)])
  }
  const { curve = 3, keyDerivation = NULL } = fields
  return Buffer.concat([head(0x23), u16(curve, keyDerivation), sized(fromBase64(x)), sized(fromBase64(y))])
}

/** TPMS_ATTEST with TPMS_QUOTE_INFO */
export function quoteOf(fields: QuoteFields): Buffer {
  const { magic = 0xff544347, type = 0x8018, safe = 1, bank = SHA256, selections = 1, selectionBytes = 3 } = fields
  const bits = Buffer.alloc(selectionBytes)
  for (const pcr of fields.pcrs) bits[pcr >> 3] = (bits[pcr >> 3] ?? 0) | (1 << (pcr & 7))
  const selection = Buffer.concat([u16(bank), u8(selectionBytes), bits])
  return Buffer.concat([
    u32(magic),
    u16(type),
    sized(fields.signer),
    sized(fields.extraData),
    Buffer.alloc(16),
    u8(safe),
    Buffer.from('0123456789abcdef', 'hex'),
    u32(selections),
    ...Array.from({ length: selections }, () => selection),
    sized(fields.pcrDigest),
  ])
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}
