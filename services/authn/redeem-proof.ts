import { randomUUID } from 'node:crypto'
import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { Call } from '../calls/call.ts'
import { actorName } from '../ledger/ledger.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { AuthnDeps, AuthnSettings } from './config.ts'
import { type AgentProof, checkStatuses, type Presented, type ProvenKey, proveKey } from './domain/agent-proof.ts'
import type { Subject } from './domain/subject.ts'
import type { Owners, SeenOwner } from './known-owners.ts'
import { type ExchangeRecord, hasPassed, type RedeemInput, type RedeemOutcome, type UsedGrant } from './store.ts'
import type { Seen, SubjectOfRequest } from './subjects.ts'

/** The dependencies of redeemProof. */
export interface RedeemDeps
  extends Pick<
    AuthnDeps,
    | 'db'
    | 'now'
    | 'subjects'
    | 'owners'
    | 'agents'
    | 'limitFleet'
    | 'redeem'
    | 'durability'
    | 'challengeKeys'
    | 'timeline'
  > {
  readonly settings: Pick<AuthnSettings, 'keepRedemptionS'>
}

/** The part of a decision that the redemption needs. Without `issue`, it only authenticates the agent. */
export interface RedeemDecision {
  /** The key that has signed the proof. */
  readonly key: ProvenKey
  /** The key that signs the token or grant that the redemption is for, and its lifetime in seconds. */
  readonly issue?: { readonly purpose: RedeemInput['purpose']; readonly alg: TokenAlgorithm; readonly ttl: number }
  /** The DPoP proof of the request, which is redeemed too. */
  readonly dpop?: DpopProof | undefined
  /** What the audit says if a token is exchanged. */
  readonly exchange?: ExchangeRecord
  /** The grant of another issuer that is used with the redemption. */
  readonly grant?: UsedGrant
}

/** What a decision is made from. Parts of it may be remembered, so the redemption checks that they still hold. */
export interface Known {
  readonly subject: Subject
  readonly owners: Owners
}

/** A redeemed proof. */
export interface RedeemedProof<D extends RedeemDecision> {
  readonly subject: Subject
  readonly decision: D
  /** The id of the token or grant. */
  readonly jti: string
  /** Time of the redemption in Unix seconds. */
  readonly nowS: number
  readonly epoch: readonly [agent: number, operator: number]
  /** The key that signs the token or grant; empty if nothing is issued. */
  readonly kid: string
}

/** Maximum number of attempts. Another attempt follows when what was decided from changed before the redemption. */
const MAX_DECISIONS = 4

/**
 * Decides about an agent's proof at the time `nowS` (Unix seconds). `jti` will be the id of the token or grant.
 * Redeems the proof, and the DPoP proof of the decision, in one statement. A refusal of `decide` redeems nothing.
 *
 * Evidence is appraised before, once for all attempts, as soon as the agent has proved itself. Its results stay if the
 * redemption is refused.
 *
 * @throws ApiError with the reason of `decide` or of the proof; DPOP_PROOF_USED; RATE_LIMITED; NOT_DURABLE; and
 *   UNAVAILABLE when no key can sign, or when what the decision is made from changes during every attempt.
 */
export async function redeemProof<D extends RedeemDecision>(
  deps: RedeemDeps,
  { proof, evidence }: Presented,
  call: Call,
  decide: (from: Known, nowS: number, jti: string) => Promise<D>,
): Promise<RedeemedProof<D>> {
  const subjects = deps.subjects.of(proof.did, call)
  // Read it before the first look-up, because the redemption accepts only what was read on this timeline.
  let timeline = deps.timeline.current
  let seen = await subjects.get()
  // The database's clock decides. The query is not needed while the text is valid by this process's clock, because the
  // redeeming statement checks the expiry again.
  if (deps.now() >= proof.exp * 1000 && (await hasPassed(deps.db, proof.exp))) throw proof.refusals.expired()
  if (evidence !== undefined) seen = await submitEvidence(deps, subjects, seen, { proof, evidence }, call)
  for (let decisions = 1; decisions <= MAX_DECISIONS; decisions += 1) {
    // One reading of the clock, so that a key that has not expired gives a token that has not expired.
    const [jti, nowS] = [randomUUID(), Math.floor(deps.now() / 1000)]
    const { subject, value } = await subjects.decide(seen, (known) =>
      deps.owners.decide((owners) => decide({ subject: known, owners }, nowS, jti), decisions > 1, call),
    )
    const { value: decision, owners } = value
    // The agent has proved itself, so its wish to record the trace counts.
    call.span?.vouch()
    // For the same reason, nobody else can use up the tokens of its operator.
    if (decision.issue !== undefined && decisions === 1) deps.limitFleet(subject.operator.id)
    const outcome = await redeem(deps, { proof, subject, timeline, owners, decision, jti, nowS, call })
    if (outcome.kind === 'redeemed') {
      deps.durability.demand(outcome.isReplicated)
      return { subject, decision, jti, nowS, epoch: outcome.epoch, kid: outcome.kid }
    }
    if (outcome.kind !== 'stale') throw await refusalOf(deps, outcome.kind, proof, decision)
    timeline = deps.timeline.current
    seen = await subjects.reload()
  }
  throw new ApiError('UNAVAILABLE', 'What the decision was made from changed during every attempt; try again', {
    retryAfter: 1,
  })
}

/**
 * Has the evidence of an agent appraised, and returns the agent with its results. Only a proof of the agent may cause
 * this work.
 */
async function submitEvidence(
  { agents, now }: Pick<RedeemDeps, 'agents' | 'now'>,
  subjects: SubjectOfRequest,
  seen: Seen,
  { proof, evidence }: Presented,
  { requestId, span }: Call,
): Promise<Seen> {
  await subjects.decide(seen, async (subject) => {
    proveKey(subject, proof, Math.floor(now() / 1000))
    checkStatuses(subject)
  })
  const request = { did: proof.did, requestId, ...(evidence && { attestation: evidence }) }
  await agents.attestAgent(request, { requestId, span })
  return subjects.reload()
}

interface Attempt {
  readonly proof: AgentProof
  readonly subject: Subject
  readonly timeline: number
  readonly owners: readonly SeenOwner[]
  readonly decision: RedeemDecision
  readonly jti: string
  readonly nowS: number
  readonly call: Call
}

function redeem(
  deps: Pick<RedeemDeps, 'redeem' | 'settings'>,
  { proof, subject, timeline, owners, decision, jti, nowS, call }: Attempt,
): Promise<RedeemOutcome> {
  const { agent, operator } = subject
  const { issue, dpop, key, exchange, grant } = decision
  return deps.redeem({
    challengeId: proof.id,
    challengeExp: proof.exp,
    challengeKeyId: proof.challengeKeyId,
    agentId: agent.id,
    agentVersion: agent.version,
    operatorId: operator.id,
    operatorVersion: operator.version,
    timeline,
    owners,
    publicKey: agent.publicKey,
    addedKid: key.addedKid,
    jti,
    keepUntil: Math.max(proof.exp, nowS + (issue?.ttl ?? 0)) + deps.settings.keepRedemptionS,
    alg: issue?.alg ?? '',
    purpose: issue?.purpose ?? 'access_token',
    actor: actorName({ kind: 'agent', did: agent.did }),
    requestId: call.requestId,
    span: call.span,
    exchange,
    grant,
    dpopId: dpop?.id ?? '',
    dpopKeepUntil: dpop?.expiresAtS ?? 0,
  })
}

async function refusalOf(
  { challengeKeys }: Pick<RedeemDeps, 'challengeKeys'>,
  kind: Exclude<RedeemOutcome['kind'], 'redeemed' | 'stale'>,
  proof: AgentProof,
  { issue }: RedeemDecision,
): Promise<ApiError> {
  if (kind === 'grant-used') return new ApiError('GRANT_USED')
  if (kind === 'grant-expired') return new ApiError('GRANT_NOT_ACCEPTED', 'The grant must not have expired')
  if (kind === 'replayed') return new ApiError('DPOP_PROOF_USED')
  if (kind === 'keyless')
    return new ApiError('UNAVAILABLE', `No ${issue?.alg} key is active yet; try again later`, { retryAfter: 10 })
  // The challenge's key was deleted, as when all tokens of the deployment end. The next challenge needs a new key.
  if (kind === 'void') await challengeKeys.rotate()
  if (kind === 'key-expired') return proof.wrongKey('kid must name a key that has not expired')
  return proof.refusals[kind]()
}
