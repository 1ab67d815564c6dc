import { encode, Tag } from 'cbor2'
import type { EvidenceAlgorithm } from '../../../services/platform/jwt/algorithms.ts'
import { signEvidence, type TestKey } from './evidence-keys.ts'

/** What of a COSE_Sign1 differs from a right one. */
export interface CoseChanges {
  /** The protected header, as a map or as bytes. */
  readonly header?: ReadonlyMap<unknown, unknown> | Uint8Array
  readonly unprotected?: ReadonlyMap<unknown, unknown>
  /** From the inside to the outside. */
  readonly tags?: readonly number[]
  readonly payload?: unknown
  readonly signature?: Uint8Array
  /** Further parts after the signature. */
  readonly more?: readonly unknown[]
}

/** Numbers of algorithms in COSE (RFC 9053, RFC 9864, RFC 8230, RFC 8812). */
export const COSE_NUMBERS = {
  ES256: -7,
  EdDSA: -8,
  Ed25519: -19,
  ES384: -35,
  ES512: -36,
  PS256: -37,
  PS384: -38,
  PS512: -39,
  RS256: -257,
  RS384: -258,
  RS512: -259,
} as const satisfies Record<EvidenceAlgorithm, number>

/** Encodes CBOR by another program than the server's. */
export function encodeCbor(value: unknown): Uint8Array {
  return encode(value)
}

/** Signs a COSE_Sign1. The signature covers the header and the payload that it has, whatever they are. */
export function signCose(key: TestKey, payload: Uint8Array, changes: CoseChanges = {}): Uint8Array {
  const {
    header = new Map([[1, COSE_NUMBERS[key.alg]]]),
    unprotected = new Map([[4, toBytes(Buffer.from(key.kid))]]),
  } = changes
  const protectedHeader = header instanceof Uint8Array ? header : encode(header)
  const signed = encode(['Signature1', toBytes(protectedHeader), new Uint8Array(), toBytes(payload)])
  const { signature = signEvidence(key, signed), tags = [18] } = changes
  const content = Object.hasOwn(changes, 'payload') ? changes.payload : toBytes(payload)
  const message: unknown = [toBytes(protectedHeader), unprotected, content, toBytes(signature), ...(changes.more ?? [])]
  return encode(tags.reduce((inner, tag) => new Tag(tag, inner), message))
}

/** cbor2 encodes a Buffer as JSON would. */
function toBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes)
}
