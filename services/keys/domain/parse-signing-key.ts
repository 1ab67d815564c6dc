import { createPrivateKey } from 'node:crypto'
import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { jwkThumbprint, type PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { isTokenAlgorithm, TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { exportTokenKey, type TokenKeyPair } from '../../platform/crypto/token-key.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type PrivateJwk, readPrivateJwk } from './parse-signing-key-jwk.ts'
import { hasSoundNumbers } from './parse-signing-key-numbers.ts'
import { readPemKey } from './parse-signing-key-pem.ts'
import { invalidKey } from './parse-signing-key-refusal.ts'

/** A private key and its algorithm. */
export interface ParsedSigningKey extends TokenKeyPair {
  readonly alg: TokenAlgorithm
}

const MAX_BYTES = 16 * 1024

/** The algorithms of each key type, the default first. */
const ALGORITHMS: Readonly<Record<PrivateJwk['kty'], readonly [TokenAlgorithm, ...TokenAlgorithm[]]>> = {
  OKP: ['EdDSA', 'Ed25519'],
  EC: ['ES256'],
  RSA: ['RS256'],
}

/**
 * Reads an unencrypted private key: PEM of PKCS #8, SEC 1 or PKCS #1 (RFC 7468, RFC 5958, RFC 5915, RFC 8017), or one
 * JWK as JSON text (RFC 7517). The caller overwrites the secret.
 *
 * @param alg the algorithm of the key; empty to use the `alg` of the JWK or the default of the key type
 * @throws ApiError INVALID_ALGORITHM for an unknown `alg`, INVALID_SIGNING_KEY for a key that cannot be used. Neither
 * error quotes the text.
 */
export async function parseSigningKey(text: string, alg: string): Promise<ParsedSigningKey> {
  if (alg !== '' && !isTokenAlgorithm(alg)) {
    throw new ApiError('INVALID_ALGORITHM', `alg must be one of ${TOKEN_ALGORITHMS.join(', ')}`)
  }
  const { key, alg: own } = readKey(text)
  const chosen = chooseAlgorithm(key.kty, alg, own)
  const pair = hasSoundNumbers(key) ? toKeyPair(chosen, key) : undefined
  if (pair !== undefined) return { ...pair, alg: chosen }
  throw invalidKey('The parts of the key do not belong together, or it has more than two primes; export the key again')
}

function readKey(text: string): { key: PrivateJwk; alg: TokenAlgorithm | undefined } {
  if (text.length > MAX_BYTES || Buffer.byteLength(text) > MAX_BYTES) {
    throw invalidKey(`The text has more than ${MAX_BYTES} bytes; give a single private key`)
  }
  const trimmed = text.trim()
  if (trimmed === '') throw invalidKey('The text is empty; give a private key as PEM or as a JWK')
  if (!trimmed.startsWith('{')) return readPrivateJwk(readPemKey(trimmed))
  const json = parseStrictJson(Buffer.from(trimmed))
  if (json.ok) return readPrivateJwk(json.value)
  throw invalidKey(`The JWK is not an unambiguous JSON object (${json.why}); export the key again`)
}

function chooseAlgorithm(kty: PrivateJwk['kty'], asked: TokenAlgorithm | '', own?: TokenAlgorithm): TokenAlgorithm {
  if (asked !== '' && own !== undefined && asked !== own) {
    throw invalidKey('alg differs from the alg of the JWK; omit one of them')
  }
  const [usual, ...others] = ALGORITHMS[kty]
  const chosen = asked || (own ?? usual)
  if (chosen === usual || others.includes(chosen)) return chosen
  throw invalidKey(
    'The key cannot be used with this alg: Ed25519 keys need EdDSA or Ed25519, EC keys ES256 and RSA keys RS256',
  )
}

/**
 * Returns undefined when the halves of a key do not belong together. Hides errors of Node, because they may quote the
 * key.
 */
function toKeyPair(alg: TokenAlgorithm, key: PrivateJwk): TokenKeyPair | undefined {
  try {
    const pair = exportTokenKey(alg, createPrivateKey({ key: { ...key }, format: 'jwk' }))
    if (pair === undefined || jwkThumbprint(pair.publicJwk) === jwkThumbprint(publicHalf(key))) return pair
    pair.secret.fill(0)
    return undefined
  } catch {
    return undefined
  }
}

/**
 * Returns the public half that the JWK claims. Node ignores it when it loads an Ed25519 key, so it is compared here.
 */
function publicHalf(key: PrivateJwk): PublicJwk {
  if (key.kty === 'RSA') return { kty: key.kty, n: key.n, e: key.e }
  if (key.kty === 'EC') return { kty: key.kty, crv: key.crv, x: key.x, y: key.y }
  return { kty: key.kty, crv: key.crv, x: key.x }
}
