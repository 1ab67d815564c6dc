import { type ChainLookup, chainLookups, type GrantIdentity } from '@auth4agent/core/delegation/chain-lookups'
import { checkChainTimes } from '@auth4agent/core/delegation/chain-times'
import type { Capabilities } from '@auth4agent/core/delegation/constraint'
import { capabilitiesOf } from '@auth4agent/core/delegation/delegated-token'
import type { GenuineChain } from '@auth4agent/core/delegation/grant-types'
import { checkTimes } from '@auth4agent/core/token/access-token'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { tokenIdentity } from '@auth4agent/core/token/token-identity'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AuthnDeps, AuthnSettings } from '../config.ts'
import type { ExchangeRequest } from './domain/exchange-request.ts'
import { placeOf, refuseAccessToken, refuseToken, type TokenParameter } from './domain/refuse-token.ts'

/** The agent that exchanges, as the redemption finds it. */
type ExchangeActor = Pick<GrantIdentity, 'did' | 'operatorId' | 'epoch'>

/** A look-up that decides whether a token has ended. `hop` is the place of a grant; undefined for an access token. */
export interface SubjectLookup extends Pick<ChainLookup, 'token'> {
  readonly hop: number | undefined
}

/** The agent that asks for an exchange. */
export type Client = Pick<GrantIdentity, 'did' | 'operatorId'>

/** A subject token that the client may exchange. It may have ended: `lookups` decide. */
export interface ExchangeSubject {
  readonly principal: GrantIdentity
  /** Unix seconds. */
  readonly exp: number
  /** What each party allows. A token may have no more than all of them. */
  readonly limits: readonly Capabilities[]
  /** Thumbprint of the only key that may exchange; undefined if every key of the client may. */
  readonly jkt: string | undefined
  readonly lookups: readonly SubjectLookup[]
  /** Ids of the edges of trust through which the subject token was issued. The new token ends with them too. */
  readonly edges: readonly string[]
  /** Returns every party, the principal first and the client last. */
  readonly lineageOf: (actor: ExchangeActor) => readonly GrantIdentity[]
}

/** The dependencies of openSubject. */
export interface OpenSubjectDeps extends Pick<AuthnDeps, 'genuineChains' | 'genuineTokens'> {
  readonly settings: Pick<AuthnSettings, 'skewS'>
}

/**
 * Reads a subject token and decides whether the client may exchange it. The token must be valid at `nowS` (Unix
 * seconds) without a clock skew after its expiry, because the new token may not live longer.
 *
 * @throws ApiError INVALID_SUBJECT_TOKEN, UNKNOWN_KEY, GRANT_EXPIRED, GRANT_NOT_YET_VALID, TOKEN_EXPIRED,
 *   TOKEN_NOT_YET_VALID, EXCHANGE_THE_CHAIN, INVALID_ARGUMENT, ACTOR_NOT_HOLDER, ACTOR_NOT_AUTHORIZED, UNAVAILABLE
 */
export function openSubject(
  deps: OpenSubjectDeps,
  { text, isChain }: ExchangeRequest['subject'],
  client: Client,
  nowS: number,
): Promise<ExchangeSubject> {
  return isChain ? openChain(deps, text, client, nowS) : openToken(deps, text, client, nowS)
}

async function openChain(deps: OpenSubjectDeps, text: string, client: Client, nowS: number): Promise<ExchangeSubject> {
  const genuine = await deps.genuineChains(text)
  if (!genuine.ok) throw refuseToken(genuine.reason, placeOf(genuine.hop), genuine.rule)
  const { chain } = genuine
  const [principal, ...others] = chain.hops
  const actor = others.at(-1)
  if (principal === undefined || actor === undefined) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      'subject_token must have at least two grants: the holder of a first grant gets tokens by client_credentials',
    )
  }
  if (actor.did !== client.did || actor.operatorId !== client.operatorId) throw new ApiError('ACTOR_NOT_HOLDER')
  checkTimesOf(chain, nowS, deps.settings.skewS)
  // No grant expires after its parent or its statement.
  if (actor.exp <= nowS) throw new ApiError('GRANT_EXPIRED')
  return {
    principal,
    exp: actor.exp,
    limits: chain.hops.map(({ capabilities }) => capabilities),
    jkt: actor.jkt,
    lookups: chainLookups(chain),
    edges: chain.hops.flatMap(({ edges = [] }) => edges),
    lineageOf: () => chain.hops,
  }
}

function checkTimesOf(chain: GenuineChain, nowS: number, skewS: number): void {
  const wrong = checkChainTimes(chain, nowS, skewS)
  if (wrong !== undefined) throw refuseToken(wrong.reason, placeOf(wrong.hop), wrong.rule)
}

async function openToken(deps: OpenSubjectDeps, text: string, client: Client, nowS: number): Promise<ExchangeSubject> {
  const { claims, identity, lookups } = await openAccessToken(deps, text, 'subject_token')
  if (claims.may_act === undefined) {
    throw new ApiError('ACTOR_NOT_AUTHORIZED', 'subject_token must have been issued with may_act')
  }
  if (claims.may_act.sub !== client.did) throw new ApiError('ACTOR_NOT_AUTHORIZED')
  // Only now: a stranger must not learn whether the token has expired.
  checkTokenTimes(deps, claims, 'subject_token', nowS)
  const { id, kid } = identity
  return {
    principal: identity,
    exp: claims.exp,
    limits: [capabilitiesOf({ ...claims, details: new Map() })],
    jkt: undefined,
    lookups,
    edges: claims.edges ?? [],
    lineageOf: (actor) => [identity, { ...actor, id, kid }],
  }
}

/** A genuine access token. It may have expired or be revoked. */
export interface OpenAccessToken {
  readonly claims: AccessTokenClaims
  readonly identity: GrantIdentity
  readonly lookups: readonly SubjectLookup[]
}

/**
 * Reads an access token in which no agent acts for another.
 *
 * @param name the parameter that has the token
 * @throws ApiError EXCHANGE_THE_CHAIN, INVALID_SUBJECT_TOKEN, UNKNOWN_KEY
 */
export async function openAccessToken(
  { genuineTokens }: Pick<OpenSubjectDeps, 'genuineTokens'>,
  text: string,
  name: TokenParameter,
): Promise<OpenAccessToken> {
  const genuine = await genuineTokens(text)
  if ('verdict' in genuine) throw refuseAccessToken(genuine.verdict, name)
  const { claims, kid } = genuine
  // Its subject belongs to another deployment, and only the log of that deployment says when the subject's tokens end.
  if (claims.home !== undefined) {
    throw new ApiError('INVALID_SUBJECT_TOKEN', `${name} must not rest on a token of another deployment`)
  }
  const { sub: did, operator_id: operatorId, epoch, jti: id } = claims
  const identity = { did, operatorId, epoch, id, kid }
  return { claims, identity, lookups: [{ hop: undefined, token: tokenIdentity(claims, kid) }] }
}

/**
 * Checks that an access token is within its lifetime at `nowS` (Unix seconds).
 *
 * @throws ApiError TOKEN_EXPIRED, TOKEN_NOT_YET_VALID
 */
export function checkTokenTimes(
  { settings }: Pick<OpenSubjectDeps, 'settings'>,
  claims: AccessTokenClaims,
  name: TokenParameter,
  nowS: number,
): void {
  const wrong = nowS >= claims.exp ? 'TOKEN_EXPIRED' : checkTimes(claims, nowS, settings.skewS)
  if (wrong !== undefined) throw refuseAccessToken(wrong, name)
}
