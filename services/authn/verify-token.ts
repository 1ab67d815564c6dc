import { isChain } from '@auth4agent/core/delegation/is-chain'
import { isDelegatedToken } from '@auth4agent/core/delegation/is-delegated'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { readJwsPayload } from '@auth4agent/core/jose/jws'
import { checkTimes } from '@auth4agent/core/token/access-token'
import { checkRequirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { tokenIdentity } from '@auth4agent/core/token/token-identity'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { VerifyTokenRequest } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { Span } from '../platform/trace/span.ts'
import type { ForeignDemands, ForeignVerification } from '../trust/index.ts'
import { type AuthorityVerification, type VerifyAuthorityDeps, verifyAuthority } from './chains/verify-authority.ts'
import { checkProof } from './check-proof.ts'
import type { AuthnDeps } from './config.ts'
import { parseVerifyRequest, type VerifyDemands } from './domain/verify-request.ts'

/** The dependencies of verifyToken. */
export interface VerifyTokenDeps
  extends VerifyAuthorityDeps,
    Pick<AuthnDeps, 'genuineTokens' | 'issuer' | 'verifyForeign' | 'chaining'> {
  readonly tokenStatus: Pick<AuthnDeps['tokenStatus'], 'check' | 'checkAll'>
}

/** Claims of a valid token, or the reason why the token is not valid. */
export type Verification =
  | { readonly valid: true; readonly claims: AccessTokenClaims }
  | { readonly valid: false; readonly reason: Verdict; readonly revoked: boolean }

/**
 * Verifies a token online. The token is valid if it is genuine, within its lifetime and meets the requirements, if it
 * is bound exactly when the request has a DPoP proof of its key, and if no call that has returned has ended it. The
 * text itself says whether it is an access token, a delegated token or a chain of grants. The token of a foreign
 * issuer is looked at only if the request names the issuer.
 *
 * @throws ApiError INVALID_SCOPE, INVALID_AUDIENCE, INVALID_ARGUMENT for malformed requirements; UNAVAILABLE
 */
export async function verifyToken(
  deps: VerifyTokenDeps,
  request: VerifyTokenRequest,
  span?: Span,
): Promise<Verification | AuthorityVerification | ForeignVerification> {
  const demands = parseVerifyRequest(request, deps.issuer)
  const { token } = request
  const issuer = demands.issuers === undefined ? deps.issuer : claimedIssuer(token, deps.issuer)
  if (demands.issuers !== undefined && !demands.issuers.includes(issuer)) return invalid('WRONG_ISSUER')
  if (issuer !== deps.issuer) return verifyAbroad(deps, token, { ...demands, issuer, span })
  // Without `delegation`, the reader of access tokens refuses a delegated token.
  const isDelegated = isChain(token) || (demands.delegation !== undefined && isDelegatedToken(token))
  if (isDelegated) return verifyAuthority(deps, token, demands)
  return verifyGenuine(
    deps,
    token,
    (claims) =>
      checkRequirements(claims, demands.wanted, Math.floor(deps.now() / 1000)) ??
      checkProof(deps, claims, token, demands.sent),
  )
}

/**
 * Returns the issuer that a token claims, which only chooses among the issuers that the request accepts. A chain of
 * grants, and a text that is no token, count as this deployment's: its reader then refuses what is wrong.
 */
function claimedIssuer(token: string, own: string): string {
  const iss = isChain(token) ? undefined : readPayload(token)?.['iss']
  return typeof iss === 'string' ? iss : own
}

function readPayload(token: string): JsonObject | undefined {
  const payload = readJwsPayload(token.split('.', 2)[1] ?? '')
  return payload.ok ? payload.value : undefined
}

async function verifyAbroad(
  deps: VerifyTokenDeps,
  token: string,
  { sent, ...demands }: Pick<VerifyDemands, 'wanted' | 'sent'> & Pick<ForeignDemands, 'issuer' | 'span'>,
): Promise<ForeignVerification> {
  return deps.verifyForeign(token, { ...demands, checkSender: (claims) => checkProof(deps, claims, token, sent) })
}

/**
 * Verifies a token online, with `check` in place of requirements and proof. `check` returns the verdict if the token
 * is not valid for this caller.
 *
 * @throws ApiError UNAVAILABLE, and the errors of `check`
 */
export async function verifyGenuine(
  deps: VerifyTokenDeps,
  token: string,
  check: (claims: AccessTokenClaims) => Verdict | undefined | Promise<Verdict | undefined>,
): Promise<Verification> {
  const genuine = await deps.genuineTokens(token)
  if ('verdict' in genuine) return invalid(genuine.verdict)
  const { claims } = genuine
  const outOfTime = () => checkTimes(claims, Math.floor(deps.now() / 1000), deps.settings.skewS)
  const refusal = outOfTime() ?? (await check(claims))
  if (refusal !== undefined) return invalid(refusal)
  // Check revocations last, so that only a check of the clock comes between this check and the answer.
  const ended =
    (await deps.tokenStatus.check(tokenIdentity(claims, genuine.kid))) ?? (await deps.chaining.checkHome(claims))
  if (ended !== undefined) return { valid: false, reason: ended, revoked: !NOT_REVOKED.has(ended) }
  // The token may have expired while the database answered.
  const expired = outOfTime()
  return expired === undefined ? { valid: true, claims } : invalid(expired)
}

/** The verdicts of the last checks on a token that no revocation has ended. */
const NOT_REVOKED: ReadonlySet<Verdict> = new Set<Verdict>([
  'UNKNOWN_KEY',
  'ISSUER_NOT_TRUSTED',
  'ISSUER_KEYS_UNAVAILABLE',
  'ISSUER_REVOCATIONS_STALE',
  'SUBJECT_OUTSIDE_NAMESPACE',
  'TOKEN_EXPIRED',
])

function invalid(reason: Verdict): Verification {
  return { valid: false, reason, revoked: false }
}
