import { randomUUID } from 'node:crypto'
import { formatUuid } from '@auth4agent/core/encoding/uuid'
import type { ChallengeContent } from '@auth4agent/core/identity/challenge'
import { DEFAULT_TOKEN_ALGORITHM, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { IssueTokenRequest } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { Call } from '../chain/call.ts'
import { actorName } from '../ledger/ledger.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { AuthnDeps } from './config.ts'
import { agreeOnAlgorithm } from './domain/agree-on-algorithm.ts'
import { buildClaims } from './domain/build-claims.ts'
import { decideAudience } from './domain/decide-audience.ts'
import { decideIssue, type Redemption, type Subject } from './domain/decide-issue.ts'
import { isAuthentic, parseChallenge } from './domain/seal-challenge.ts'
import { parseRequestedTerms, type TokenTerms } from './domain/token-request.ts'
import { hasPassed } from './store.ts'

/** A new access token and its claims. */
export interface IssuedToken {
  readonly token: string
  readonly claims: AccessTokenClaims
}

/** Maximum number of attempts. Another attempt follows when the agent or operator changed before the redemption. */
const MAX_DECISIONS = 4
const REFUSALS = { used: 'CHALLENGE_USED', expired: 'CHALLENGE_EXPIRED', void: 'CHALLENGE_NOT_FOUND' } as const

/**
 * Redeems a signed challenge for a token. docs/protocol.md section 6 gives the order of the checks.
 *
 * @throws ApiError with the reason of the first check that fails; UNAVAILABLE when no key can sign, or when the agent
 *   or its operator changes during every attempt.
 */
export async function issueToken(deps: AuthnDeps, request: IssueTokenRequest, call: Call): Promise<IssuedToken> {
  const subjects = deps.subjects.of(request.did)
  const requested = parseRequestedTerms(request, deps.settings.ttlS)
  const { content, challengeId } = await openChallenge(deps, request)
  let subject = await subjects.get()
  // The database's clock decides. The query is not needed while the challenge is valid by this process's clock,
  // because the redeeming statement checks the expiry again.
  if (deps.now() >= content.exp * 1000 && (await hasPassed(deps.db, content.exp)))
    throw new ApiError('CHALLENGE_EXPIRED')

  const redemption = {
    challenge: request.challenge,
    nonce: request.nonce,
    content,
    signature: request.signature,
    requested,
  }
  for (let decisions = 1; decisions <= MAX_DECISIONS; decisions += 1) {
    const decided = await subjects.decide(subject, (fresh) => decide(deps, fresh, redemption))
    const issued = await redeemAndSign(deps, decided.subject, decided.value, content, challengeId, call)
    if (issued !== 'stale') return issued
    subject = await subjects.reload()
  }
  throw new ApiError('UNAVAILABLE', 'The agent or its operator changed during every attempt; try again', {
    retryAfter: 1,
  })
}

async function openChallenge(
  deps: AuthnDeps,
  request: IssueTokenRequest,
): Promise<{ content: ChallengeContent; challengeId: string }> {
  const sealed = parseChallenge(request.challenge, request.nonce)
  const key = sealed && (await deps.challengeKeys.find(sealed.content.kid))
  if (sealed === undefined || key === undefined || !isAuthentic(sealed, key.key))
    throw new ApiError('CHALLENGE_NOT_FOUND')
  const { content, nonce } = sealed
  if (content.did !== request.did || content.iss !== deps.issuer) throw new ApiError('CHALLENGE_NOT_FOUND')
  return { content, challengeId: formatUuid(nonce) }
}

/** Terms of a token and its signing algorithm. */
interface Decision {
  readonly terms: TokenTerms
  readonly alg: TokenAlgorithm
}

async function decide(deps: AuthnDeps, subject: Subject, redemption: Redemption): Promise<Decision> {
  const terms = decideIssue(subject, redemption, deps.termDefaults)
  const wanted: { audience: string; alg: TokenAlgorithm }[] = []
  for (const audience of terms.audience) {
    const alg =
      audience.text === deps.issuer
        ? DEFAULT_TOKEN_ALGORITHM
        : decideAudience(audience, await deps.operators.lookupAudienceOwner({ host: audience.host }), subject)
    wanted.push({ audience: audience.text, alg })
  }
  return { terms, alg: agreeOnAlgorithm(wanted) }
}

async function redeemAndSign(
  deps: AuthnDeps,
  subject: Subject,
  { terms, alg }: Decision,
  content: ChallengeContent,
  challengeId: string,
  call: Call,
): Promise<IssuedToken | 'stale'> {
  const jti = randomUUID()
  const nowS = Math.floor(deps.now() / 1000)
  const outcome = await deps.redeem({
    challengeId,
    challengeExp: content.exp,
    challengeKeyId: content.kid,
    agentId: subject.agent.id,
    agentVersion: subject.agent.version,
    operatorId: subject.operator.id,
    operatorVersion: subject.operator.version,
    publicKey: subject.agent.publicKey,
    jti,
    keepUntil: Math.max(content.exp, nowS + terms.ttl) + deps.settings.keepRedemptionS,
    alg,
    actor: actorName({ kind: 'agent', did: subject.agent.did }),
    requestId: call.requestId,
  })
  if (outcome.kind === 'stale') return 'stale'
  // The challenge's key was deleted, as when all tokens of the deployment end. The next challenge needs a new key.
  if (outcome.kind === 'void') await deps.challengeKeys.rotate()
  if (outcome.kind === 'keyless') {
    throw new ApiError('UNAVAILABLE', `No ${alg} key is active yet; try again later`, { retryAfter: 10 })
  }
  if (outcome.kind !== 'redeemed') throw new ApiError(REFUSALS[outcome.kind])
  const claims = buildClaims(deps.issuer, subject, terms, { jti, nowS, epoch: outcome.epoch })
  // Sign only after the redemption is committed. Signing may take long or fail, and meanwhile the same challenge must
  // not give a second token. When signing fails, the agent needs a new challenge.
  return { token: await deps.signer.sign(outcome.kid, claims), claims }
}
