import { type Moment, present } from '@auth4agent/core/platform/moment'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import { checkTimes, type VerificationKey } from '@auth4agent/core/token/access-token'
import { checkRequirements, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Ask } from './ask.ts'
import { VerificationError, type VerificationReason } from './errors.ts'
import type { Follower } from './follower.ts'
import type { Counts } from './metrics.ts'
import type { Settings } from './options.ts'

/** A token whose signature was verified. */
export interface Genuine {
  readonly claims: AccessTokenClaims
  readonly key: VerificationKey
  /** The follower's version at the last check that found no revocation of the token; -1 before the first check. */
  clearAtVersion: number
  /** The last requirements that the token met. */
  met: Requirements | undefined
}

/** Decides whether a genuine token is valid now. */
export interface Judge {
  /** Returns the claims, or a promise if the issuer must be asked. Throws or rejects with VerificationError. */
  readonly judge: (
    text: string,
    token: Genuine,
    wanted: Requirements,
    now: Moment,
  ) => AccessTokenClaims | Promise<AccessTokenClaims>
  /** Throws VerificationError, and counts it. */
  readonly refuse: (reason: VerificationReason, cause?: unknown) => never
}

/** Options of {@link createJudge}. Without a follower, the judge does not check revocations. */
export interface JudgeOptions {
  readonly settings: Settings
  readonly follower: Follower | undefined
  readonly ask: Ask
  readonly counts: Counts
  /** Returns whether the verifier is closed. It may be closed while a token is being checked. */
  readonly isClosed: () => boolean
}

/** Makes the judge, which checks a token in the same order as the server. */
export function createJudge({ settings, follower, ask, counts, isClosed }: JudgeOptions): Judge {
  const { skewS, maxStalenessMs, onStale } = settings
  const refuse = (reason: VerificationReason, cause?: unknown): never => {
    counts.add(reason)
    throw new VerificationError(reason, cause === undefined ? undefined : { cause })
  }
  const accept = ({ claims }: Genuine): AccessTokenClaims => {
    counts.add('VALID')
    return claims
  }
  const checkClosed = (): VerificationReason | undefined => (isClosed() ? 'VERIFIER_CLOSED' : undefined)
  const checkClock = ({ claims }: Genuine, { wall }: Moment): VerificationReason | undefined => {
    // The follower may have forgotten the record that ended this token. So the token must stay expired even if the
    // clock is set back.
    if (follower !== undefined && claims.exp <= follower.forgottenThroughS) return 'TOKEN_EXPIRED'
    return checkTimes(claims, Math.floor(wall / 1_000), skewS)
  }
  const checkKnown = (token: Genuine): VerificationReason | undefined => {
    if (follower === undefined || token.clearAtVersion === follower.version) return undefined
    const ended = follower.lookup(identityOf(token))
    if (ended === undefined) token.clearAtVersion = follower.version
    return ended
  }
  const askAbout = async (text: string, token: Genuine, wanted: Requirements): Promise<AccessTokenClaims> => {
    const answer = await ask(text, token.claims, wanted).catch((error: unknown) => refuse('REVOCATIONS_STALE', error))
    const refusal = answer ?? checkClosed() ?? checkClock(token, present()) ?? checkKnown(token)
    return refusal === undefined ? accept(token) : refuse(refusal)
  }
  return {
    refuse,
    judge(text, token, wanted, now) {
      const refusal = checkClosed() ?? checkClock(token, now) ?? checkWanted(token, wanted) ?? checkKnown(token)
      if (refusal !== undefined) return refuse(refusal)
      if (follower === undefined || follower.ageMs(now) <= maxStalenessMs) return accept(token)
      return onStale === 'ask' ? askAbout(text, token, wanted) : refuse('REVOCATIONS_STALE')
    },
  }
}

/**
 * Makes the entry of a token whose signature was verified. The claims are frozen, because all callers get the same
 * object.
 */
export function toGenuine(claims: AccessTokenClaims, key: VerificationKey): Genuine {
  Object.freeze(claims.aud)
  Object.freeze(claims.epoch)
  return { claims: Object.freeze(claims), key, clearAtVersion: -1, met: undefined }
}

function checkWanted(token: Genuine, wanted: Requirements): VerificationReason | undefined {
  if (token.met === wanted) return undefined
  const refusal = checkRequirements(token.claims, wanted)
  if (refusal === undefined) token.met = wanted
  return refusal
}

function identityOf({ claims, key }: Genuine): TokenIdentity {
  const { jti, sub, operator_id: operatorId, epoch } = claims
  const [agentEpoch, operatorEpoch] = epoch
  return { jti, sub, operatorId, agentEpoch, operatorEpoch, kid: key.kid }
}
