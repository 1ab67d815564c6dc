/**
 * Reasons why a token is not valid, with a sentence for each. A successful answer of VerifyToken has the reason in
 * its field `reason`.
 *
 * @example
 * ```ts
 * import { verdicts } from '@auth4agent/core/token/verdicts'
 *
 * console.log(verdicts.TOKEN_EXPIRED) // 'The token has expired'
 * ```
 */
export const verdicts = {
  MALFORMED_TOKEN: 'The text is not an access token in canonical form',
  UNSUPPORTED_ALGORITHM: 'The algorithm of the token is not supported or is not the algorithm of its key',
  UNKNOWN_KEY: 'The issuer does not publish the key of the token, or has ended it',
  SIGNATURE_INVALID: 'The signature of the token is not valid',
  WRONG_ISSUER: 'Another issuer issued the token',
  TOKEN_EXPIRED: 'The token has expired',
  TOKEN_NOT_YET_VALID: 'The token is not valid yet',
  AUDIENCE_MISMATCH: 'The token is for another audience',
  SCOPE_MISSING: 'The token lacks a required scope',
  OPERATOR_NOT_TRUSTED: 'The operator of the token is not one of the required operators',
  ATTESTATION_REQUIRED: 'The token does not state a required result of attestation',
  PROOF_REQUIRED: 'The token is bound to a key, but the request has no DPoP proof of that key',
  PROOF_INVALID: 'The DPoP proof is not valid for this request and token',
  PROOF_REPLAYED: 'The DPoP proof has already been used',
  TOKEN_NOT_BOUND: 'The token is not bound to a key, as the request or the verifier demands',
  TOKEN_REVOKED: 'The token has been revoked',
  AGENT_TOKENS_ENDED: 'The token was ended together with all other tokens of its agent',
  OPERATOR_TOKENS_ENDED: 'The token was ended together with all other tokens of its operator',
  DELEGATION_NOT_ACCEPTED: 'The token is used for another agent, but the verifier does not accept delegated authority',
  ACTOR_NOT_TRUSTED:
    'An agent in the delegation is not of one of the required operators, or the owner of the audience does not list it',
  ISSUER_NOT_TRUSTED: 'The issuer of the token is not one of the trusted issuers',
  ISSUER_DISABLED:
    'The token was ended together with the trust in another issuer; if the issuer is trusted again, get a new token',
  ISSUER_KEYS_UNAVAILABLE: 'The public keys of the other issuer are missing or too old',
  ISSUER_REVOCATIONS_STALE: 'The knowledge of revocations by the other issuer is missing or too old',
  SUBJECT_OUTSIDE_NAMESPACE: 'The issuer of the token does not speak for the domain of its subject',
  TRUST_NOT_FOUND: 'No path of trust leads from the owner of the audience to the operator of the token',
  TRUST_ENDED: 'The token was ended together with the trust that had allowed it',
  STATUS_MISSING: 'The token has no place in a status list, where the verifier must look it up',
  LIFETIME_TOO_LONG: 'The lifetime of the token or grant is too long',
} as const

/** A stable code that says why a token is not valid. */
export type Verdict = keyof typeof verdicts

/** Verdicts that may change: the same token may be valid later. */
const TEMPORARY: ReadonlySet<Verdict> = new Set(['ISSUER_KEYS_UNAVAILABLE', 'ISSUER_REVOCATIONS_STALE'])

/**
 * Tells whether a verdict is temporary: the token cannot be judged now, and may be valid later.
 *
 * @example
 * ```ts
 * import { isTemporaryVerdict } from '@auth4agent/core/token/verdicts'
 *
 * isTemporaryVerdict('ISSUER_REVOCATIONS_STALE') // true
 * ```
 */
export function isTemporaryVerdict(verdict: Verdict): boolean {
  return TEMPORARY.has(verdict)
}
