import { createHash, createPrivateKey, type JsonWebKey } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { jwkThumbprint, type PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { importSeed, type KeyPair } from '@auth4agent/core/keys/ed25519'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { exportTokenKey, openTokenKey, type PrivateTokenKey } from '../../../../services/platform/crypto/token-key.ts'

const PUBLIC_KEYS = 'All private keys in these files are public test keys: never use one for anything else.'

/** Returns the text for the `description` of a file: these sentences, then a warning about the private keys. */
export function describe(...sentences: readonly string[]): string {
  return [...sentences, PUBLIC_KEYS].join(' ')
}

/** The current time in all vectors, in Unix seconds: 2027-01-15T08:00:00Z. */
export const NOW_S = 1_800_000_000
export const ISSUER = 'https://auth.example.net'
export const DOMAIN = 'example.com'
export const OTHER_DOMAIN = 'example.org'
export const AUDIENCE = 'https://api.example.com'

/** Returns the SHA-256 of a label, which is the seed of a test key. */
export const seedOf = (label: string): Buffer =>
  createHash('sha256').update(`auth4agent test vector: ${label}`).digest()

/** Returns the Ed25519 key pair of a seed. */
function pairOf(seed: Uint8Array): KeyPair {
  const pair = importSeed(seed)
  if (pair === undefined) throw new RangeError('The seed must have 32 bytes')
  return pair
}

/** Seeds of RFC 8032 section 7.1, tests 1 to 3. */
const RFC_8032 = [
  '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
  'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
] as const

export const ROOT_KEY = pairOf(Buffer.from(RFC_8032[0], 'hex'))
export const AGENT_KEY = pairOf(Buffer.from(RFC_8032[1], 'hex'))
export const OTHER_ROOT_KEY = pairOf(Buffer.from(RFC_8032[2], 'hex'))
export const ADMIN_KEY = pairOf(seedOf('administrator'))
export const OTHER_AGENT_KEY = pairOf(seedOf('other agent'))

export const OPERATOR_ID = operatorId({
  issuer: ISSUER,
  domain: DOMAIN,
  thumbprint: thumbprint(ROOT_KEY.publicKey),
})
export const OTHER_OPERATOR_ID = operatorId({
  issuer: ISSUER,
  domain: OTHER_DOMAIN,
  thumbprint: thumbprint(OTHER_ROOT_KEY.publicKey),
})
export const DID = formatDid(DOMAIN, fingerprint(AGENT_KEY.publicKey))
export const OTHER_DID = formatDid(DOMAIN, fingerprint(OTHER_AGENT_KEY.publicKey))

/** A signing key of the server in the vectors. */
export interface VectorSigningKey {
  readonly alg: TokenAlgorithm
  readonly kid: string
  readonly publicJwk: PublicJwk
  readonly privateJwk: JsonWebKey
  readonly key: PrivateTokenKey
}

/** The P-256 key of RFC 7515 appendix A.3. */
const P256_JWK = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
}

/** The RSA key of RFC 7515 appendix A.2. */
const RSA_JWK = {
  kty: 'RSA',
  n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
  e: 'AQAB',
  d: 'Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ',
  p: '4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc',
  q: 'uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc',
  dp: 'BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0',
  dq: 'h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU',
  qi: 'IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U',
}

/** Returns the JWK of an Ed25519 key pair, with the private half (RFC 8037 section 2). */
function ed25519Jwk({ publicKey, seed }: KeyPair): JsonWebKey {
  return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey), d: encodeBase64url(seed) }
}

function signingKey(alg: TokenAlgorithm, privateJwk: JsonWebKey): VectorSigningKey {
  const secret = exportTokenKey(alg, createPrivateKey({ key: privateJwk, format: 'jwk' }))?.secret
  const key = secret && openTokenKey(alg, secret)
  if (key === undefined) throw new TypeError(`The JWK is not a private key that the server accepts for ${alg}`)
  return { alg, kid: jwkThumbprint(key.publicJwk), publicJwk: key.publicJwk, privateJwk, key }
}

/** A key that signs DPoP proofs, with its RFC 7638 thumbprint. */
export interface ProofKey {
  readonly jkt: string
  readonly jwk: Extract<PublicJwk, { kty: 'OKP' }>
  readonly pair: KeyPair
}

function proofKey(pair: KeyPair): ProofKey {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(pair.publicKey) } as const
  return { jkt: jwkThumbprint(jwk), jwk, pair }
}

/** The key that bound tokens are bound to. An agent may use a key of its own for this. */
export const DPOP_KEY = proofKey(pairOf(seedOf('DPoP key')))
export const OTHER_DPOP_KEY = proofKey(pairOf(seedOf('other DPoP key')))

/** The signing keys that the server publishes: one for each algorithm. */
export const SIGNING_KEYS = {
  EdDSA: signingKey('EdDSA', ed25519Jwk(pairOf(seedOf('signing key EdDSA')))),
  Ed25519: signingKey('Ed25519', ed25519Jwk(pairOf(seedOf('signing key Ed25519')))),
  ES256: signingKey('ES256', P256_JWK),
  RS256: signingKey('RS256', RSA_JWK),
} as const
/** A signing key that is not in the JWKS of the server. */
export const UNPUBLISHED_KEY = signingKey('EdDSA', ed25519Jwk(pairOf(seedOf('unpublished signing key'))))
