import { randomUUID } from 'node:crypto'
import { formatUserClaims, type UserClaims } from '@auth4agent/core/delegation/user-claims'
import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { parseAudience } from '@auth4agent/core/token/audience'
import { create } from '@bufbuild/protobuf'
import { AudienceRuleSchema } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Call } from '../../calls/call.ts'
import { endConnectionOfClient, type KnownConsent, readStanding, type Standing } from '../../people/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { meetDemand } from '../audience-terms.ts'
import type { AuthnDeps } from '../config.ts'
import { checkTokenSize, LONGEST_EPOCHS } from '../domain/check-token-size.ts'
import { type AudienceTerms, termsAt } from '../domain/decide-audience.ts'
import { longestStatus, placeInList } from '../place-in-list.ts'
import { type ActingAgent, decideAgent } from './acting-agent.ts'
import { principalOf } from './authenticate-actor.ts'
import { type Acting, buildUserTokenClaims, NO_AGENT } from './domain/build-claims.ts'
import { decideUserToken, type GivenFor, type UserTokenTerms } from './domain/decide-user-token.ts'
import type { IssueOutcome } from './issue-statement.ts'

/** The dependencies of issueForUser. */
export type ForUserDeps = Pick<
  AuthnDeps,
  | 'db'
  | 'now'
  | 'issuer'
  | 'signer'
  | 'statusPlaces'
  | 'durability'
  | 'challengeKeys'
  | 'limitFleet'
  | 'userTurns'
  | 'owners'
  | 'checkUser'
>

/** What a client presents: a code or a refresh token, judged as far as its own text and its client go. */
export interface UserTokenOrder {
  readonly consent: KnownConsent
  /** Id of the connection: a new one for a code. */
  readonly connection: string
  /** What the code or the connection was given for; of a refresh token perhaps fewer scopes. */
  readonly given: GivenFor
  /** Undefined for a client that is no agent. */
  readonly agent: ActingAgent | undefined
  readonly dpop: DpopProof | undefined
  /** When the identity provider vouched for the user, in Unix seconds. */
  readonly vouchedAtS: number
  /** When the connection expires at the latest, in Unix seconds; undefined for a new one. */
  readonly expiresAt: number | undefined
  /** The reason with which the code or the refresh token is refused. */
  readonly refusal: 'CODE_NOT_ACCEPTED' | 'REFRESH_NOT_ACCEPTED'
  /** Uses what is presented, if everything is as it was decided from. */
  readonly use: (decided: DecidedIssue) => Promise<IssueOutcome>
}

/** What a decision has found, as the statement needs it. Times are in Unix seconds. */
interface DecidedIssue {
  readonly mark: string
  readonly ownerId: string
  readonly alg: TokenAlgorithm
  readonly jti: string
  /** When the connection expires. */
  readonly expiresAt: number
  readonly clientEdge: string
  readonly actorOperatorId: string | undefined
  readonly reason: string
}

/** A new token for a user, and what its client can go on with. */
export interface UserToken {
  readonly token: string
  readonly claims: UserClaims
  readonly connection: string
  /** Number of the next refresh token, and the id of its key. */
  readonly n: number
  readonly refreshKeyId: string
  /** When the connection expires, in Unix seconds. */
  readonly connectionExp: number
}

/** Longest lifetime of a token for a user, in seconds. */
const MAX_TTL_S = 300
/** Another attempt follows when what was decided from changed before the statement. */
const MAX_DECISIONS = 4

/**
 * Issues a token with which a client acts for a user: one read of all that it rests on, a decision, and one statement
 * that uses the code or refresh token only if nothing of it has changed. What ends after that has a record in the log,
 * and the token names it: so such a token is born refused.
 *
 * @throws ApiError CODE_NOT_ACCEPTED, REFRESH_NOT_ACCEPTED, CLIENT_NOT_ALLOWED, CONSENT_REQUIRED, DPOP_PROOF_REQUIRED,
 *   DPOP_NONCE_REQUIRED, DPOP_PROOF_USED, ASSERTION_USED, RATE_LIMITED, PROVIDER_UNAVAILABLE, UNAVAILABLE
 */
export async function issueForUser(deps: ForUserDeps, order: UserTokenOrder, call: Call): Promise<UserToken> {
  const { consent, connection, dpop, agent } = order
  const jti = randomUUID()
  for (let attempts = 0; attempts < MAX_DECISIONS; attempts++) {
    const standing = await readStanding(deps.db.pool, consent)
    const nowS = Math.floor(deps.now() / 1000)
    const { terms, rules, exp, expiresAt } = await decide(deps, order, standing, { jti, nowS }, call)
    if (attempts === 0) deps.limitFleet(consent.operatorId)
    if (standing.isCheckDue) {
      await demandVouched(deps, order, call)
      continue
    }
    const { ownerId, clientEdge } = terms
    const reason = describe(consent, terms, connection)
    const { mark } = standing
    const actorOperatorId = agent?.subject.operator.id
    const decided = { mark, ownerId, alg: rules.alg, jti, expiresAt, clientEdge, actorOperatorId, reason }
    const outcome = await deps.userTurns(consent.operatorId, () => order.use(decided))
    if (outcome.kind === 'stale') continue
    if (outcome.kind !== 'issued') throw await refusalOf(deps, order, outcome.kind, call)
    deps.durability.demand(outcome.isReplicated)
    const { epoch, agentEpoch } = outcome
    const issued = { jti, nowS, exp, epoch, agentEpoch, connection, jkt: dpop?.jkt }
    const built = buildUserTokenClaims(deps.issuer, consent, terms, issued)
    const { kid } = outcome
    const claims = await placeInList(deps, rules.tokenStatus, built, { alg: rules.alg, kid })
    // As for every token, sign only after what it was issued for is used and committed.
    const token = await deps.signer.sign(kid, formatUserClaims(claims), call.span)
    const { n, refreshKeyId } = outcome
    return { token, claims, connection, n, refreshKeyId, connectionExp: expiresAt }
  }
  throw new ApiError('UNAVAILABLE', 'What the decision was made from changed during every attempt; try again', {
    retryAfter: 1,
  })
}

/** Asks the identity provider. What the user may do must be read again afterwards. Throws the refusal of the order. */
async function demandVouched({ checkUser }: ForUserDeps, { consent, refusal }: UserTokenOrder, call: Call) {
  if ((await checkUser(consent, call.requestId)) === 'again') return
  call.hasEndedTokens?.()
  throw new ApiError(refusal, 'The identity provider does not vouch for the user any more; the user must sign in again')
}

interface Decision {
  readonly terms: UserTokenTerms & Acting
  readonly rules: AudienceTerms
  readonly exp: number
  readonly expiresAt: number
}

interface At {
  readonly jti: string
  readonly nowS: number
}

async function decide(
  deps: ForUserDeps,
  order: UserTokenOrder,
  standing: Standing,
  { jti, nowS }: At,
  call: Call,
): Promise<Decision> {
  const { consent, connection, agent, dpop, refusal } = order
  const terms = await decideTerms(deps, order, standing, call)
  const rules = rulesOf(consent.audience, standing)
  await meetDemand(deps, rules.dpop, dpop)
  const expiresAt = Math.min(order.vouchedAtS + terms.connectionS, order.expiresAt ?? Infinity)
  const { ttl, notAfterS } = terms.attested
  const exp = Math.min(nowS + Math.min(MAX_TTL_S, ttl), expiresAt, notAfterS, agent?.key.exp ?? Infinity)
  if (exp <= nowS) throw new ApiError(refusal, 'The connection has expired; the user must sign in again')
  const epochs = { epoch: LONGEST_EPOCHS, agentEpoch: agent && LONGEST_EPOCHS }
  const longest = { jti, nowS, exp, ...epochs, connection, jkt: dpop?.jkt }
  const draft = buildUserTokenClaims(deps.issuer, consent, terms, longest)
  checkTokenSize(JSON.stringify(formatUserClaims({ ...draft, ...longestStatus(deps, rules.tokenStatus) })))
  return { terms, rules, exp, expiresAt }
}

/** Returns what user and owner let the client do, and of an agent only what its own authority allows too. */
async function decideTerms(
  deps: ForUserDeps,
  { consent, given, agent, refusal }: UserTokenOrder,
  standing: Standing,
  call: Call,
): Promise<UserTokenTerms & Acting> {
  const terms = decideUserToken(standing, consent, given, refusal)
  if (agent === undefined) return { ...terms, ...NO_AGENT }
  const { scopes, ...attested } = await decideAgent(deps, agent, standing, consent, terms.scopes, call)
  return { ...terms, scopes, attested, agentOperatorId: agent.subject.operator.id }
}

/** What the owner's rule for exactly this audience demands of every token. It exists, because users may come. */
function rulesOf(text: string, { alg, dpop, tokenStatus }: Standing): AudienceTerms {
  const host = parseAudience(text)?.host ?? ''
  const terms = { audience: text, tokenSigningAlg: alg ?? '', dpop: dpop ?? '', tokenStatus: tokenStatus ?? '' }
  return termsAt({ text, host }, [create(AudienceRuleSchema, terms)])
}

/** Presented a second time, a code or an old refresh token ends the connection: two have it, and one has stolen it. */
async function refusalOf(
  { db }: Pick<ForUserDeps, 'db'>,
  { connection, refusal, consent }: UserTokenOrder,
  kind: Exclude<IssueOutcome['kind'], 'issued' | 'stale'>,
  call: Call,
): Promise<ApiError> {
  if (kind === 'keyless')
    return new ApiError('UNAVAILABLE', 'No key is active yet; try again later', { retryAfter: 10 })
  if (kind === 'replayed') return new ApiError('DPOP_PROOF_USED')
  if (kind === 'repeated') return new ApiError('ASSERTION_USED', 'Sign a new assertion for each request')
  if (kind === 'void') return new ApiError(refusal, 'All tokens have ended; the user must sign in again')
  if (kind === 'expired') return new ApiError(refusal, 'The code has expired')
  if (kind === 'gone') return new ApiError(refusal, 'The connection has ended; the user must sign in again')
  const author = { ...call, principal: principalOf(consent) }
  call.hasEndedTokens?.()
  await endConnectionOfClient(db.prisma, author, { id: connection, clientId: consent.clientId, why: 'replay' })
  return new ApiError(refusal, 'It has been used before, so the connection has ended; the user must sign in again')
}

function describe({ subject, clientId, audience }: KnownConsent, terms: UserTokenTerms, connection: string): string {
  const parts = [`user ${subject}`, `client ${clientId}`, `identity provider ${terms.provider.issuer}`]
  const scope = `scope ${JSON.stringify(terms.scopes)}`
  return [...parts, scope, `audience ${JSON.stringify([audience])}`, `connection ${connection}`].join('; ')
}
