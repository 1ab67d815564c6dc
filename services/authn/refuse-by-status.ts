import type { GrantReason } from '@auth4agent/core/delegation/refusal'
import { DPOP_ALGORITHMS } from '@auth4agent/core/dpop/dpop-proof'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { Message } from '@bufbuild/protobuf'
import { AuthnService, type VerifyTokenResponse } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { methodName } from '../calls/method-name.ts'
import type { StatusRefusal, StatusRefusals } from '../platform/errors/status-refusal.ts'

const INVALID_TOKEN: StatusRefusal = { status: 401, headers: challengeOf('invalid_token') }
/** Errors of RFC 9449 section 7.1, for a token that is bound to a key. */
const NOT_AS_BEARER: StatusRefusal = { status: 401, headers: dpopChallengeOf('invalid_token') }
const INVALID_PROOF: StatusRefusal = { status: 401, headers: dpopChallengeOf('invalid_dpop_proof') }
const INSUFFICIENT_SCOPE: StatusRefusal = { status: 403, headers: challengeOf('insufficient_scope') }
/** No error of RFC 6750 or RFC 9470 fits better: the client may call again with another token. */
const NOT_ATTESTED: StatusRefusal = {
  status: 403,
  headers: challengeOf('insufficient_scope', 'The token must state the required result of attestation'),
}
/** The server cannot decide about the token now. */
const UNDECIDED: StatusRefusal = { status: 503, headers: { 'retry-after': '1' } }
const NOT_ENOUGH: StatusRefusal = { status: 403, headers: dpopChallengeOf('insufficient_scope') }

/**
 * Maps a verdict to an error of RFC 6750 section 3.1 or RFC 9449 section 7.1. A token for another audience is
 * invalid_token and not insufficient_scope (RFC 9068 section 4).
 */
const REFUSALS = {
  MALFORMED_TOKEN: INVALID_TOKEN,
  UNSUPPORTED_ALGORITHM: INVALID_TOKEN,
  UNKNOWN_KEY: INVALID_TOKEN,
  SIGNATURE_INVALID: INVALID_TOKEN,
  WRONG_ISSUER: INVALID_TOKEN,
  TOKEN_EXPIRED: INVALID_TOKEN,
  TOKEN_NOT_YET_VALID: INVALID_TOKEN,
  AUDIENCE_MISMATCH: INVALID_TOKEN,
  SCOPE_MISSING: INSUFFICIENT_SCOPE,
  OPERATOR_NOT_TRUSTED: INVALID_TOKEN,
  ATTESTATION_REQUIRED: NOT_ATTESTED,
  PROOF_REQUIRED: NOT_AS_BEARER,
  PROOF_INVALID: INVALID_PROOF,
  PROOF_REPLAYED: INVALID_PROOF,
  TOKEN_NOT_BOUND: INVALID_TOKEN,
  TOKEN_REVOKED: INVALID_TOKEN,
  AGENT_TOKENS_ENDED: INVALID_TOKEN,
  OPERATOR_TOKENS_ENDED: INVALID_TOKEN,
  DELEGATION_NOT_ACCEPTED: INVALID_TOKEN,
  ACTOR_NOT_TRUSTED: INVALID_TOKEN,
  ISSUER_NOT_TRUSTED: INVALID_TOKEN,
  ISSUER_DISABLED: INVALID_TOKEN,
  ISSUER_KEYS_UNAVAILABLE: UNDECIDED,
  ISSUER_REVOCATIONS_STALE: UNDECIDED,
  SUBJECT_OUTSIDE_NAMESPACE: INVALID_TOKEN,
  TRUST_NOT_FOUND: INVALID_TOKEN,
  TRUST_ENDED: INVALID_TOKEN,
  STATUS_MISSING: INVALID_TOKEN,
  LIFETIME_TOO_LONG: INVALID_TOKEN,
} as const satisfies Record<Verdict, StatusRefusal>

/** A chain of grants is bound to a key, so it is used with the scheme DPoP. Its other reasons are invalid_token. */
const CHAIN_REFUSALS = {
  CAPABILITY_MISSING: NOT_ENOUGH,
  ARGUMENT_REFUSED: NOT_ENOUGH,
  ARGUMENTS_NEEDED: NOT_ENOUGH,
} as const satisfies Partial<Record<GrantReason, StatusRefusal>>

const byReason: ReadonlyMap<string, StatusRefusal> = new Map(Object.entries({ ...REFUSALS, ...CHAIN_REFUSALS }))

/** Returns how a token is refused for a reason. */
export function refusalOf(reason: string): StatusRefusal {
  // A process of a newer version may answer with a verdict that this process does not know.
  return byReason.get(reason) ?? INVALID_TOKEN
}

/** How VerifyToken refuses a token by status code, for callers that read only the status (a proxy's subrequest). */
export const statusRefusals: StatusRefusals = {
  [methodName(AuthnService.method.verifyToken)]: (output: Message) => {
    const { valid, reason } = output as VerifyTokenResponse
    if (valid) return undefined
    return refusalOf(reason)
  },
}

function challengeOf(error: string, description = ''): StatusRefusal['headers'] {
  const text = description === '' ? '' : `, error_description="${description}"`
  return { 'www-authenticate': `Bearer realm="auth4agent", error="${error}"${text}` }
}

function dpopChallengeOf(error: string): StatusRefusal['headers'] {
  return { 'www-authenticate': `DPoP realm="auth4agent", error="${error}", algs="${DPOP_ALGORITHMS.join(' ')}"` }
}
