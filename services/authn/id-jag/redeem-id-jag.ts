import { formatUserClaims, type UserClaims } from '@auth4agent/core/delegation/user-claims'
import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type JudgedIdJag, MAX_ID_JAG_TTL_S } from '../../trust/index.ts'
import { decideAudiences, meetDemand } from '../audience-terms.ts'
import { checkPossession } from '../check-possession.ts'
import type { AuthnDeps } from '../config.ts'
import type { Presented } from '../domain/agent-proof.ts'
import { checkAttestation, joinEdges } from '../domain/check-attestation.ts'
import { checkTokenSize, LONGEST_EPOCHS } from '../domain/check-token-size.ts'
import { listOf } from '../domain/list-of.ts'
import type { Subject } from '../domain/subject.ts'
import { proveClient } from '../exchange/domain/decide-exchange.ts'
import type { IssueDeps } from '../issue-token.ts'
import { longestStatus, placeInList } from '../place-in-list.ts'
import { type Known, redeemProof } from '../redeem-proof.ts'
import type { ExchangeRecord } from '../store.ts'
import { buildUserClaims } from './domain/build-user-claims.ts'
import { decideUserTerms, resolveUserTerms, type UserTerms } from './domain/decide-user-terms.ts'
import type { IdJagRequest } from './domain/id-jag-request.ts'

/** A new token for a user, and its claims. */
export interface UserToken {
  readonly token: string
  readonly claims: UserClaims
}

/** The dependencies of redeemIdJag. */
interface IdJagDeps extends IssueDeps, Pick<AuthnDeps, 'judgeIdJag'> {}

/** How an agent asks for a token for a user: what it presents, and the request. */
export interface IdJagOrder extends Presented {
  readonly requested: IdJagRequest
}

/**
 * Issues a token with which an agent acts for a user, for an ID-JAG of an identity provider. docs/protocol.md section
 * 6 gives the order of the checks.
 *
 * The ID-JAG is judged before the statement that marks it as used. If something that it rests on ends between them,
 * every later check refuses the token, because it names all of it.
 *
 * @throws ApiError with the reason of the first check that fails; UNAVAILABLE when no key can sign, or when the agent,
 *   its operator or the owner of an audience changes during every attempt.
 */
export async function redeemIdJag(deps: IdJagDeps, order: IdJagOrder, call: Call): Promise<UserToken> {
  const { subject, decision, jti, nowS, epoch, kid } = await redeemProof(deps, order, call, (known, at, id) =>
    decide(deps, known, order, call, { nowS: at, jti: id }),
  )
  const { judged, terms, issued, tokenStatus } = decision
  const built = buildUserClaims(deps.issuer, subject, judged, terms, { ...issued, jti, nowS, epoch })
  const claims = await placeInList(deps, tokenStatus, built, { alg: decision.issue.alg, kid })
  // As for every token, sign only after the redemption is committed.
  return { token: await deps.signer.sign(kid, formatUserClaims(claims), call.span), claims }
}

interface At {
  readonly nowS: number
  readonly jti: string
}

async function decide(deps: IdJagDeps, known: Known, order: IdJagOrder, call: Call, { nowS, jti }: At) {
  const { subject: client, owners } = known
  const { proof, requested } = order
  const { key, jkt } = proveClient(client, proof, nowS)
  const dpop = checkPossession(deps, call, jkt, 'An ID-JAG')
  const wanted = resolveUserTerms(client, proof, requested)
  const { agent, operator } = client
  const judged = await deps.judgeIdJag(requested.text, { did: agent.did, operatorId: operator.id })
  const { grant } = judged
  if (grant.jkt !== undefined && grant.jkt !== jkt) throw refuse('cnf must be the key of the client')
  const terms = decideUserTerms(client, judged, wanted)
  const attested = checkAttestation(agent, { scopes: terms.scope, audiences: terms.audience }, key, deps.now())
  const {
    alg,
    demand,
    tokenStatus,
    edges: callers,
  } = await decideAudiences(deps.issuer, owners, terms.audience, [operator])
  await meetDemand(deps, demand, dpop)
  const ttl = Math.min(MAX_ID_JAG_TTL_S, deps.termDefaults.ttl, attested.ttl)
  // Everything that comes from one ID-JAG ends within the time for which the identity provider vouches.
  const exp = Math.min(nowS + ttl, grant.iat + MAX_ID_JAG_TTL_S, key.exp, attested.notAfterS)
  if (exp <= nowS) throw refuse(`iat must be less than ${MAX_ID_JAG_TTL_S} seconds ago`)
  const issued = { exp, edges: joinEdges(callers, attested.edges), jkt, results: attested.results }
  const draft = buildUserClaims(deps.issuer, client, judged, terms, { ...issued, jti, nowS, epoch: LONGEST_EPOCHS })
  checkTokenSize(JSON.stringify(formatUserClaims({ ...draft, ...longestStatus(deps, tokenStatus) })))
  return {
    key,
    dpop,
    judged,
    terms,
    issued,
    tokenStatus,
    issue: { purpose: 'access_token', alg, ttl } as const,
    exchange: describe(client, judged, terms),
    grant: { issuer: grant.iss, jti: grant.jti, exp: grant.exp + deps.settings.skewS },
  }
}

function describe({ agent, operator }: Subject, judged: JudgedIdJag, terms: UserTerms): ExchangeRecord {
  const { grant, kid, rule } = judged
  const parts = [
    `actor ${agent.did}`,
    `principal ${rule.subject}`,
    `identity provider ${grant.iss}`,
    // After the theft of a key, the audit finds the tokens that its grants gave.
    listOf('kids', [kid]),
    listOf('grants', [grant.jti]),
    listOf('scope', terms.scope),
    listOf(
      'audience',
      terms.audience.map(({ text }) => text),
    ),
    listOf('edges', [rule.edgeId]),
  ]
  return { operatorIds: [operator.id], reason: parts.join('; ') }
}

function refuse(demand: string): ApiError {
  return new ApiError('GRANT_NOT_ACCEPTED', `In the ID-JAG, ${demand}`)
}
