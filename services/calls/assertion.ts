import { readProofKey } from '@auth4agent/core/dpop/proof-key'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import {
  ADMIN_ASSERTION_TYPE,
  MAX_ASSERTION_LIFETIME_S,
  OPERATOR_ASSERTION_TYPE,
} from '@auth4agent/core/identity/assertion'
import type { OperatorJwk } from '@auth4agent/core/identity/operator-manifest'
import { ED25519_ALGORITHMS, type ParsedJws, parseCompactJws } from '@auth4agent/core/jose/jws'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { isJti } from '@auth4agent/core/token/claims'
import { PASSKEY_ALGORITHM } from '@auth4agent/core/webauthn/passkey-proof'
import { verifyPasskey } from '@auth4agent/core/webauthn/verify-passkey'
import { ApiError } from '../platform/errors/api-error.ts'
import { assertionDemand } from './assertion-demands.ts'
import { checkBodyDigest } from './body-digest.ts'
import type { UsedAssertion } from './call.ts'
import { type CallTimesFault, readCallTimes } from './call-times.ts'
import type { OperatorKey } from './operator-keys.ts'
import type { RequestBody } from './request-body.ts'

const MAX_ASSERTION_BYTES = 4096
/** Algorithms of assertions. An ES256 key is always an operational key of an operator. */
const ALGORITHMS = [...ED25519_ALGORITHMS, 'ES256', PASSKEY_ALGORITHM]

/** The values that an assertion must match. */
export interface AssertionRules {
  readonly issuer: string
  /** Unix seconds. */
  readonly nowS: number
  readonly skewS: number
  /** The name of the call, which the claim `rpc` of an assertion must equal. */
  readonly rpc: string
  /**
   * Whether the assertion must contain `rpc`, as for calls that change something. If it contains `rpc`, the value must
   * always match.
   */
  readonly mustNameRpc: boolean
  /** The body of the request. If the assertion contains the digest `body`, it must be of these bytes. */
  readonly body: RequestBody | undefined
}

/** A well-formed assertion. Its content is not verified yet: `checkAssertion` does that. */
export interface ParsedAssertion {
  /** The assertion as sent. */
  readonly text: string
  readonly jws: ParsedJws
  readonly iss: string
  readonly typ: string
}

/**
 * Reads the assertion of an Authorization header (RFC 6750 section 2.1).
 * @throws ApiError INVALID_ASSERTION
 */
export function parseAssertion(authorization: string): ParsedAssertion {
  const text = /^bearer ([\x21-\x7e]+)$/i.exec(authorization)?.[1]
  if (text === undefined)
    throw new ApiError('INVALID_ASSERTION', 'The Authorization header must be `Bearer <assertion>`')
  const typs = [OPERATOR_ASSERTION_TYPE, ADMIN_ASSERTION_TYPE]
  const rules = { maxBytes: MAX_ASSERTION_BYTES, algs: ALGORITHMS, typs }
  const jws = parseCompactJws(text, rules)
  if (!jws.ok) throw new ApiError('INVALID_ASSERTION', assertionDemand(jws, rules))
  const { iss, sub } = jws.payload
  if (typeof iss !== 'string' || iss !== sub)
    throw new ApiError('INVALID_ASSERTION', 'iss and sub must be the same text')
  return { text, jws, iss, typ: jws.header.typ }
}

/** A key that may have signed an assertion. */
type AsserterKey = Pick<OperatorKey, 'jwk' | 'webauthn'>

/**
 * Checks an assertion with the public key of its issuer: kid, signature, audience, times, the call that it names, and
 * the body whose digest it contains. An assertion of a passkey must always name the call and contain the digest. The
 * caller checks its nonce.
 * @param publicKey raw Ed25519 public key, or a key of the operator
 * @throws ApiError INVALID_ASSERTION, ASSERTION_EXPIRED, BODY_DIGEST_REQUIRED or BODY_DIGEST_MISMATCH
 */
export function checkAssertion(
  { jws }: ParsedAssertion,
  publicKey: Uint8Array | AsserterKey,
  rules: AssertionRules,
): UsedAssertion {
  const key = publicKey instanceof Uint8Array ? { jwk: ed25519Jwk(publicKey) } : publicKey
  const isPasskey = key.webauthn !== undefined
  checkSignature(jws, key, rules)
  const { aud, iat, exp, nbf, jti, rpc, body } = jws.payload
  if (aud !== rules.issuer) throw new ApiError('INVALID_ASSERTION', `aud must be exactly ${rules.issuer}`)
  const expiresAt = readCallTimes({ iat, exp, nbf }, { ...rules, maxLifetimeS: MAX_ASSERTION_LIFETIME_S })
  if (typeof expiresAt === 'string') throw TIMES[expiresAt]()
  if (typeof jti !== 'string' || !isJti(jti))
    throw new ApiError('INVALID_ASSERTION', 'jti must be 1 to 64 visible ASCII characters')
  if ((rules.mustNameRpc || isPasskey || rpc !== undefined) && rpc !== rules.rpc)
    throw new ApiError('INVALID_ASSERTION', `rpc must be exactly ${rules.rpc}`)
  if (isPasskey && body === undefined) throw new ApiError('BODY_DIGEST_REQUIRED', PASSKEY_DIGEST)
  checkBodyDigest(body, rules.body)
  return { jti, expiresAt }
}

function ed25519Jwk(rawKey: Uint8Array): OperatorJwk {
  return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(rawKey) }
}

const PASSKEY_DIGEST = 'The assertion of a passkey must contain the claim body: the SHA-256 of the request body'

function checkSignature(jws: ParsedJws, { jwk, webauthn }: AsserterKey, { issuer }: AssertionRules): void {
  const { header, signingInput, signature } = jws
  if (header.kid !== jwkThumbprint(jwk)) {
    throw new ApiError('INVALID_ASSERTION', 'kid must be the thumbprint of the registered public key')
  }
  if (webauthn !== undefined) {
    const problem = verifyPasskey(jws, { jwk, webauthn }, issuer)
    if (problem !== undefined) throw new ApiError('INVALID_ASSERTION', problem)
    return
  }
  const algs = jwk.kty === 'EC' ? ['ES256'] : ED25519_ALGORITHMS
  if (!algs.includes(header.alg)) {
    const sentence = `The header of the assertion must have the alg ${algs.join(' or ')} for this key`
    throw new ApiError('INVALID_ASSERTION', sentence)
  }
  if (readProofKey(header.alg, { ...jwk })?.verify(signingInput, signature) !== true) {
    throw new ApiError('INVALID_ASSERTION', 'The signature does not match the registered public key')
  }
}

/** How each fault of the times is refused. */
const TIMES: Readonly<Record<CallTimesFault, () => ApiError>> = {
  form: () => new ApiError('INVALID_ASSERTION', 'iat, exp and nbf must be whole Unix seconds'),
  lifetime: () => new ApiError('INVALID_ASSERTION', `exp must be 1 to ${MAX_ASSERTION_LIFETIME_S} seconds after iat`),
  early: () => new ApiError('INVALID_ASSERTION', 'The assertion is not valid yet: nbf or iat is in the future'),
  expired: () => new ApiError('ASSERTION_EXPIRED'),
}
