import { decodeBase64url } from '../encoding/base64.ts'
import { sha256Text } from '../encoding/sha256.ts'
import { isJsonObject } from '../encoding/strict-json.ts'
import { isP256Point } from '../keys/p256-point.ts'

/** The members of a public key that its thumbprint covers (RFC 7638 section 3.2, RFC 8037 section 2). */
export type PublicJwk =
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }

/** A public Ed25519 key (RFC 8037 section 2). */
export type Ed25519Jwk = Extract<PublicJwk, { readonly kty: 'OKP' }>
/** A public key of P-256 (RFC 7518 section 6.2). */
export type P256Jwk = Extract<PublicJwk, { readonly kty: 'EC' }>

const FIELD_BYTES = 32
/** 65537, the only accepted exponent. */
const RSA_EXPONENT = 'AQAB'
const SMALLEST_MODULUS_BYTES = 256
const LARGEST_MODULUS_BYTES = 512

/**
 * Reads a public JWK strictly. It accepts only the members of {@link PublicJwk}, each in canonical base64url (RFC 7518
 * section 6). A coordinate has exactly 32 bytes, and a point of P-256 is on the curve; an RSA modulus is odd and has
 * 2048 to 4096 bits; the exponent is 65537. Returns undefined for anything else. Whether the point of an Ed25519 key
 * may be registered is decided by `admitPublicKey`, which takes a thousand times as long.
 *
 * @example
 * ```ts
 * import { readPublicJwk } from '@auth4agent/core/jose/public-jwk'
 *
 * const jwk = readPublicJwk({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' })
 * ```
 */
export function readPublicJwk(value: unknown): PublicJwk | undefined {
  if (!isJsonObject(value)) return undefined
  const { kty, crv, x, y, n, e } = value
  const members = Object.keys(value).length
  if (kty === 'OKP' && crv === 'Ed25519' && isField(x) && members === 3) return { kty, crv, x }
  if (kty === 'EC' && crv === 'P-256' && isField(x) && isField(y) && members === 4)
    return isP256Point(x, y) ? { kty, crv, x, y } : undefined
  if (kty === 'RSA' && isModulus(n) && e === RSA_EXPONENT && members === 3) return { kty, n, e }
  return undefined
}

/**
 * Computes the RFC 7638 thumbprint of a key (SHA-256, base64url, 43 characters). It is the `kid` of every signing key.
 *
 * @example
 * ```ts
 * import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
 *
 * jwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' })
 * // 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
 * ```
 */
export function jwkThumbprint(jwk: PublicJwk): string {
  return sha256Text(JSON.stringify(inOrder(jwk)), 'base64url')
}

/** Sorts the members by name, as the thumbprint's hash demands. */
function inOrder(jwk: PublicJwk): object {
  const { kty } = jwk
  if (kty === 'RSA') return { e: jwk.e, kty, n: jwk.n }
  return kty === 'EC' ? { crv: jwk.crv, kty, x: jwk.x, y: jwk.y } : { crv: jwk.crv, kty, x: jwk.x }
}

function isField(value: unknown): value is string {
  return typeof value === 'string' && decodeBase64url(value)?.length === FIELD_BYTES
}

function isModulus(value: unknown): value is string {
  const bytes = typeof value === 'string' ? decodeBase64url(value) : undefined
  const [first = 0, last = 0] = [bytes?.at(0), bytes?.at(-1)]
  const size = bytes?.length ?? 0
  const isLargeEnough = size > SMALLEST_MODULUS_BYTES ? first > 0 : size === SMALLEST_MODULUS_BYTES && first >= 0x80
  return isLargeEnough && size <= LARGEST_MODULUS_BYTES && last % 2 === 1
}
