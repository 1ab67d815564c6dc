import type { JsonObject } from '../encoding/strict-json.ts'
import { jwkThumbprint, type PublicJwk, readPublicJwk } from '../jose/public-jwk.ts'
import { importP256, verifyP256AnyS } from '../keys/ecdsa-p256.ts'
import { createTokenCache } from '../token/token-cache.ts'
import { importTokenVerifier } from '../token/token-verifier.ts'

/** The public key in the header of a DPoP proof, bound to the algorithm of the proof. */
interface ProofKey {
  /** RFC 7638 thumbprint. */
  readonly jkt: string
  /** Verifies the signature over the signing input. Remembers the key if the signature is valid. */
  verify(signingInput: Uint8Array, signature: Uint8Array): boolean
}

type Verify = ProofKey['verify']

/** Algorithms of DPoP proofs, and the kind of key that each needs. */
const KEY_TYPES: Readonly<Record<string, PublicJwk['kty']>> = { EdDSA: 'OKP', Ed25519: 'OKP', ES256: 'EC' }
/** Private members of a JWK (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1, RFC 8037 section 2). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
/** Keys that have signed a valid proof, by thumbprint. To import a key takes up to a millisecond. */
const known = createTokenCache<Verify>(10_000)

/**
 * Reads the `jwk` of a DPoP proof (RFC 9449 section 4.2). It may have other public members, such as `use` or `kid`,
 * but no private ones (section 4.3). Remembers the keys of valid proofs.
 *
 * @returns undefined if the algorithm signs no proofs or cannot use the key, or if the key is not on its curve.
 * @example
 * ```ts
 * import { readProofKey } from '@auth4agent/core/dpop/proof-key'
 *
 * const key = readProofKey('ES256', jwk)
 * const isValid = key?.verify(signingInput, signature) ?? false
 * ```
 */
export function readProofKey(alg: string, jwk: JsonObject): ProofKey | undefined {
  const publicJwk = readPublicMembers(jwk)
  if (publicJwk === undefined || publicJwk.kty !== KEY_TYPES[alg]) return undefined
  const jkt = jwkThumbprint(publicJwk)
  const before = known.get(jkt)
  if (before !== undefined) return { jkt, verify: before }
  const verify = importVerify(publicJwk)
  return verify && { jkt, verify: rememberIfValid(jkt, verify) }
}

function readPublicMembers(jwk: JsonObject): PublicJwk | undefined {
  if (PRIVATE.some((name) => Object.hasOwn(jwk, name))) return undefined
  const { kty, crv, x, y } = jwk
  return readPublicJwk(kty === 'OKP' ? { kty, crv, x } : { kty, crv, x, y })
}

function importVerify(jwk: PublicJwk): Verify | undefined {
  if (jwk.kty === 'OKP') return importTokenVerifier('EdDSA', jwk)?.verify
  const key = importP256(jwk)
  // Other programs sign with the higher S half of the time. A proof with the other S has the same jti.
  return key && ((signingInput, signature) => verifyP256AnyS(key, signingInput, signature))
}

/** Only the owner of a key can sign with it, so invented keys cannot push known ones out of the cache. */
function rememberIfValid(jkt: string, verify: Verify): Verify {
  return (signingInput, signature) => {
    const isValid = verify(signingInput, signature)
    if (isValid) known.set(jkt, verify)
    return isValid
  }
}
