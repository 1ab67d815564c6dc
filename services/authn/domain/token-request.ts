import { parseDuration } from '@auth4agent/core/encoding/duration'
import type { ChallengeContent } from '@auth4agent/core/identity/challenge'
import { parseDid } from '@auth4agent/core/identity/did'
import { type Audience, parseAudience, parseAudiences } from '@auth4agent/core/token/audience'
import { parseScopeString } from '@auth4agent/core/token/scope'
import type { CreateChallengeRequest } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { CoveredTerms } from './agent-proof.ts'

/** Terms of a token that a request asks for. A term is undefined when the request does not contain it. */
export interface RequestedTerms {
  readonly scope: readonly string[] | undefined
  readonly audience: readonly Audience[] | undefined
  /** Seconds. */
  readonly ttl: number | undefined
  /** DID of the agent that may exchange the token. */
  readonly mayAct?: string | undefined
}

/** Bounds of a token's lifetime, in seconds. */
export interface TtlBounds {
  readonly min: number
  readonly max: number
}

/** Terms of a token that apply when neither the challenge nor the request contains them; `ttl` in seconds. */
export interface TermDefaults {
  readonly audience: Audience
  readonly ttl: number
}

/** Terms of a token, including the defaults. */
export interface TokenTerms {
  readonly scope: readonly string[]
  readonly audience: readonly Audience[]
  /** Seconds. */
  readonly ttl: number
  /** DID of the agent that may exchange the token; undefined if none may. */
  readonly mayAct?: string | undefined
}

/**
 * Parses the terms that a request asks for.
 *
 * @throws ApiError INVALID_SCOPE, INVALID_AUDIENCE, INVALID_TTL, INVALID_ARGUMENT
 */
export function parseRequestedTerms(
  request: Pick<CreateChallengeRequest, 'scope' | 'audience' | 'ttl'> & Partial<Pick<CreateChallengeRequest, 'mayAct'>>,
  bounds: TtlBounds,
): RequestedTerms {
  const scope = request.scope === undefined ? undefined : parseScopeString(request.scope)
  if (request.scope !== undefined && scope === undefined) throw new ApiError('INVALID_SCOPE')
  const audience = parseAudiences(request.audience)
  if (audience === undefined) throw new ApiError('INVALID_AUDIENCE')
  return {
    scope,
    audience: audience.length === 0 ? undefined : audience,
    ttl: parseTtl(request.ttl, bounds),
    mayAct: parseMayAct(request.mayAct),
  }
}

/**
 * Parses the agent that a request allows to exchange the token. An empty text allows none.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function parseMayAct(did = ''): string | undefined {
  if (did === '') return undefined
  if (parseDid(did) === undefined) throw new ApiError('INVALID_ARGUMENT', 'may_act must be the DID of an agent')
  return did
}

/**
 * Parses the lifetime that a request asks for. An absent or empty text asks for none.
 *
 * @throws ApiError INVALID_TTL
 */
export function parseTtl(text: string | undefined, { min, max }: TtlBounds): number | undefined {
  if (text === undefined || text === '') return undefined
  const seconds = parseDuration(text)
  if (seconds === undefined) {
    throw new ApiError('INVALID_TTL', 'ttl must be a duration such as 15m, or a number of seconds')
  }
  if (seconds < min || seconds > max) {
    throw new ApiError('INVALID_TTL', `ttl must be between ${min} and ${max} seconds`)
  }
  return seconds
}

/** Returns the members of a challenge that bind it to the requested terms. */
export function bindingOf({
  scope,
  audience,
  ttl,
  mayAct,
}: RequestedTerms): Pick<ChallengeContent, 'scope' | 'aud' | 'ttl' | 'may_act'> {
  return {
    ...(scope && { scope: canonicalScope(scope) }),
    ...(audience && { aud: canonicalAudience(audience) }),
    ...(ttl !== undefined && { ttl }),
    ...(mayAct !== undefined && { may_act: mayAct }),
  }
}

/**
 * Returns the terms of a token from the challenge, the request and the defaults. The request may only repeat or omit a
 * term that the challenge is bound to.
 *
 * @throws ApiError BINDING_MISMATCH
 */
export function resolveTerms(bound: CoveredTerms, requested: RequestedTerms, defaults: TermDefaults): TokenTerms {
  if (bound.details !== undefined || bound.depth !== undefined || bound.subject_token !== undefined) {
    throw new ApiError(
      'BINDING_MISMATCH',
      'The signed challenge or assertion must not be bound to authorization_details, max_depth or subject_token',
    )
  }
  const scope = resolveTerm('scope', bound.scope, requested.scope && canonicalScope(requested.scope))
  const ttl = resolveTerm('ttl', bound.ttl, requested.ttl)
  const aud = resolveTerm(
    'audience',
    bound.aud?.join(' '),
    requested.audience && canonicalAudience(requested.audience).join(' '),
  )
  return {
    scope: scope ? scope.split(' ') : [],
    audience: requested.audience ?? (aud === undefined ? [defaults.audience] : reparse(aud)),
    ttl: ttl ?? defaults.ttl,
    mayAct: resolveTerm('may_act', bound.may_act, requested.mayAct),
  }
}

/** Returns whether a challenge is bound to scope, audience and ttl, all three. */
export function isFullyBound(content: ChallengeContent): boolean {
  return content.scope !== undefined && content.aud !== undefined && content.ttl !== undefined
}

/**
 * Returns the term that the challenge is bound to, or else the one that the request asks for.
 *
 * @throws ApiError BINDING_MISMATCH when they differ
 */
export function resolveTerm<T>(name: string, bound: T | undefined, asked: T | undefined): T | undefined {
  if (bound !== undefined && asked !== undefined && bound !== asked) {
    throw new ApiError(
      'BINDING_MISMATCH',
      `${name} must be the same as in the signed challenge or assertion, or be left out`,
    )
  }
  return bound ?? asked
}

function canonicalScope(scope: readonly string[]): string {
  return scope.toSorted().join(' ')
}

function canonicalAudience(audience: readonly Audience[]): string[] {
  return audience.map(({ text }) => text).toSorted()
}

function reparse(canonical: string): Audience[] {
  return canonical.split(' ').flatMap((text) => parseAudience(text) ?? [])
}

/** Returns the issuer as an audience. A token has this audience when the request and the challenge contain none. */
export function issuerAudience(issuer: string): Audience {
  return { text: issuer, host: new URL(issuer).hostname }
}
