import { type Moment, present } from '@auth4agent/core/platform/moment'
import type { Follower } from '@auth4agent/core/revocation/follower'
import { checkTimes, type VerificationKey } from '@auth4agent/core/token/access-token'
import { checkRequirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { tokenIdentity } from '@auth4agent/core/token/token-identity'
import type { CheckBound } from './bound-tokens.ts'
import { VerificationError, type VerificationErrorOptions, type VerificationReason } from './errors.ts'
import type { Counts } from './metrics.ts'
import type { CoreSettings } from './options.ts'
import { ANSWER_MS, createRequestFacts } from './same-request.ts'
import type { Admitted } from './server-trust/admitted.ts'
import type { VerifiedClaims } from './verified-claims.ts'
import type { Demands } from './wanted.ts'

/** A token whose signature was verified. */
export interface Genuine {
  readonly claims: VerifiedClaims
  /** The claims with the scopes that the token has at this service. */
  readonly effective: AccessTokenClaims
  readonly key: VerificationKey
  /** The follower's version at the last check that found no revocation of the token; -1 before the first check. */
  clearAtVersion: number
  /** The last demands that the token met. Demands with a proof are not kept. */
  met: Demands | undefined
  /** By what a token of another deployment is accepted. */
  readonly admitted: Admitted | undefined
}

/** The claims of an accepted token, or a promise of them. */
export type Answer = VerifiedClaims | Promise<VerifiedClaims>

/** Decides whether a genuine token is valid now. */
export interface Judge {
  /**
   * Returns the claims, or a promise if the issuer or a replay store must be asked. Throws or rejects with
   * VerificationError.
   */
  readonly judge: (text: string, token: Genuine, wanted: Demands, now: Moment) => Answer
  /** Throws VerificationError, and counts it. */
  readonly refuse: (reason: VerificationReason, options?: VerificationErrorOptions) => never
}

/** What is known of the ends of the tokens of an issuer. */
export interface Ends {
  /** As `Follower.version`. */
  readonly version: number
  lookup(token: Genuine): VerificationReason | undefined
  /** Returns whether the knowledge is too old to decide about a token. */
  isStale(token: Genuine, now: Moment): boolean
  /** As `Follower.forgottenThroughS`. */
  readonly forgottenThroughS: number
  /** Gets newer knowledge about a token, where this needs no question about the token itself. */
  readonly renew?: ((token: Genuine) => Promise<void>) | undefined
}

/** Makes the knowledge of ends from the revocation log of the issuer. */
export function endsOf(follower: Follower, maxStalenessMs: number): Ends {
  return {
    get version() {
      return follower.version
    },
    lookup: ({ claims, key }) => follower.lookup(tokenIdentity(claims, key.kid)),
    isStale: (_, now) => follower.ageMs(now) > maxStalenessMs,
    get forgottenThroughS() {
      return follower.forgottenThroughS
    },
  }
}

/** Asks the server about a token. Resolves with the reason why it is not valid. Rejects without an answer. */
type AskAbout = (text: string, token: Genuine, wanted: Demands) => Promise<VerificationReason | undefined>

/** Options of {@link createJudge}. Without `ends`, the judge does not check revocations. */
export interface JudgeOptions {
  readonly settings: CoreSettings
  readonly ends: Ends | undefined
  readonly checkBound: CheckBound
  readonly askAbout: AskAbout
  readonly counts: Counts
  /** Returns whether the verifier is closed. It may be closed while a token is being checked. */
  readonly isClosed: () => boolean
}

/** The reasons for which the tokens of one of several issuers are refused, while those of the others are accepted. */
const OF_ONE_ISSUER: Partial<Record<VerificationReason, VerificationReason>> = {
  KEYS_UNAVAILABLE: 'ISSUER_KEYS_UNAVAILABLE',
  REVOCATIONS_STALE: 'ISSUER_REVOCATIONS_STALE',
}

/** Makes the judge, which checks a token in the same order as the server. */
export function createJudge(options: JudgeOptions): Judge {
  const { settings, ends, checkBound, counts, isClosed } = options
  const { operators } = settings
  const refuse = (general: VerificationReason, options?: VerificationErrorOptions): never => {
    const reason = (settings.isListed && OF_ONE_ISSUER[general]) || general
    counts.add(reason)
    throw new VerificationError(reason, options)
  }
  const checkNow: CheckNow = ({ claims }, { wall }) => {
    if (isClosed()) return 'VERIFIER_CLOSED'
    // The record that ended this token may have been forgotten. So the token must stay expired even if the
    // clock is set back.
    if (ends !== undefined && claims.exp <= ends.forgottenThroughS) return 'TOKEN_EXPIRED'
    return checkTimes(claims, Math.floor(wall / 1_000), settings.skewS)
  }
  const judgeEnds = createJudgeEnds(options, checkNow, refuse)
  const judgeBound: Judge['judge'] = (text, token, wanted, now) => {
    const refusal = checkBound(text, token.claims, wanted.dpop, now)
    if (refusal === undefined) return judgeEnds(text, token, wanted, now)
    if (!(refusal instanceof Promise)) return refuse(refusal.reason, refusal)
    return refusal.then((refused) => {
      if (refused !== undefined) return refuse(refused.reason, refused)
      // The replay store may have needed seconds.
      const later = present()
      const ended = checkNow(token, later)
      return ended === undefined ? judgeEnds(text, token, wanted, later) : refuse(ended)
    })
  }
  return {
    refuse,
    judge(text, token, wanted, now) {
      const refusal = checkNow(token, now) ?? checkWanted(token, wanted, operators, now)
      if (refusal !== undefined) return refuse(refusal, { detail: detailOf(refusal, token, wanted) })
      const isBearer = wanted.dpop === undefined && token.claims.cnf === undefined
      return isBearer ? judgeEnds(text, token, wanted, now) : judgeBound(text, token, wanted, now)
    },
  }
}

/** Checks what can change at any time: whether the verifier is closed, and the clock. */
type CheckNow = (token: Genuine, now: Moment) => VerificationReason | undefined

/** Makes the last part of the judge: revocations, and what to do if the knowledge of them is stale. */
function createJudgeEnds(
  { settings, ends, askAbout, counts }: JudgeOptions,
  checkNow: CheckNow,
  refuse: Judge['refuse'],
): Judge['judge'] {
  const { onStale } = settings
  const valid = createRequestFacts(ANSWER_MS)
  const accept = ({ claims }: Genuine): VerifiedClaims => {
    counts.add('VALID')
    return claims
  }
  const checkKnown = (token: Genuine): VerificationReason | undefined => {
    if (ends === undefined || token.clearAtVersion === ends.version) return undefined
    const ended = ends.lookup(token)
    if (ended === undefined) token.clearAtVersion = ends.version
    return ended
  }
  const askFirst = async (text: string, token: Genuine, wanted: Demands): Promise<VerifiedClaims> => {
    // The issuer accepts the proof of a request once, but several guards may protect the request.
    const isKnownValid = valid.has(wanted.dpop, text)
    const asked = isKnownValid ? Promise.resolve(undefined) : askAbout(text, token, wanted)
    const answer = await asked.catch((cause: unknown) => refuse('REVOCATIONS_STALE', { cause }))
    const refusal = answer ?? checkNow(token, present()) ?? checkKnown(token)
    if (refusal !== undefined) return refuse(refusal)
    valid.add(wanted.dpop, text)
    return accept(token)
  }
  const judgeKnown = (text: string, token: Genuine, wanted: Demands, isStale: boolean, cause?: unknown): Answer => {
    if (isStale && onStale === 'refuse') return refuse('REVOCATIONS_STALE', { cause })
    // The log of another deployment, which this verifier does not follow, also ends a token with `home`.
    return isStale || token.claims.home !== undefined ? askFirst(text, token, wanted) : accept(token)
  }
  const renewFirst = async (text: string, token: Genuine, wanted: Demands, known: Ends) => {
    const cause = await known.renew?.(token).catch((error: unknown) => error)
    const later = present()
    const refusal = checkNow(token, later) ?? checkKnown(token)
    if (refusal !== undefined) return refuse(refusal)
    return judgeKnown(text, token, wanted, known.isStale(token, later), cause)
  }
  return (text, token, wanted, now) => {
    const ended = checkKnown(token)
    if (ended !== undefined) return refuse(ended)
    if (ends === undefined) return accept(token)
    const isStale = ends.isStale(token, now)
    if (isStale && ends.renew !== undefined) return renewFirst(text, token, wanted, ends)
    return judgeKnown(text, token, wanted, isStale)
  }
}

/** Returns what the issuer is asked about. It does not know what its scopes mean at this service. */
export function toAsked<D extends Demands>({ operators, scopes }: CoreSettings, wanted: D) {
  return { ...wanted, operators, ...(scopes !== undefined && { scope: [] }) }
}

/**
 * Makes the entry of a token whose signature was verified. The claims are frozen, because all callers get the same
 * object.
 */
export function toGenuine(claims: VerifiedClaims, key: VerificationKey, admitted?: Admitted): Genuine {
  Object.freeze(claims.aud)
  Object.freeze(claims.epoch)
  Object.freeze(claims.cnf)
  Object.freeze(claims.edges)
  Object.freeze(claims.home?.epoch)
  Object.freeze(claims.home?.kids)
  Object.freeze(claims.home)
  for (const result of claims.attestation ?? []) Object.freeze(result)
  Object.freeze(claims.attestation)
  Object.freeze(claims.status?.status_list)
  Object.freeze(claims.status)
  const effective = effectiveOf(claims, admitted)
  return { claims: Object.freeze(claims), effective, key, clearAtVersion: -1, met: undefined, admitted }
}

/** Returns what the claims mean here. The attestors of another deployment are not known here. */
function effectiveOf(claims: VerifiedClaims, admitted: Admitted | undefined): AccessTokenClaims {
  const { attestation, ...others } = claims
  const { scope, effectiveScope } = claims
  if (scope === effectiveScope && (admitted === undefined || attestation === undefined)) return claims
  return { ...(admitted === undefined ? claims : others), scope: effectiveScope }
}

function checkWanted(
  token: Genuine,
  wanted: Demands,
  operators: readonly string[],
  { wall }: Moment,
): VerificationReason | undefined {
  if (token.met === wanted) return undefined
  const refusal = checkRequirements(token.effective, { ...wanted, operators }, Math.floor(wall / 1_000))
  // The age of a result grows, so it is compared again each time.
  const isLasting = typeof wanted.dpop !== 'object' && wanted.attestation?.maxAgeS === undefined
  if (refusal === undefined && isLasting) token.met = wanted
  return refusal
}

/** Names the scopes that a token lacks. */
function detailOf(reason: VerificationReason, { claims }: Genuine, { scope }: Demands): string | undefined {
  if (reason !== 'SCOPE_MISSING') return undefined
  const granted = claims.effectiveScope.split(' ')
  return scope.filter((each) => !granted.includes(each)).join(' ')
}
