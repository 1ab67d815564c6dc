import { type DelegatedClaims, formatDelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
import { verdicts } from '@auth4agent/core/token/verdicts'
import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { decideAudiences, meetDemand } from '../audience-terms.ts'
import { callersOf } from '../chains/check-callers.ts'
import { checkPossession } from '../check-possession.ts'
import type { AuthnDeps } from '../config.ts'
import type { Presented } from '../domain/agent-proof.ts'
import { checkAttestation, joinEdges } from '../domain/check-attestation.ts'
import { LONGEST_EPOCHS } from '../domain/check-token-size.ts'
import { splitCapability } from '../domain/split-capability.ts'
import type { Subject } from '../domain/subject.ts'
import type { IssueDeps } from '../issue-token.ts'
import { longestStatus, placeInList } from '../place-in-list.ts'
import { type Known, redeemProof } from '../redeem-proof.ts'
import { buildDelegatedClaims, checkDraft } from './domain/build-delegated-claims.ts'
import { checkLimits, type ExchangeTerms, proveClient, resolveExchange } from './domain/decide-exchange.ts'
import { describeExchange } from './domain/describe-exchange.ts'
import type { ExchangeRequest } from './domain/exchange-request.ts'
import { placeOf, refuseToken } from './domain/refuse-token.ts'
import {
  checkTokenTimes,
  type ExchangeSubject,
  type OpenSubjectDeps,
  openAccessToken,
  openSubject,
  type SubjectLookup,
} from './open-subject.ts'

/** A new delegated token and its claims. */
export interface ExchangedToken {
  readonly token: string
  readonly claims: DelegatedClaims
}

/** The dependencies of exchangeToken. */
interface ExchangeDeps extends IssueDeps, OpenSubjectDeps {
  readonly settings: IssueDeps['settings'] & OpenSubjectDeps['settings']
  readonly tokenStatus: Pick<AuthnDeps['tokenStatus'], 'checkAll'>
}

/** How a client asks for an exchange: what it presents, and the request. */
export interface ExchangeOrder extends Presented {
  readonly requested: ExchangeRequest
}

/**
 * Exchanges a chain of grants, or an access token with `may_act`, for a token with which the client acts for the first
 * party (RFC 8693). docs/protocol.md section 6 gives the order of the checks.
 *
 * The state of the subject token is checked before the redemption. If a party ends between the check and the
 * redemption, every later check refuses the token, because it has the epochs, ids and keys of all parties.
 *
 * @throws ApiError with the reason of the first check that fails; UNAVAILABLE when no key can sign, or when the
 *   client, its operator or the owner of an audience changes during every attempt.
 */
export async function exchangeToken(deps: ExchangeDeps, order: ExchangeOrder, call: Call): Promise<ExchangedToken> {
  const { subject, decision, jti, nowS, epoch, kid } = await redeemProof(deps, order, call, (known, at, id) =>
    decide(deps, known, order, call, { nowS: at, jti: id }),
  )
  const { held, terms, exp, dpop, edges, results, tokenStatus } = decision
  const exchanged = { jti, nowS, exp, client: clientOf(subject), epoch, edges, jkt: dpop.jkt, results }
  const built = buildDelegatedClaims(deps.issuer, held, terms, exchanged)
  const claims = await placeInList(deps, tokenStatus, built, { alg: decision.issue.alg, kid })
  // As for every token, sign only after the redemption is committed.
  return { token: await deps.signer.sign(kid, formatDelegatedClaims(claims), call.span), claims }
}

async function decide(
  deps: ExchangeDeps,
  { subject: client, owners }: Known,
  { proof, requested }: ExchangeOrder,
  call: Call,
  { nowS, jti }: { readonly nowS: number; readonly jti: string },
) {
  const { key, jkt } = proveClient(client, proof, nowS)
  const dpop = checkPossession(deps, call, jkt, 'An exchange')
  const terms = resolveExchange(client, proof, requested)
  const parties = clientOf(client)
  const held = await openSubject(deps, requested.subject, parties, nowS)
  if (held.jkt !== undefined && held.jkt !== jkt) {
    throw new ApiError('INVALID_DPOP_PROOF', `The DPoP proof must be by the key of the last grant, ${held.jkt}`)
  }
  const actorLookups = await openActor(deps, requested.actorToken, parties.did, nowS)
  checkLimits(terms, held.limits)
  const attested = checkAttestation(client.agent, wantedOf(terms), key, deps.now())
  const { results } = attested
  const audiences = await decideAudiences(
    deps.issuer,
    owners,
    terms.audience,
    callersOf(held.lineageOf({ ...parties, epoch: LONGEST_EPOCHS })),
  )
  const { alg, demand, tokenStatus, edges: callers } = audiences
  await meetDemand(deps, demand, dpop)
  const ttl = Math.min(deps.termDefaults.ttl, attested.ttl)
  const exp = Math.min(nowS + ttl, held.exp, key.exp, attested.notAfterS)
  const edges = joinEdges(held.edges, callers, attested.edges)
  const exchanged = { jti, nowS, exp, client: parties, epoch: LONGEST_EPOCHS, edges, jkt, results }
  const draft = buildDelegatedClaims(deps.issuer, held, terms, exchanged)
  checkDraft({ ...draft, ...longestStatus(deps, tokenStatus) })
  await checkState(deps, held, actorLookups)
  const issue = { purpose: 'access_token', alg, ttl } as const
  const exchange = describeExchange(draft.lineage, terms)
  return { key, held, terms, exp, dpop, edges, results, tokenStatus, issue, exchange }
}

async function openActor(
  deps: OpenSubjectDeps,
  text: string | undefined,
  did: string,
  nowS: number,
): Promise<readonly SubjectLookup[]> {
  if (text === undefined) return []
  const { claims, lookups } = await openAccessToken(deps, text, 'actor_token')
  if (claims.sub !== did) throw new ApiError('IMPERSONATION_REFUSED')
  checkTokenTimes(deps, claims, 'actor_token', nowS)
  return lookups
}

/**
 * Throws TOKEN_REVOKED, AGENT_TOKENS_ENDED, OPERATOR_TOKENS_ENDED, TRUST_ENDED, UNKNOWN_KEY, UNAVAILABLE.
 */
async function checkState(
  { tokenStatus }: Pick<ExchangeDeps, 'tokenStatus'>,
  { lookups }: ExchangeSubject,
  actorLookups: readonly SubjectLookup[],
): Promise<void> {
  const ended = await tokenStatus.checkAll([...lookups, ...actorLookups].map(({ token }) => token))
  if (ended === undefined) return
  const lookup = lookups[ended.index]
  const where = lookup === undefined ? 'actor_token' : placeOf(lookup.hop)
  throw refuseToken(ended.verdict, where, verdicts[ended.verdict])
}

/** Everything that the client gets, with and without constraints. */
function wantedOf({ scope, audience, details }: ExchangeTerms) {
  const further = Array.from(details.keys(), (capability) => splitCapability(capability).scope)
  return { scopes: [...scope, ...further], audiences: audience }
}

function clientOf({ agent, operator }: Subject) {
  return { did: agent.did, operatorId: operator.id }
}
