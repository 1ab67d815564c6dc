import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { admitPublicKey } from '@auth4agent/core/keys/ed25519'
import type { PrivateJwk, RsaPrivateJwk } from './parse-signing-key-jwk.ts'
import { invalidKey } from './parse-signing-key-refusal.ts'

/** Order of the base point of P-256 (NIST SP 800-186 section 3.2.1.3). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const RSA_BITS = { min: 2048, max: 4096 }
const RSA_EXPONENT = 65537n

/**
 * Returns whether the numbers of a key are right. It checks only the numbers that a test signature does not check.
 * @throws ApiError INVALID_SIGNING_KEY for an RSA key of another size or exponent
 */
export function hasSoundNumbers(key: PrivateJwk): boolean {
  if (key.kty === 'OKP') return admitPublicKey(bytesOf(key.x)).ok
  // A d above the order makes the same signatures as its remainder, so a test signature does not detect it.
  if (key.kty === 'EC') return numberOf(key.d) < P256_ORDER
  checkRsaSize(key)
  return isSoundRsa(key)
}

function checkRsaSize({ n, e }: RsaPrivateJwk): void {
  const bits = numberOf(n).toString(2).length
  if (bits < RSA_BITS.min || bits > RSA_BITS.max)
    throw invalidKey(`The RSA key must have ${RSA_BITS.min} to ${RSA_BITS.max} bits, not ${bits}`)
  if (numberOf(e) !== RSA_EXPONENT) {
    throw invalidKey(`The public exponent of the RSA key must be ${RSA_EXPONENT}`)
  }
}

/**
 * Checks the numbers of RFC 8017 section 3.2 except d, which a test signature checks. When one of the other numbers is
 * wrong, OpenSSL signs with the remaining numbers, so a test signature does not detect the mistake.
 */
function isSoundRsa(key: RsaPrivateJwk): boolean {
  const [d, p, q] = [numberOf(key.d), numberOf(key.p), numberOf(key.q)]
  if (p === 1n || q === 1n || p * q !== numberOf(key.n)) return false
  const areExponents = d % (p - 1n) === numberOf(key.dp) && d % (q - 1n) === numberOf(key.dq)
  return areExponents && (numberOf(key.qi) * q) % p === 1n
}

function numberOf(member: string): bigint {
  return BigInt(`0x${Buffer.from(bytesOf(member)).toString('hex')}`)
}

function bytesOf(member: string): Uint8Array {
  return decodeBase64url(member) ?? new Uint8Array()
}
