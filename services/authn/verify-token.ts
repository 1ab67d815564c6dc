import { checkDpopProof, type DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { normalizeHtu } from '@auth4agent/core/dpop/htu'
import { checkTimes } from '@auth4agent/core/token/access-token'
import { checkBinding } from '@auth4agent/core/token/check-binding'
import { checkRequirements, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { parseScopeString } from '@auth4agent/core/token/scope'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { VerifyTokenRequest } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { AuthnDeps, AuthnSettings } from './config.ts'

/** The dependencies of verifyToken. */
export interface VerifyTokenDeps extends Pick<AuthnDeps, 'now' | 'genuineTokens' | 'replays'> {
  readonly settings: Pick<AuthnSettings, 'skewS'>
  readonly tokenStatus: Pick<AuthnDeps['tokenStatus'], 'check'>
}

/** Claims of a valid token, or the reason why the token is not valid. */
export type Verification =
  | { readonly valid: true; readonly claims: AccessTokenClaims }
  | { readonly valid: false; readonly reason: Verdict; readonly revoked: boolean }

const MAX_REQUIRED = 64

/**
 * Verifies a token online. The token is valid if it is genuine, within its lifetime and meets the requirements, if it
 * is bound exactly when the request has a DPoP proof of its key, and if no call that has returned has ended it.
 *
 * @throws ApiError INVALID_SCOPE, INVALID_AUDIENCE, INVALID_ARGUMENT for malformed requirements; UNAVAILABLE
 */
export async function verifyToken(deps: VerifyTokenDeps, request: VerifyTokenRequest): Promise<Verification> {
  const wanted = parseRequirements(request)
  const sent = parseProof(request)
  return verifyGenuine(
    deps,
    request.token,
    (claims) => checkRequirements(claims, wanted) ?? checkProof(deps, claims, request.token, sent),
  )
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
  const [agentEpoch, operatorEpoch] = claims.epoch
  const { jti, sub, operator_id: operatorId } = claims
  // Check revocations last, so that only a check of the clock comes between this check and the answer.
  const ended = await deps.tokenStatus.check({ jti, sub, operatorId, agentEpoch, operatorEpoch, kid: genuine.kid })
  if (ended !== undefined) return { valid: false, reason: ended, revoked: ended !== 'UNKNOWN_KEY' }
  // The token may have expired while the database answered.
  const expired = outOfTime()
  return expired === undefined ? { valid: true, claims } : invalid(expired)
}

function invalid(reason: Verdict): Verification {
  return { valid: false, reason, revoked: false }
}

/** The DPoP proof of the request that carried the token, and that request's method and URL. */
interface RequestProof {
  readonly text: string
  readonly method: string
  readonly url: string
}

function parseProof({
  dpopProof: text,
  httpMethod: method,
  httpUrl: url,
}: VerifyTokenRequest): RequestProof | undefined {
  if (text === '' && method === '' && url === '') return undefined
  if (text === '' || method === '' || url === '') {
    throw new ApiError('INVALID_ARGUMENT', 'dpop_proof, http_method and http_url must be given together')
  }
  if (normalizeHtu(url) === undefined)
    throw new ApiError('INVALID_ARGUMENT', 'http_url must be an absolute http(s) URL')
  return { text, method, url }
}

/** Checks whether a request with this proof, or without one, may use a token (RFC 9449 section 7.1). */
function checkProof(
  { now, settings, replays }: VerifyTokenDeps,
  claims: AccessTokenClaims,
  accessToken: string,
  sent: RequestProof | undefined,
): Verdict | undefined {
  if (sent === undefined) return checkBinding(claims, undefined)
  if (claims.cnf === undefined) return 'TOKEN_NOT_BOUND'
  const { text, method, url } = sent
  const rules = { method, url, nowS: Math.floor(now() / 1000), skewS: settings.skewS, accessToken }
  const proof = checkDpopProof(text, rules)
  if (!proof.ok) return 'PROOF_INVALID'
  return checkBinding(claims, proof) ?? (isFirstUse(replays, proof) ? undefined : 'PROOF_REPLAYED')
}

function isFirstUse(replays: VerifyTokenDeps['replays'], { id, expiresAtS }: DpopProof): boolean {
  try {
    return replays.use(id, expiresAtS)
  } catch (cause) {
    // Without room to remember the proof, a replay could not be detected.
    throw new ApiError('UNAVAILABLE', 'This process remembers too many DPoP proofs; try again', {
      cause,
      retryAfter: 1,
    })
  }
}

function parseRequirements({ audience, scope: text, operators }: VerifyTokenRequest): Requirements {
  const scope = text === undefined ? [] : parseScopeString(text)
  if (scope === undefined) throw new ApiError('INVALID_SCOPE')
  if (audience.length > MAX_REQUIRED || operators.length > MAX_REQUIRED) {
    throw new ApiError('INVALID_ARGUMENT', `audience and operators must have at most ${MAX_REQUIRED} entries each`)
  }
  // An empty text is probably a variable that the caller forgot to set. It must not mean that no scope is required.
  if (text === '') throw new ApiError('INVALID_SCOPE', 'scope must not be empty; leave it out to require no scope')
  if (audience.includes('')) throw new ApiError('INVALID_AUDIENCE', 'audience must not have an empty entry')
  if (operators.includes('')) throw new ApiError('INVALID_ARGUMENT', 'operators must not have an empty entry')
  return { audience, scope, operators }
}
