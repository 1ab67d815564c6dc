import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Call } from '../calls/call.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { decideAudiences, meetDemand } from './audience-terms.ts'
import { checkDpop } from './check-dpop.ts'
import type { AuthnDeps, AuthnSettings } from './config.ts'
import type { Presented, ProvenKey } from './domain/agent-proof.ts'
import { buildClaims } from './domain/build-claims.ts'
import { type Attested, checkAttestation, joinEdges } from './domain/check-attestation.ts'
import { checkTokenSize, LONGEST_EPOCHS } from './domain/check-token-size.ts'
import type { StatusDemand } from './domain/decide-audience.ts'
import { decideIssue } from './domain/decide-issue.ts'
import type { RequestedTerms, TokenTerms } from './domain/token-request.ts'
import { longestStatus, placeInList } from './place-in-list.ts'
import { type Known, type RedeemDeps, redeemProof } from './redeem-proof.ts'

/** A new access token and its claims. */
export interface IssuedToken {
  readonly token: string
  readonly claims: AccessTokenClaims
}

/** The dependencies of issueToken. */
export interface IssueDeps extends RedeemDeps, Pick<AuthnDeps, 'issuer' | 'termDefaults' | 'statusPlaces' | 'signer'> {
  readonly settings: Pick<AuthnSettings, 'keepRedemptionS' | 'skewS'>
}

/** How an agent asks for a token: what it presents, and the terms that the request contains. */
export interface TokenOrder extends Presented {
  readonly requested: RequestedTerms
}

/**
 * Redeems the proof of an agent for a token. docs/protocol.md section 6 gives the order of the checks. With a DPoP
 * proof, the token is bound to its key (RFC 9449 section 5).
 *
 * @throws ApiError with the reason of the first check that fails; UNAVAILABLE when no key can sign, or when the agent,
 *   its operator or the owner of an audience changes during every attempt.
 */
export async function issueToken(deps: IssueDeps, order: TokenOrder, call: Call): Promise<IssuedToken> {
  const { subject, decision, jti, nowS, epoch, kid } = await redeemProof(deps, order, call, (known, at, id) =>
    decide(deps, known, order, call, { nowS: at, jti: id }),
  )
  const { terms, dpop, key, edges, attested, tokenStatus } = decision
  const built = buildClaims(deps.issuer, subject, terms, { jti, nowS, epoch, key, edges, attested, jkt: dpop?.jkt })
  const claims = await placeInList(deps, tokenStatus, built, { alg: decision.issue.alg, kid })
  // Sign only after the redemption is committed. Signing may take long or fail, and meanwhile the same proof must not
  // give a second token. When signing fails, the agent needs a new challenge or assertion.
  return { token: await deps.signer.sign(kid, claims, call.span), claims }
}

/**
 * Terms of a token, the edges with which it ends, what attestation makes of it, where its status is published, its
 * signing algorithm, the key that asked for it, and the DPoP proof to whose key it is bound.
 */
interface IssueDecision {
  readonly terms: TokenTerms
  readonly edges: readonly string[]
  readonly attested: Attested
  readonly tokenStatus: StatusDemand
  readonly key: ProvenKey
  readonly dpop: DpopProof | undefined
  readonly issue: { readonly purpose: 'access_token'; readonly alg: TokenAlgorithm; readonly ttl: number }
}

async function decide(
  deps: IssueDeps,
  { subject, owners }: Known,
  { proof, requested }: TokenOrder,
  call: Call,
  { nowS, jti }: { readonly nowS: number; readonly jti: string },
): Promise<IssueDecision> {
  const { terms: asked, key } = decideIssue(subject, proof, requested, deps.termDefaults, nowS)
  const attested = checkAttestation(subject.agent, { scopes: asked.scope, audiences: asked.audience }, key, deps.now())
  const terms = { ...asked, ttl: Math.min(asked.ttl, attested.ttl) }
  // Only an agent that has proved itself may cause this work: a proof with a new key takes up to a millisecond.
  const dpop = call.dpop && checkDpop(deps, call.dpop)
  const audiences = await decideAudiences(deps.issuer, owners, terms.audience, [subject.operator])
  const { alg, demand, tokenStatus, edges: callers } = audiences
  if (terms.mayAct !== undefined && dpop === undefined) {
    throw new ApiError('DPOP_PROOF_REQUIRED', 'may_act needs a DPoP proof, because only a bound token can be exchanged')
  }
  await meetDemand(deps, demand, dpop)
  const edges = joinEdges(callers, attested.edges)
  // Without attestation and status, no terms make a token too long.
  if (attested.edges.length > 0 || attested.results.length > 0 || tokenStatus !== '') {
    const longest = { jti, nowS, epoch: LONGEST_EPOCHS, key, edges, attested, jkt: dpop?.jkt }
    const draft = buildClaims(deps.issuer, subject, terms, longest)
    checkTokenSize(JSON.stringify({ ...draft, ...longestStatus(deps, tokenStatus) }))
  }
  return { terms, edges, attested, tokenStatus, key, dpop, issue: { purpose: 'access_token', alg, ttl: terms.ttl } }
}
