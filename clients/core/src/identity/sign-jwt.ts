import { encodeBase64url } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/utf8.ts'
import { type JwsSigner, signerJwk } from '../jose/signer-jwk.ts'

const JTI_BYTES = 16
const SIGNATURE_BYTES = 64

/**
 * Signs a JWT in compact serialisation (RFC 7515 section 7.1) with the signer's algorithm. Leaves out members that are
 * undefined. Runs on every platform.
 *
 * @throws RangeError if the public key does not fit the algorithm, or if the signature does not have 64 bytes.
 * @example
 * ```ts
 * import { newJti, signJwt } from '@auth4agent/core/identity/sign-jwt'
 *
 * const jwt = await signJwt(signer, { typ: 'dpop+jwt', jwk }, { jti: newJti(), htm: 'GET', htu, iat })
 * ```
 */
export async function signJwt(signer: JwsSigner, header: object, claims: object): Promise<string> {
  // Throws for a public key of the wrong form. Its signature could not be verified.
  signerJwk(signer)
  return signJws(signer, { alg: signer.alg ?? 'EdDSA', ...header }, claims)
}

/**
 * Signs a JWS in compact serialisation over JSON with any algorithm whose signatures have 64 bytes: Ed25519 or ES256.
 * The header must have `alg`. Leaves out members that are undefined. Runs on every platform.
 *
 * @throws RangeError if the signature does not have 64 bytes.
 * @example
 * ```ts
 * import { signJws } from '@auth4agent/core/identity/sign-jwt'
 *
 * const jws = await signJws({ sign: (message) => keyStore.sign('p256', message) }, { alg: 'ES256', typ, kid }, claims)
 * ```
 */
export async function signJws(signer: Pick<JwsSigner, 'sign'>, header: object, claims: object): Promise<string> {
  return signJwsText(signer, header, JSON.stringify(claims))
}

/**
 * Signs a JWS as {@link signJws} does, over a payload whose text the caller has written.
 *
 * @throws RangeError if the signature does not have 64 bytes.
 * @example
 * ```ts
 * import { signJwsText } from '@auth4agent/core/identity/sign-jwt'
 *
 * const jws = await signJwsText(signer, { alg: 'Ed25519', typ }, canonicalJson(claims))
 * ```
 */
export async function signJwsText(signer: Pick<JwsSigner, 'sign'>, header: object, payload: string): Promise<string> {
  const signingInput = `${encodeText(JSON.stringify(header))}.${encodeText(payload)}`
  const signature = await signer.sign(encodeUtf8(signingInput))
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError(`A signature must have ${SIGNATURE_BYTES} bytes`)
  return `${signingInput}.${encodeBase64url(signature)}`
}

/**
 * Returns a new id for a JWT (`jti`, RFC 7519 section 4.1.7): 128 random bits in 22 characters.
 *
 * @example
 * ```ts
 * import { newJti } from '@auth4agent/core/identity/sign-jwt'
 *
 * const jti = newJti()
 * ```
 */
export function newJti(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(JTI_BYTES)))
}

function encodeText(text: string): string {
  return encodeBase64url(encodeUtf8(text))
}
