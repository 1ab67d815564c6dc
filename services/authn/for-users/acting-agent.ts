import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { parseAudience } from '@auth4agent/core/token/audience'
import type { Call } from '../../calls/call.ts'
import { agentDocument, type KnownConsent, type Standing } from '../../people/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { decideAudiences } from '../audience-terms.ts'
import { checkPossession } from '../check-possession.ts'
import type { AuthnDeps } from '../config.ts'
import type { AgentProof, ProvenKey } from '../domain/agent-proof.ts'
import { type Attested, checkAttestation, joinEdges } from '../domain/check-attestation.ts'
import type { ClientAuthentication } from '../domain/oauth-request.ts'
import type { Subject } from '../domain/subject.ts'
import { proveClient } from '../exchange/domain/decide-exchange.ts'
import { type AssertionDeps, openAssertion } from '../oauth/open-assertion.ts'
import { type RedeemDeps, redeemProof } from '../redeem-proof.ts'

/** The dependencies of authenticateAgent. */
export interface AgentDeps extends AssertionDeps, RedeemDeps, Pick<AuthnDeps, 'sawEndpointAudience'> {
  readonly settings: AssertionDeps['settings'] & RedeemDeps['settings']
}

/** An agent that has proved itself, and with which key. */
export interface ActingAgent {
  readonly subject: Subject
  readonly key: ProvenKey
  /** By the same key. It must still be used. */
  readonly dpop: DpopProof
}

/** What an agent wants to do for a user. */
interface Wanted {
  readonly audience: string
  readonly scopes: readonly string[]
}

/**
 * Authenticates an agent that acts for a user, as for every token: by an assertion that is used up here, and by a DPoP
 * proof of the same key, to which the token is bound.
 *
 * @throws ApiError as openAssertion does; AGENT_NOT_FOUND, INVALID_SIGNATURE, AGENT_NOT_ACTIVE,
 *   AGENT_OPERATOR_NOT_ACTIVE, DPOP_PROOF_REQUIRED, INVALID_DPOP_PROOF, BINDING_MISMATCH, BINDING_REQUIRED,
 *   ASSERTION_USED, UNAVAILABLE
 */
export async function authenticateAgent(
  deps: AgentDeps,
  client: ClientAuthentication,
  wanted: Wanted,
  call: Call,
): Promise<ActingAgent> {
  const { proof, namesEndpoint } = openAssertion(deps, client)
  const { subject, decision } = await redeemProof(deps, { proof }, call, async ({ subject: agent }, nowS) => {
    const { key, jkt } = proveClient(agent, proof, nowS)
    const possession = checkPossession(deps, call, jkt, 'A token for a user')
    checkCovered(agent, proof, wanted)
    return { key, possession }
  })
  if (namesEndpoint) deps.sawEndpointAudience(proof.did)
  return { subject, key: decision.key, dpop: decision.possession }
}

/** Compares terms in the assertion with those of the token. The operator can demand that the assertion has them. */
function checkCovered({ agent, operator }: Subject, proof: AgentProof, { audience, scopes }: Wanted): void {
  const { scope, aud, may_act: mayAct, details, subject_token: subjectToken } = proof.covered
  if (isOther(aud, [audience]) || isOther(scope?.split(' '), scopes)) {
    throw new ApiError('BINDING_MISMATCH', 'scope and resource in the client assertion must be those of the token')
  }
  if (mayAct !== undefined || details !== undefined || subjectToken !== undefined) {
    const detail = 'The client assertion must not contain may_act, details and subject_token here'
    throw new ApiError('BINDING_MISMATCH', detail)
  }
  if ((agent.requireBoundChallenges || operator.requireBoundChallenges) && !proof.isFullyBound) {
    throw proof.refusals.unbound()
  }
}

function isOther(covered: readonly string[] | undefined, given: readonly string[]): boolean {
  return covered !== undefined && covered.toSorted().join(' ') !== given.toSorted().join(' ')
}

/** What the authority of an agent makes of a token for a user. */
export interface AgentTerms extends Attested {
  /** Those of the scopes that the agent may use. */
  readonly scopes: readonly string[]
}

/** The dependencies of decideAgent. */
type DecideDeps = Pick<AuthnDeps, 'now' | 'issuer' | 'owners'>

/**
 * Decides which of the consented scopes an agent may use: only those of its own grant, as its enrolment rule and the
 * requirements of its operator allow, and only at an audience whose owner lets the agents of its operator call.
 *
 * The agent has proved itself before the standing was read. So its proof counts only if neither the agent nor its
 * operator has changed since.
 *
 * @throws ApiError CLIENT_NOT_ACCEPTED, CONSENT_REQUIRED, SCOPE_NOT_ALLOWED, AUDIENCE_NOT_ALLOWED,
 *   ATTESTATION_REQUIRED, UNAVAILABLE
 */
export async function decideAgent(
  deps: DecideDeps,
  { subject, key }: ActingAgent,
  standing: Standing,
  { clientId, clientDigest, audience: text }: KnownConsent,
  consented: readonly string[],
  call: Call,
): Promise<AgentTerms> {
  const { agent, operator } = subject
  if (agentDocument(clientId, standing.agent).digest !== clientDigest) {
    throw new ApiError(
      'CONSENT_REQUIRED',
      'The agent has changed since the user consented; the user must sign in again',
    )
  }
  if (!isOfSubject(standing, subject)) {
    throw new ApiError('UNAVAILABLE', 'The agent or its operator has changed; try again', { retryAfter: 1 })
  }
  const scopes = consented.filter((scope) => agent.allowedScopes.includes(scope))
  if (scopes.length === 0) {
    throw new ApiError('SCOPE_NOT_ALLOWED', `The agent's grant must include one of "${consented.join(' ')}"`)
  }
  const audience = parseAudience(text)
  if (audience === undefined) throw new Error('A consent has no audience')
  const attested = checkAttestation(agent, { scopes, audiences: [audience] }, key, deps.now())
  // The look-up comes after the standing. So if it finds another version of the owner, the mark is not current.
  const decided = await deps.owners.decide(
    (owners) => decideAudiences(deps.issuer, owners, [audience], [operator]),
    true,
    call,
  )
  return { ...attested, scopes, edges: joinEdges(decided.value.edges, attested.edges) }
}

function isOfSubject({ agent: now }: Standing, { agent, operator }: Subject): boolean {
  const isSameAgent = now?.id === agent.id && now.version === agent.version
  return isSameAgent && now.operatorId === operator.id && now.operatorVersion === operator.version
}
