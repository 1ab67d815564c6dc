import { randomUUID } from 'node:crypto'
import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { parseAudience } from '@auth4agent/core/token/audience'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Call } from '../../calls/call.ts'
import type { ChainingGrant } from '../../keys/index.ts'
import { actorName } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { JudgedGrant } from '../../trust/index.ts'
import { meetDemand } from '../audience-terms.ts'
import { checkDpop } from '../check-dpop.ts'
import type { AuthnDeps, AuthnSettings } from '../config.ts'
import { type AudienceTerms, termsAt } from '../domain/decide-audience.ts'
import { listOf } from '../domain/list-of.ts'
import type { NonceDeps } from '../dpop-nonce.ts'
import { placeInList } from '../place-in-list.ts'
import { buildChainedClaims } from './domain/build-chained-claims.ts'
import type { RedeemRequest } from './domain/redeem-request.ts'
import { refuseGrant } from './domain/refuse-grant.ts'
import { type GrantOutcome, useGrant } from './store.ts'

/** Seconds after which an operator with too many revoked tokens may try again. */
const CROWDED_RETRY_S = 300

/** A new token for a grant of another deployment, and its claims. */
export interface ChainedToken {
  readonly token: string
  readonly claims: AccessTokenClaims
}

/** The dependencies of issue. */
interface IssueDeps extends Pick<AuthnDeps, 'issuer' | 'db' | 'durability' | 'now' | 'signer' | 'statusPlaces'> {
  readonly settings: Pick<AuthnSettings, 'skewS'>
}

/** The dependencies of redeemChainingGrant. */
interface RedeemGrantDeps extends IssueDeps, NonceDeps, Pick<AuthnDeps, 'operators' | 'chaining' | 'limitChained'> {}

/**
 * Issues an access token for a grant of another deployment (RFC 7523 section 4). docs/protocol.md section 6 gives the
 * order of the checks.
 *
 * The grant is judged before the statement that marks it as used. If something that it rests on ends between them,
 * every later check refuses the token, because it names all of it.
 *
 * @throws ApiError with the reason of the first check that fails
 */
export async function redeemChainingGrant(
  deps: RedeemGrantDeps,
  request: RedeemRequest,
  call: Call,
): Promise<ChainedToken> {
  const { dpop: sent } = call
  if (sent === undefined) {
    throw new ApiError('DPOP_PROOF_REQUIRED', 'A grant of another deployment needs a DPoP proof by its key')
  }
  // First: a caller without a key must not learn which issuers are admitted here.
  const dpop = checkDpop(deps, sent)
  const checkClient = (grant: ChainingGrant) => requireClient(request, grant, dpop)
  const judged = await deps.chaining.judgeGrant(request.assertion, { ...request, checkClient })
  if ('refused' in judged) throw refuseGrant(judged.refused)
  const { iss, operator_id } = judged.grant
  deps.limitChained(`${iss} ${operator_id}`)
  const { dpop: demand, ...terms } = await termsOf(deps, judged)
  await meetDemand(deps, demand, dpop)
  return issue(deps, { judged, dpop, terms, call })
}

/** The key that the grant names authenticates its client. */
function requireClient({ clientId }: RedeemRequest, grant: ChainingGrant, dpop: DpopProof): void {
  if (clientId !== '' && clientId !== grant.client_id) {
    throw new ApiError('CLIENT_MISMATCH', 'client_id must be the client_id of the grant, or be left out')
  }
  if (dpop.jkt === grant.cnf.jkt) return
  throw new ApiError('CLIENT_MISMATCH', 'The DPoP proof must be by the key in cnf of the grant')
}

async function termsOf({ operators }: Pick<AuthnDeps, 'operators'>, { trusted }: JudgedGrant): Promise<AudienceTerms> {
  const audience = parseAudience(trusted.audience)
  if (audience === undefined) throw refuseGrant('AUDIENCE_UNKNOWN')
  const owner = await operators.lookupAudienceOwner({ host: audience.host, audiences: [audience.text] })
  // The audience may have another owner since it was judged. Then the path does not begin at its owner.
  if (owner.operatorId !== trusted.owner) throw refuseGrant('TRUST_NOT_FOUND')
  return termsAt(audience, owner.rules)
}

interface Decided {
  readonly judged: JudgedGrant
  readonly dpop: DpopProof
  readonly terms: Omit<AudienceTerms, 'dpop'>
  readonly call: Call
}

async function issue(deps: IssueDeps, { judged, dpop, terms, call }: Decided): Promise<ChainedToken> {
  const { grant, trusted } = judged
  const { alg, tokenStatus } = terms
  const { issuer, settings, signer, db, durability, now } = deps
  const [jti, nowS] = [randomUUID(), Math.floor(now() / 1_000)]
  const outcome = await useGrant(db.pool, {
    issuer: grant.iss,
    grantId: grant.jti,
    exp: grant.exp + settings.skewS,
    operatorId: grant.operator_id,
    dpopId: dpop.id,
    dpopExp: dpop.expiresAtS,
    alg,
    jti,
    owner: trusted.owner,
    actor: actorName({ kind: 'agent', did: grant.sub }),
    reason: describe(judged),
    requestId: call.requestId,
    span: call.span,
  })
  if (outcome.kind !== 'issued') throw REFUSALS[outcome.kind]()
  durability.demand(outcome.isReplicated)
  const { kid, epoch } = outcome
  const built = buildChainedClaims(issuer, judged, { jti, nowS, epoch })
  if (built.exp <= nowS) throw refuseGrant('TOKEN_EXPIRED')
  const claims = await placeInList(deps, tokenStatus, built, { alg, kid })
  return { token: await signer.sign(kid, claims, call.span), claims }
}

const REFUSALS: Readonly<Record<Exclude<GrantOutcome['kind'], 'issued'>, () => ApiError>> = {
  used: () => new ApiError('GRANT_USED'),
  replayed: () => new ApiError('DPOP_PROOF_USED'),
  expired: () => refuseGrant('TOKEN_EXPIRED'),
  local: () => refuseGrant('SUBJECT_OUTSIDE_NAMESPACE'),
  crowded: () => {
    const detail = 'Agents of the operator have revoked too many tokens here in the last hour'
    return new ApiError('RATE_LIMITED', detail, { retryAfter: CROWDED_RETRY_S })
  },
  keyless: () => {
    const detail = "No key of the audience's algorithm is active yet; try again later"
    return new ApiError('UNAVAILABLE', detail, { retryAfter: 10 })
  },
}

function describe({ grant, trusted }: JudgedGrant): string {
  const parts = [
    `actor ${grant.sub}`,
    `chained from ${grant.iss}`,
    listOf('grants', [grant.jti, grant.token.jti]),
    listOf('scope', trusted.scopes),
    listOf('audience', [trusted.audience]),
    listOf('edges', trusted.edges),
  ]
  return parts.filter((part) => part !== '').join('; ')
}
