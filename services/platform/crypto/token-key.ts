import {
  createPrivateKey,
  createPublicKey,
  sign as cryptoSign,
  verify as cryptoVerify,
  generateKeyPair,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { signP256 } from '@auth4agent/core/keys/ecdsa-p256'
import { importSigningKey } from '@auth4agent/core/keys/ed25519'
import { signRsa } from '@auth4agent/core/keys/rsa-pkcs1'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'

/** The private half of a signing key. It may be in this process or in a hardware token. */
export interface PrivateTokenKey {
  readonly publicJwk: PublicJwk
  /** Returns the canonical JWS signature of the signing input (RFC 7518 section 3, RFC 8037 section 3.1). */
  sign(signingInput: Uint8Array): Promise<Uint8Array>
}

/** A signing key with its private half, which must be sealed and then overwritten. */
export interface TokenKeyPair {
  readonly publicJwk: PublicJwk
  /** Ed25519: the 32-byte seed (RFC 8032 section 5.1.5). Others: PKCS#8, DER (RFC 5958). */
  readonly secret: Uint8Array<ArrayBuffer>
}

/** The differences between kinds of keys. */
interface KeyKind {
  /** The constant start of the PKCS#8 form of such a key. The secret omits it. */
  readonly prefix: Buffer
  readonly hash: 'sha256' | null
  generate(): Promise<{ privateKey: KeyObject }>
  /** Returns the sign function of a key. The key is given twice: loaded, and as its secret. */
  signer(privateKey: KeyObject, secret: Uint8Array): Sign | undefined
}

type Sign = (signingInput: Uint8Array) => Uint8Array | Promise<Uint8Array>

const generateAside = promisify(generateKeyPair)
const RSA_OPTIONS = { modulusLength: 2048, publicExponent: 65_537 }
const PROBE = Buffer.from('auth4agent-key-probe')
const NO_PREFIX = Buffer.alloc(0)

const ED25519: KeyKind = {
  prefix: Buffer.from('302e020100300506032b657004220420', 'hex'),
  hash: null,
  generate: () => generateAside('ed25519'),
  signer: (_privateKey, seed) => importSigningKey(seed)?.sign,
}
const P256: KeyKind = {
  prefix: NO_PREFIX,
  hash: 'sha256',
  generate: () => generateAside('ec', { namedCurve: 'P-256' }),
  signer: (privateKey) => (signingInput) => signP256(privateKey, signingInput),
}
const RSA: KeyKind = {
  prefix: NO_PREFIX,
  hash: 'sha256',
  generate: () => generateAside('rsa', RSA_OPTIONS),
  signer: (privateKey) => (signingInput) => signRsa(privateKey, signingInput),
}
const KINDS: Readonly<Record<TokenAlgorithm, KeyKind>> = { EdDSA: ED25519, Ed25519: ED25519, ES256: P256, RS256: RSA }

/** Generates a new key on another thread, because an RSA key takes tens to hundreds of milliseconds. */
export async function generateTokenKey(alg: TokenAlgorithm): Promise<TokenKeyPair> {
  const { privateKey } = await KINDS[alg].generate()
  const pair = exportTokenKey(alg, privateKey)
  if (pair === undefined) throw new Error(`The new ${alg} key cannot be opened`)
  return pair
}

/** Exports both halves of a loaded private key. Returns undefined if {@link openTokenKey} would not open it. */
export function exportTokenKey(alg: TokenAlgorithm, privateKey: KeyObject): TokenKeyPair | undefined {
  const { prefix } = KINDS[alg]
  const der = privateKey.export({ format: 'der', type: 'pkcs8' })
  const secret = Uint8Array.from(der.subarray(prefix.length))
  // The prefix must be checked, because an X25519 key without its prefix has the form of an Ed25519 seed.
  const isOfKind = prefix.equals(der.subarray(0, prefix.length))
  der.fill(0)
  const key = isOfKind ? openTokenKey(alg, secret) : undefined
  if (key !== undefined) return { publicJwk: key.publicJwk, secret }
  secret.fill(0)
  return undefined
}

/**
 * Loads a private key from its secret (see {@link TokenKeyPair}). Does not change the secret and does not need it
 * afterwards, so the caller can overwrite it. Costs one signature and one verification.
 *
 * @returns undefined if the bytes are not exactly one key in canonical form, if the algorithm does not allow its kind
 * or size (see {@link importTokenVerifier}), or if the public half does not belong to it
 */
export function openTokenKey(alg: TokenAlgorithm, secret: Uint8Array): PrivateTokenKey | undefined {
  const kind = KINDS[alg]
  const der = Buffer.concat([kind.prefix, secret])
  try {
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const publicKey = createPublicKey(privateKey)
    const publicJwk = importTokenVerifier(alg, publicKey.export({ format: 'jwk' }))?.jwk
    if (publicJwk === undefined || !isWholeForm(privateKey, der) || !isPair(privateKey, publicKey, kind.hash))
      return undefined
    const sign = kind.signer(privateKey, secret)
    return sign && { publicJwk, sign: async (signingInput) => sign(signingInput) }
  } catch {
    return undefined
  } finally {
    der.fill(0)
  }
}

/** Checks that the bytes are exactly the canonical form of the key, because Node ignores bytes after the key. */
function isWholeForm(privateKey: KeyObject, der: Buffer): boolean {
  const again = privateKey.export({ format: 'der', type: 'pkcs8' })
  const isSame = again.equals(der)
  again.fill(0)
  return isSame
}

/** Checks that both halves belong together, because Node trusts the public half in PKCS#8. */
function isPair(privateKey: KeyObject, publicKey: KeyObject, hash: KeyKind['hash']): boolean {
  return cryptoVerify(hash, PROBE, publicKey, cryptoSign(hash, PROBE, privateKey))
}
