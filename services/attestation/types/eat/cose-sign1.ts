import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import { COSE_ALGORITHMS, type EvidenceAlgorithm } from '../../../platform/jwt/algorithms.ts'
import type { EvidenceKey, EvidenceKeys } from '../../../platform/jwt/keys.ts'
import { RefusedEvidence } from '../attestor-type.ts'
import { type CborMap, type CborValue, decodeCbor, isTag } from './cbor.ts'

/** Tags of COSE messages and CWTs (RFC 9052 section 2, RFC 8392 section 6). */
const TAGS = { mac0: 17, sign1: 18, cwt: 61, sign: 98 } as const
const KNOWN_TAGS = Object.values(TAGS)
/** Labels of header parameters (RFC 9052 section 3.1, RFC 9596). */
const LABELS = { alg: 1, crit: 2, contentType: 3, kid: 4, typ: 16 } as const
const PROTECTED_LABELS = new Set<number | string>([LABELS.alg, LABELS.contentType, LABELS.kid, LABELS.typ])
/** Media types, and CoAP content formats, of EATs and CWTs (RFC 9782, RFC 8392). */
const TYPS = new Set<CborValue | undefined>([undefined, 'application/eat+cwt', 263, 'application/cwt', 61])

const NAME = 'token'

/** A COSE_Sign1 whose headers are acceptable. Nothing of its payload is read before its signature is verified. */
interface Sign1 {
  readonly alg: EvidenceAlgorithm
  readonly kid: Uint8Array
  /** As received. */
  readonly protectedHeader: Uint8Array
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Opens a COSE_Sign1 (RFC 9052 section 4.2) with the tag 18, and perhaps the CWT tag 61 around it, and verifies its
 * signature by the key that its `kid` names.
 *
 * @returns the payload
 * @throws RefusedEvidence
 */
export function verifySign1(
  evidence: Uint8Array,
  keys: EvidenceKeys,
  algorithms: readonly EvidenceAlgorithm[],
): Uint8Array {
  const sign1 = openSign1(evidence)
  const { alg, payload, protectedHeader, signature } = sign1
  if (!algorithms.includes(alg)) throw refusal(`must have one of the algorithms ${algorithms.join(', ')}`)
  const key = findKey(sign1, keys)
  if (!key.algs.includes(alg)) throw refusal(`must have the algorithm of its key: ${key.algs.join(' or ')}`)
  if (!key.verify(encodeSigStructure(protectedHeader, payload), signature)) {
    throw refusal('must have a valid signature of its key')
  }
  return payload
}

/** Returns the bytes that are signed: Sig_structure of RFC 9052 section 4.4, without external data. */
function encodeSigStructure(protectedHeader: Uint8Array, payload: Uint8Array): Uint8Array {
  const context = encodeUtf8('Signature1')
  return Buffer.concat([
    Uint8Array.of(0x84, 0x60 | context.length),
    context,
    encodeByteString(protectedHeader),
    encodeByteString(new Uint8Array()),
    encodeByteString(payload),
  ])
}

function openSign1(evidence: Uint8Array): Sign1 {
  const message = untag(decodeCbor(evidence, NAME, KNOWN_TAGS))
  if (!Array.isArray(message) || message.length !== 4) throw refusal('must be a COSE_Sign1 of four parts')
  const [protectedHeader, unprotected, payload, signature]: readonly CborValue[] = message
  if (payload === null) throw refusal('must contain its payload')
  if (!isBytes(protectedHeader) || !isMap(unprotected) || !isBytes(payload) || !isBytes(signature)) {
    throw refusal('must be a COSE_Sign1 of header, header, payload and signature')
  }
  return { ...readHeaders(protectedHeader, unprotected), protectedHeader, payload, signature }
}

/** Returns the content of tag 18. */
function untag(value: CborValue): CborValue {
  const inner = isTag(value) && value.tag === TAGS.cwt ? value.value : value
  if (isTag(inner) && inner.tag === TAGS.sign1) return inner.value
  if (isTag(inner) && inner.tag === TAGS.mac0) throw refusal('must be signed: a COSE_Mac0 proves nothing to others')
  if (isTag(inner) && inner.tag === TAGS.sign) throw refusal('must have one signature: COSE_Sign1, not COSE_Sign')
  throw refusal('must have the tag 18 of a COSE_Sign1')
}

function readHeaders(bytes: Uint8Array, unprotected: CborMap): Pick<Sign1, 'alg' | 'kid'> {
  // A header without parameters may be encoded as no bytes at all.
  const header = bytes.length === 0 ? new Map() : decodeCbor(bytes, `protected header of the ${NAME}`)
  if (!isMap(header)) throw refusal('must have a map as its protected header')
  if (header.has(LABELS.crit)) throw refusal('must not have crit')
  if (unprotected.has(LABELS.alg)) throw refusal('must have its algorithm in the protected header')
  if ([...header.keys()].some((label) => !PROTECTED_LABELS.has(label))) {
    throw refusal('must have only alg, content type, kid and typ in its protected header')
  }
  if ([...unprotected.keys()].some((label) => label !== LABELS.kid)) {
    throw refusal('must have only kid in its unprotected header')
  }
  if (!TYPS.has(header.get(LABELS.typ))) throw refusal('must have the typ of an EAT or a CWT, or none')
  const alg = COSE_ALGORITHMS.get(header.get(LABELS.alg))
  if (alg === undefined) throw refusal('must have an asymmetric algorithm in its protected header')
  if (header.has(LABELS.kid) && unprotected.has(LABELS.kid)) throw refusal('must have only one kid')
  const kid = header.get(LABELS.kid) ?? unprotected.get(LABELS.kid)
  if (!isBytes(kid)) throw refusal('must have a kid that is a byte string')
  return { alg, kid }
}

function findKey({ kid }: Pick<Sign1, 'kid'>, keys: EvidenceKeys): EvidenceKey {
  const key = keys.get(Buffer.from(kid).toString('latin1'))
  if (key === undefined) throw refusal('must have the kid of a trusted key')
  return key
}

function encodeByteString(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  if (length < 24) return Buffer.concat([Uint8Array.of(0x40 | length), bytes])
  if (length < 0x100) return Buffer.concat([Uint8Array.of(0x58, length), bytes])
  // Evidence has at most 32 KiB.
  return Buffer.concat([Uint8Array.of(0x59, length >> 8, length & 0xff), bytes])
}

function isBytes(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array
}

function isMap(value: CborValue | undefined): value is CborMap {
  return value instanceof Map
}

function refusal(demand: string): RefusedEvidence {
  return new RefusedEvidence(`The ${NAME} ${demand}`)
}
