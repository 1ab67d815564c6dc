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

/** The algorithms of each key type. The first is the default. */
const ALGORITHMS: Readonly<Record<PrivateJwk['kty'], readonly [TokenAlgorithm, ...TokenAlgorithm[]]>> = {
  OKP: ['EdDSA', 'Ed25519'],
  EC: ['ES256'],
  RSA: ['RS256'],
}

/**
 * Reads an unencrypted private key: PEM of PKCS #8, SEC 1 or PKCS #1 (RFC 7468, RFC 5958, RFC 5915, RFC 8017), or one
 * JWK as JSON text (RFC 7517). The caller must overwrite the secret after its use.
 *
 * @param alg the algorithm of the key; empty to use the `alg` of the JWK or the default of the key type
 * @param preferred the default if it fits the key type
 * @throws ApiError INVALID_ALGORITHM for an unknown `alg`, INVALID_SIGNING_KEY for a key that cannot be used. Neither
 * error quotes the text.
 */
export async function parseSigningKey(
  text: string,
  alg: string,
  preferred?: TokenAlgorithm,
): Promise<ParsedSigningKey> {
  if (alg !== '' && !isTokenAlgorithm(alg)) {
    throw new ApiError('INVALID_ALGORITHM', `alg must be one of ${TOKEN_ALGORITHMS.join(', ')}`)
  }
  const { key, alg: own } = readKey(text)
  const chosen = chooseAlgorithm(key.kty, { asked: alg, own, preferred })
  const pair = hasSoundNumbers(key) ? toKeyPair(chosen, key) : undefined
  if (pair !== undefined) return { ...pair, alg: chosen }
  throw invalidKey('The parts of the key do not belong together, or it has more than two primes; export the key again')
}

function readKey(text: string): { key: PrivateJwk; alg: TokenAlgorithm | undefined } {
  if (text.length > MAX_BYTES || Buffer.byteLength(text) > MAX_BYTES) {
    throw invalidKey(`The text must have at most ${MAX_BYTES} bytes; give a single private key`)
  }
  const trimmed = text.trim()
  if (trimmed === '') throw invalidKey('The text must not be empty; give a private key as PEM or as a JWK')
  if (!trimmed.startsWith('{')) return readPrivateJwk(readPemKey(trimmed))
  const json = parseStrictJson(Buffer.from(trimmed))
  if (json.ok) return readPrivateJwk(json.value)
  throw invalidKey(`The JWK must be an unambiguous JSON object (${json.why}); export the key again`)
}

interface Wishes {
  readonly asked: TokenAlgorithm | ''
  /** The `alg` of the JWK. */
  readonly own: TokenAlgorithm | undefined
  readonly preferred: TokenAlgorithm | undefined
}

function chooseAlgorithm(kty: PrivateJwk['kty'], { asked, own, preferred }: Wishes): TokenAlgorithm {
  if (asked !== '' && own !== undefined && asked !== own) {
    throw invalidKey('alg must be the same as the alg of the JWK; omit one of them')
  }
  const fitting: readonly TokenAlgorithm[] = ALGORITHMS[kty]
  const usual = preferred !== undefined && fitting.includes(preferred) ? preferred : ALGORITHMS[kty][0]
  const chosen = asked || (own ?? usual)
  if (fitting.includes(chosen)) return chosen
  throw invalidKey(
    'The alg must fit the key: EdDSA or Ed25519 for Ed25519 keys, ES256 for EC keys and RS256 for RSA keys',
  )
}

/**
 * Makes a key pair. Returns undefined when the halves of the key do not belong together. Hides errors of Node, because
 * they may quote the key.
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
 * Returns the public half that the JWK contains. It must be compared with the private half here, because Node ignores
 * it when it loads an Ed25519 key.
 */
function publicHalf(key: PrivateJwk): PublicJwk {
  if (key.kty === 'RSA') return { kty: key.kty, n: key.n, e: key.e }
  if (key.kty === 'EC') return { kty: key.kty, crv: key.crv, x: key.x, y: key.y }
  return { kty: key.kty, crv: key.crv, x: key.x }
}
