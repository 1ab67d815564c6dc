import { constants, createPublicKey, verify as cryptoVerify, type KeyObject } from 'node:crypto'
import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'

/** Algorithms of signatures under evidence: RFC 8037, RFC 9864, RFC 7518 section 3.1. All are asymmetric. */
export const EVIDENCE_ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'RS256', 'PS256'] as const

/** One of {@link EVIDENCE_ALGORITHMS}. */
export type EvidenceAlgorithm = (typeof EVIDENCE_ALGORITHMS)[number]

/** Verifies a signature. Never throws. */
export type VerifySignature = (message: Uint8Array, signature: Uint8Array) => boolean

/** How an algorithm names its keys in a JWK, and how it verifies. */
interface Scheme {
  readonly kty: string
  readonly crv?: string
  readonly importKey: (members: JsonObject) => VerifySignature | undefined
}

const ED25519: Scheme = {
  kty: 'OKP',
  crv: 'Ed25519',
  importKey: (members) => importTokenVerifier('Ed25519', members)?.verify,
}
const SCHEMES: Readonly<Record<EvidenceAlgorithm, Scheme>> = {
  EdDSA: ED25519,
  Ed25519: ED25519,
  ES256: { kty: 'EC', crv: 'P-256', importKey: (members) => importEcdsa(readPublicJwk(members), 'sha256') },
  ES384: { kty: 'EC', crv: 'P-384', importKey: (members) => importEcdsa(readP384(members), 'sha384') },
  RS256: { kty: 'RSA', importKey: (members) => importTokenVerifier('RS256', members)?.verify },
  PS256: { kty: 'RSA', importKey: importPss },
}
const P384_BYTES = 48
const SHA256_BYTES = 32

/** Tells whether a text names an algorithm of {@link EVIDENCE_ALGORITHMS}. */
export function isEvidenceAlgorithm(text: unknown): text is EvidenceAlgorithm {
  return EVIDENCE_ALGORITHMS.some((alg) => alg === text)
}

/** Tells whether keys with these JWK members are keys of the algorithm. */
export function fits(alg: EvidenceAlgorithm, { kty, crv }: JsonObject): boolean {
  return SCHEMES[alg].kty === kty && SCHEMES[alg].crv === crv
}

/** Imports a public key for one algorithm. `members` are those of RFC 7638, and no others. */
export function importEvidenceKey(alg: EvidenceAlgorithm, members: JsonObject): VerifySignature | undefined {
  return fits(alg, members) ? SCHEMES[alg].importKey(members) : undefined
}

/** Accepts both valid S of a signature: evidence is used once because of its id, never because of its text. */
function importEcdsa(jwk: object | undefined, hash: string): VerifySignature | undefined {
  const key = jwk && importJwk(jwk)
  return key && ((message, signature) => cryptoVerify(hash, message, { key, dsaEncoding: 'ieee-p1363' }, signature))
}

/** The salt has the length of the hash (RFC 7518 section 3.5, RFC 8230 section 2). */
function importPss(members: JsonObject): VerifySignature | undefined {
  const jwk = readPublicJwk(members)
  const key = jwk && importJwk(jwk)
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return (
    key &&
    ((message, signature) => cryptoVerify('sha256', message, { key, padding, saltLength: SHA256_BYTES }, signature))
  )
}

function readP384({ kty, crv, x, y, ...others }: JsonObject): object | undefined {
  const isRight = isP384Field(x) && isP384Field(y) && Object.keys(others).length === 0
  return isRight ? { kty, crv, x, y } : undefined
}

function isP384Field(value: unknown): boolean {
  return typeof value === 'string' && decodeBase64url(value)?.length === P384_BYTES
}

/** Returns undefined if the point is not on the curve. */
function importJwk(jwk: object): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch {
    return undefined
  }
}
