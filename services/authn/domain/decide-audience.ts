import { DEFAULT_TOKEN_ALGORITHM, isTokenAlgorithm, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { Audience } from '@auth4agent/core/token/audience'
import type {
  LookupAudienceOwnerResponse,
  OperatorSnapshot,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { admitCaller } from '../../operator-registry/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** The operator whose agent wants a token. */
export type Caller = Pick<OperatorSnapshot, 'id' | 'domain'>

type Rule = LookupAudienceOwnerResponse['rules'][number]

/** What an audience's owner demands of DPoP: nothing, a proof, or a proof with a nonce of this server. */
export type DpopDemand = '' | 'required' | 'required-with-nonce'

/** Where an audience's owner demands that the status of tokens is published: nowhere, or in a status list. */
export type StatusDemand = '' | 'status_list'

/** What an audience's owner has decided about tokens for it. */
export interface AudienceTerms {
  readonly alg: TokenAlgorithm
  readonly dpop: DpopDemand
  readonly tokenStatus: StatusDemand
}

/** The terms of an audience, and what lets the agents of a caller have tokens for it. */
export interface AllowedAudience extends AudienceTerms {
  /** Id of the edge of the caller. Undefined if nobody has to allow the caller. */
  readonly edge?: string
}

const DEMANDS: readonly DpopDemand[] = ['', 'required', 'required-with-nonce']
const STATUSES: readonly StatusDemand[] = ['', 'status_list']

/** Returns the strongest demand of several audiences. Without audiences it is the empty text. */
export function strongestDemand(terms: readonly Pick<AudienceTerms, 'dpop'>[]): DpopDemand {
  return DEMANDS.findLast((demand) => terms.some(({ dpop }) => dpop === demand)) ?? ''
}

/** Returns `status_list` if one of several audiences demands it. */
export function strongestStatus(terms: readonly Pick<AudienceTerms, 'tokenStatus'>[]): StatusDemand {
  return STATUSES.findLast((status) => terms.some(({ tokenStatus }) => tokenStatus === status)) ?? ''
}

/**
 * Decides whether an agent of an operator may have a token for an audience other than the issuer. Returns the owner's
 * terms, and the edge that the token must name.
 *
 * When another operator owns the audience, that operator must list the audience, or its host, with the agent's domain
 * as a caller. The token ends with one entry of these lists: the domain comes before `*`, and the rule for the exact
 * audience before the rule for its host.
 *
 * The owner chooses the terms, also for its own agents: with the rule for the exact audience, else with the rule for
 * the host. Without such a rule, the default algorithm signs, and DPoP is not needed.
 *
 * @throws ApiError AUDIENCE_NOT_ALLOWED; UNAVAILABLE when this process does not know the owner's terms.
 */
export function decideAudience(
  audience: Audience,
  owner: LookupAudienceOwnerResponse,
  caller: Caller,
): AllowedAudience {
  const admitted = admitCaller(audience, owner, caller)
  if (admitted === undefined) {
    throw new ApiError('AUDIENCE_NOT_ALLOWED', `The owner of ${audience.text} must list ${caller.domain} as a caller`)
  }
  const edge = admitted.entry?.edge ?? ''
  const terms = termsAt(audience, owner.rules)
  return edge === '' ? terms : { ...terms, edge }
}

/**
 * Returns the terms that the rules of its owner have for an audience.
 *
 * @throws ApiError UNAVAILABLE when this process does not know the owner's terms.
 */
export function termsAt({ text, host }: Audience, rules: readonly Rule[]): AudienceTerms {
  const rule = rules.find((each) => each.audience === text) ?? rules.find((each) => each.audience === host)
  return { alg: algorithmOf(text, rule), dpop: demandOf(text, rule), tokenStatus: statusOf(text, rule) }
}

function algorithmOf(audience: string, rule: Rule | undefined): TokenAlgorithm {
  const alg = rule?.tokenSigningAlg ?? ''
  if (alg === '') return DEFAULT_TOKEN_ALGORITHM
  if (!isTokenAlgorithm(alg)) throw unknownTerm('signing algorithm', audience)
  return alg
}

function demandOf(audience: string, rule: Rule | undefined): DpopDemand {
  const demand = DEMANDS.find((each) => each === (rule?.dpop ?? ''))
  if (demand === undefined) throw unknownTerm('DPoP rule', audience)
  return demand
}

function statusOf(audience: string, rule: Rule | undefined): StatusDemand {
  const status = STATUSES.find((each) => each === (rule?.tokenStatus ?? ''))
  if (status === undefined) throw unknownTerm('rule for the status of tokens', audience)
  return status
}

/**
 * During an upgrade the operator registry may be newer than this process. The audience would not accept a token with
 * other terms. A retry may reach a newer process.
 */
function unknownTerm(term: string, audience: string): ApiError {
  return new ApiError('UNAVAILABLE', `This process does not know the ${term} of ${audience}; try again`, {
    retryAfter: 1,
  })
}
