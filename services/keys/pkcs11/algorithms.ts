import { hash } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { toLowS } from '@auth4agent/core/keys/ecdsa-p256'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { CKA, CKK, CKM } from './constants.ts'

/** How a hardware token generates keys of an algorithm and signs with them. */
interface Mechanisms {
  readonly keyType: number
  readonly generate: number
  /** Attributes of the algorithm for the template of the public half. */
  readonly parameters: Readonly<Record<number, number | Buffer>>
  readonly sign: number
  /** The attributes of the public half, in the order of the values that `toPublicJwk` expects. */
  readonly publicAttributes: readonly number[]
  /** Returns undefined for values that are not a key of this algorithm. */
  readonly toPublicJwk: (values: readonly Buffer[]) => PublicJwk | undefined
  /** Converts the signing input to the data that the hardware token signs. */
  readonly prepare: (signingInput: Uint8Array) => Buffer
  /** Converts a raw signature to the canonical JOSE signature. */
  readonly finish: (signature: Uint8Array) => Uint8Array
}

const RSA_BYTES = 256
/** DER of id-Ed25519 (RFC 8410 section 3) and of secp256r1 (RFC 5480 section 2.1.1.1). */
const ED25519 = Buffer.from('06032b6570', 'hex')
const P256 = Buffer.from('06082a8648ce3d030107', 'hex')

const ed25519: Mechanisms = {
  keyType: CKK.EC_EDWARDS,
  generate: CKM.EC_EDWARDS_KEY_PAIR_GEN,
  parameters: { [CKA.EC_PARAMS]: ED25519 },
  sign: CKM.EDDSA,
  publicAttributes: [CKA.EC_POINT],
  toPublicJwk([point]) {
    const x = bareOf(point, 32)
    return x && { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(x) }
  },
  prepare: (signingInput) => Buffer.from(signingInput),
  finish: (signature) => signature,
}

/** The mechanisms of each JOSE algorithm (RFC 8037, RFC 9864, RFC 7518 sections 3.4 and 3.3). */
export const MECHANISMS: Readonly<Record<TokenAlgorithm, Mechanisms>> = {
  EdDSA: ed25519,
  Ed25519: ed25519,
  ES256: {
    keyType: CKK.EC,
    generate: CKM.EC_KEY_PAIR_GEN,
    parameters: { [CKA.EC_PARAMS]: P256 },
    sign: CKM.ECDSA,
    publicAttributes: [CKA.EC_POINT],
    toPublicJwk([point]) {
      const bare = bareOf(point, 65)
      if (bare?.[0] !== 4) return undefined
      const [x, y] = [bare.subarray(1, 33), bare.subarray(33)]
      return { kty: 'EC', crv: 'P-256', x: encodeBase64url(x), y: encodeBase64url(y) }
    },
    prepare: (signingInput) => hash('sha256', signingInput, 'buffer'),
    finish: toLowS,
  },
  RS256: {
    keyType: CKK.RSA,
    generate: CKM.RSA_PKCS_KEY_PAIR_GEN,
    parameters: { [CKA.MODULUS_BITS]: RSA_BYTES * 8, [CKA.PUBLIC_EXPONENT]: Buffer.from([1, 0, 1]) },
    sign: CKM.SHA256_RSA_PKCS,
    publicAttributes: [CKA.MODULUS, CKA.PUBLIC_EXPONENT],
    toPublicJwk([modulus, exponent]) {
      if (modulus?.length !== RSA_BYTES || exponent === undefined) return undefined
      return { kty: 'RSA', n: encodeBase64url(modulus), e: encodeBase64url(exponent) }
    },
    prepare: (signingInput) => Buffer.from(signingInput),
    finish: (signature) => signature,
  },
}

/**
 * Returns the bare point; undefined when the point has another length. The standard wraps the point in a DER OCTET
 * STRING, but some hardware tokens do not. The length shows whether the point is wrapped.
 */
function bareOf(point: Buffer | undefined, size: number): Buffer | undefined {
  if (point?.length === size) return point
  const isWrapped = point?.length === size + 2 && point[0] === 4 && point[1] === size
  return isWrapped ? point.subarray(2) : undefined
}
