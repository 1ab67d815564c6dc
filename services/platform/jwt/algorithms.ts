import { constants, createPublicKey, verify as cryptoVerify, type KeyObject } from 'node:crypto'
import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'

/**
 * Algorithms of signatures under evidence, JWT and CWT: RFC 8037, RFC 9864, RFC 7518 section 3.1. All are asymmetric.
 */
export const EVIDENCE_ALGORITHMS = [
  'EdDSA',
  'Ed25519',
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
] as const

/** One of {@link EVIDENCE_ALGORITHMS}. */
export type EvidenceAlgorithm = (typeof EVIDENCE_ALGORITHMS)[number]

/** Verifies a signature. Never throws. */
export type VerifySignature = (message: Uint8Array, signature: Uint8Array) => boolean

/** How an algorithm names its keys in a JWK, and how it verifies. */
interface Scheme {
  /** The numbers of the algorithm in COSE. With one of RFC 9864, the curve is named too: here it always is. */
  readonly cose: readonly number[]
  readonly kty: string
  readonly crv?: string
  readonly importKey: (members: JsonObject) => VerifySignature | undefined
}

const ED25519 = {
  kty: 'OKP',
  crv: 'Ed25519',
  importKey: (members: JsonObject) => importTokenVerifier('Ed25519', members)?.verify,
}
/** Numbers in COSE: RFC 9053 section 2, RFC 8230 section 2, RFC 8812 section 2, RFC 9864 section 2. */
const SCHEMES: Readonly<Record<EvidenceAlgorithm, Scheme>> = {
  EdDSA: { cose: [-8], ...ED25519 },
  Ed25519: { cose: [-19], ...ED25519 },
  ES256: { cose: [-7, -9], ...ecdsa('P-256', 'sha256', 32) },
  ES384: { cose: [-35, -51], ...ecdsa('P-384', 'sha384', 48) },
  ES512: { cose: [-36, -52], ...ecdsa('P-521', 'sha512', 66) },
  RS256: { cose: [-257], ...rsa('sha256', constants.RSA_PKCS1_PADDING) },
  RS384: { cose: [-258], ...rsa('sha384', constants.RSA_PKCS1_PADDING) },
  RS512: { cose: [-259], ...rsa('sha512', constants.RSA_PKCS1_PADDING) },
  PS256: { cose: [-37], ...rsa('sha256', constants.RSA_PKCS1_PSS_PADDING) },
  PS384: { cose: [-38], ...rsa('sha384', constants.RSA_PKCS1_PSS_PADDING) },
  PS512: { cose: [-39], ...rsa('sha512', constants.RSA_PKCS1_PSS_PADDING) },
}

/** The same algorithms by their numbers in COSE. */
export const COSE_ALGORITHMS: ReadonlyMap<unknown, EvidenceAlgorithm> = new Map(
  EVIDENCE_ALGORITHMS.flatMap((alg) => SCHEMES[alg].cose.map((number) => [number, alg] as const)),
)

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

/**
 * ECDSA (RFC 7518 section 3.4). Accepts both valid S of a signature: evidence is used once because of its id, never
 * because of its text.
 */
function ecdsa(crv: string, hash: string, fieldBytes: number): Omit<Scheme, 'cose'> {
  const isField = (value: unknown) => typeof value === 'string' && decodeBase64url(value)?.length === fieldBytes
  return {
    kty: 'EC',
    crv,
    importKey: ({ kty, x, y, ...others }) => {
      const isRight = isField(x) && isField(y) && Object.keys(others).length === 1
      const key = isRight ? importJwk({ kty, crv, x, y }) : undefined
      return key && ((message, signature) => cryptoVerify(hash, message, { key, dsaEncoding: 'ieee-p1363' }, signature))
    },
  }
}

/** RSA (RFC 7518 sections 3.3 and 3.5). The salt of PSS has the length of the hash. */
function rsa(hash: string, padding: number): Omit<Scheme, 'cose'> {
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST
  return {
    kty: 'RSA',
    importKey: (members) => {
      const jwk = readPublicJwk(members)
      const key = jwk && importJwk(jwk)
      return key && ((message, signature) => cryptoVerify(hash, message, { key, padding, saltLength }, signature))
    },
  }
}

/** Returns undefined if the point is not on the curve. */
function importJwk(jwk: object): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch {
    return undefined
  }
}
