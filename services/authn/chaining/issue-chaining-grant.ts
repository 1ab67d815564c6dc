import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { DEFAULT_TOKEN_ALGORITHM } from '@auth4agent/core/keys/token-algorithms'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { verdicts } from '@auth4agent/core/token/verdicts'
import type { Call } from '../../calls/call.ts'
import type { ChainingGrant } from '../../keys/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Authority } from '../../trust/index.ts'
import { type CheckDpopDeps, checkDpop } from '../check-dpop.ts'
import type { AuthnDeps } from '../config.ts'
import type { Presented, ProvenKey } from '../domain/agent-proof.ts'
import { checkAttestation } from '../domain/check-attestation.ts'
import type { Subject } from '../domain/subject.ts'
import { proveClient, resolveExchange } from '../exchange/domain/decide-exchange.ts'
import { refuseToken } from '../exchange/domain/refuse-token.ts'
import { checkTokenTimes, type OpenSubjectDeps, openAccessToken } from '../exchange/open-subject.ts'
import { type RedeemDeps, redeemProof } from '../redeem-proof.ts'
import type { ChainingRequest } from './domain/chaining-request.ts'
import { describeChaining } from './domain/describe-chaining.ts'

/** Lifetime of a grant for another deployment, in seconds. */
const GRANT_TTL_S = 60

/** The dependencies of issueChainingGrant. */
interface ChainingGrantDeps
  extends RedeemDeps,
    CheckDpopDeps,
    OpenSubjectDeps,
    Pick<AuthnDeps, 'issuer' | 'chaining' | 'chainingSigners'> {
  readonly settings: RedeemDeps['settings'] & CheckDpopDeps['settings']
  readonly tokenStatus: Pick<AuthnDeps['tokenStatus'], 'checkAll'>
}

/** How an agent asks for a grant for another deployment. */
export interface ChainingOrder extends Presented {
  readonly requested: ChainingRequest
}

/** A new grant for another deployment, and its claims. */
export interface IssuedChainingGrant {
  readonly text: string
  readonly grant: ChainingGrant
}

/**
 * Issues a grant with which an agent asks another deployment for a token. docs/protocol.md section 6 gives the order
 * of the checks.
 *
 * @throws ApiError with the reason of the first check that fails; UNAVAILABLE when no key can sign, or when the client
 *   or its operator changes during every attempt.
 */
export async function issueChainingGrant(
  deps: ChainingGrantDeps,
  order: ChainingOrder,
  call: Call,
): Promise<IssuedChainingGrant> {
  const { requested } = order
  const { subject, decision, jti, nowS, kid } = await redeemProof(deps, order, call, (known, at) =>
    decide(deps, known.subject, order, call, at),
  )
  const { agent, operator } = subject
  const { token, tokenKid, jkt, authority, key } = decision
  const end = Math.min(token.exp, key.exp, Math.floor(authority.exp))
  const grant: ChainingGrant = {
    iss: deps.issuer,
    sub: agent.did,
    aud: requested.issuer,
    client_id: agent.did,
    operator_id: operator.id,
    // Those of the subject token, so that whatever has ended it ends the grant too.
    epoch: token.epoch,
    resource: requested.resource,
    scope: authority.scopes.join(' '),
    cnf: { jkt },
    jti,
    iat: nowS,
    exp: Math.min(nowS + GRANT_TTL_S, end),
    token: { jti: token.jti, exp: end, kid: tokenKid },
    edge: authority.edge,
  }
  // As for every token, sign only after the redemption is committed.
  return { text: await deps.chainingSigners[requested.type].sign(kid, grant, call.span), grant }
}

async function decide(
  deps: ChainingGrantDeps,
  client: Subject,
  { proof, requested }: ChainingOrder,
  call: Call,
  nowS: number,
) {
  const { key, jkt } = proveClient(client, proof, nowS)
  const dpop = checkPossession(deps, call, jkt)
  const { scope } = resolveExchange(client, proof, requested)
  const { claims: token, identity, lookups } = await openAccessToken(deps, requested.subject.text, 'subject_token')
  checkOwn(client, token)
  checkTokenTimes(deps, token, 'subject_token', nowS)
  const held = token.scope.split(' ')
  const excess = scope.filter((each) => !held.includes(each))
  if (excess.length > 0) {
    throw new ApiError('SCOPE_NOT_ALLOWED', `subject_token must allow the scope "${excess.join(' ')}"`)
  }
  checkAttested(deps, client, requested, scope, key)
  const authority = await findAuthority(deps, client, requested, scope)
  const ended = await deps.tokenStatus.checkAll(lookups.map((lookup) => lookup.token))
  if (ended !== undefined) throw refuseToken(ended.verdict, 'subject_token', verdicts[ended.verdict])
  const issue = { purpose: 'access_token', alg: DEFAULT_TOKEN_ALGORITHM, ttl: GRANT_TTL_S } as const
  const exchange = describeChaining(client, requested, token.jti, authority)
  return { key, jkt, dpop, token, tokenKid: identity.kid, authority, issue, exchange }
}

/** A DPoP proof is not needed: the client has proved the key already to which the grant is bound. */
function checkPossession(deps: CheckDpopDeps, { dpop: sent }: Call, jkt: string): DpopProof | undefined {
  const dpop = sent && checkDpop(deps, sent)
  if (dpop === undefined || dpop.jkt === jkt) return dpop
  throw new ApiError('INVALID_DPOP_PROOF', 'The DPoP proof must be by the key that signed the client assertion')
}

/** A grant is for the first deployment after the agent's own, and never hands on the authority of another agent. */
function checkOwn({ agent, operator }: Subject, { sub, operator_id, edges }: AccessTokenClaims): void {
  if (sub !== agent.did || operator_id !== operator.id) {
    throw new ApiError('INVALID_SUBJECT_TOKEN', 'subject_token must be an access token of the client')
  }
  // The grant does not name them, so it would not end with them.
  if (edges !== undefined) {
    throw new ApiError('INVALID_SUBJECT_TOKEN', 'subject_token must not have edges')
  }
}

/** The grant names no edges, so it would not end with a rule or a result of attestation. */
function checkAttested(
  { now }: Pick<AuthnDeps, 'now'>,
  { agent }: Subject,
  { audience }: ChainingRequest,
  scopes: readonly string[],
  key: ProvenKey,
): void {
  const { edges } = checkAttestation(agent, { scopes, audiences: audience }, key, now())
  if (edges.length === 0) return
  const detail = 'A grant for another deployment cannot end with an enrolment rule or with results, as is demanded'
  throw new ApiError('ATTESTATION_REQUIRED', detail)
}

/** Returns what the agent may have at the other deployment, in the words of its operator's statement. */
async function findAuthority(
  { chaining }: Pick<AuthnDeps, 'chaining'>,
  { operator }: Subject,
  { issuer, resource }: ChainingRequest,
  scopes: readonly string[],
): Promise<Authority> {
  const authority = await chaining.findAuthority({ operatorId: operator.id, issuer, resource, scopes })
  if ('scopes' in authority) return authority
  if (authority.refused === 'ended') throw new ApiError('TRUST_ENDED')
  if (authority.refused === 'scope') {
    throw new ApiError('SCOPE_NOT_ALLOWED', `The chains-to statement for ${issuer} must map every scope`)
  }
  if (authority.refused === 'resource') {
    throw new ApiError('AUDIENCE_NOT_ALLOWED', `The chains-to statement for ${issuer} must name ${resource}`)
  }
  throw new ApiError('AUDIENCE_NOT_ALLOWED', `The agent's operator must sign a chains-to statement for ${issuer}`)
}
