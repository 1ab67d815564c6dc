import type { Moment } from '@auth4agent/core/platform/moment'
import {
  checkSigned,
  checkTimes,
  type ReadToken,
  readAccessToken,
  type VerificationKey,
} from '@auth4agent/core/token/access-token'
import { checkRequirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { VerificationErrorOptions, VerificationReason } from '../errors.ts'
import type { IssuerCore } from '../issuer-core.ts'
import { type Answer, type Genuine, toGenuine } from '../judge.ts'
import type { Demands } from '../wanted.ts'
import { createFindAdmitted, type FindAdmitted } from './find-admitted.ts'
import { type ForeignIssuer, findEnd, mustAsk } from './foreign-issuer.ts'
import type { TrustOptions, TrustParts } from './open-trust.ts'
import type { AdmittedIssuer } from './read-answer.ts'

/** The part of a verifier that knows the tokens of other deployments. */
export interface ServerTrust extends Omit<IssuerCore, 'refuse' | 'follower' | 'metrics'> {
  readonly metrics: TrustParts['metrics']
}

/** The verdicts that say that a newer statement may allow a token again. A copy may say yes, and never no. */
const MAY_BE_NEWER: ReadonlySet<VerificationReason> = new Set(['ISSUER_DISABLED', 'TRUST_ENDED'])

/**
 * Makes the part of a verifier for tokens of other deployments. A token is accepted here if a copy of the admissions
 * says so, nothing that this rests on has ended in the logs, and these are known well enough. The own deployment is
 * asked about every other genuine token.
 */
export function createServerTrust(
  { settings, remember }: Pick<TrustOptions, 'settings' | 'remember'>,
  parts: TrustParts,
): ServerTrust {
  const { admissions, online, own, isLive } = parts
  const asksIfStale = settings.onStale === 'ask'
  const find: FindAdmitted = createFindAdmitted({
    admissions,
    logs: parts.logs,
    hasEnded: (basis) => findEnd(own.follower, basis) !== undefined,
    skewMs: settings.skewS * 1_000,
  })
  /** Judges a token whose signature was verified. */
  const admit = (
    text: string,
    claims: AccessTokenClaims,
    key: VerificationKey,
    wanted: Demands,
    now: Moment,
  ): Answer => {
    const part = parts.of(claims.iss)
    const doubt = (isUnknown: boolean) => online.verify({ text, claims, wanted, isGenuine: true, isUnknown, ...part })
    const found = find(claims, wanted.audience, now)
    if (found === undefined || !isLive(found.admitted, key.kid, now)) return doubt(true)
    const { admitted, scopes } = found
    const refusal = checkIssuer(admitted.issuer, claims, key)
    if (refusal !== undefined) return part.refuse(refusal.reason, refusal)
    if (mustAsk(admitted, part.log)) return doubt(false)
    const token = toGenuine({ ...claims, effectiveScope: scopes.join(' ') }, key, admitted)
    if (asksIfStale && part.ends.isStale(token, now)) return doubt(false)
    const answer = part.judge(text, token, wanted, now)
    if (!(answer instanceof Promise)) remember(text, token)
    return answer
  }
  /** Returns whether what was found about a remembered token still holds. */
  const holds = ({ ends }: ForeignIssuer, token: Genuine, { audience }: Demands, now: Moment): boolean => {
    const { admitted, key } = token
    if (admitted?.audiences !== audience || admissions.of(admitted.audience, now) !== admitted.copy) return false
    if (!isLive(admitted, key.kid, now)) return false
    if (asksIfStale && ends.isStale(token, now)) return false
    if (token.clearAtVersion === ends.version) return true
    const ended = ends.lookup(token)
    return ended === undefined || !MAY_BE_NEWER.has(ended)
  }
  const checkEarly = (claims: AccessTokenClaims, wanted: Demands, now: Moment) =>
    checkTimes(claims, Math.floor(now.wall / 1_000), settings.skewS) ??
    checkRequirements(stated(claims), { ...wanted, scope: [], operators: [] }, Math.floor(now.wall / 1_000))
  /** Returns a key that shows that a token is genuine. Whether the token is accepted depends on its admission. */
  const findKey = (iss: string, kid: string): VerificationKey | undefined => {
    const issuer = admissions.issuer(iss)
    if (issuer?.kind !== 'auth4agent') return undefined
    return issuer.keys.get(kid)
  }
  const verifyNew = (text: string, read: ReadToken, wanted: Demands, now: Moment): Answer => {
    const { claims, jws } = read
    const part = parts.of(claims.iss)
    const early = checkEarly(claims, wanted, now)
    if (early !== undefined) return part.refuse(early)
    const key = findKey(claims.iss, jws.header.kid)
    if (key === undefined) return online.verify({ text, claims, wanted, isGenuine: false, isUnknown: true, ...part })
    const signed = checkSigned(read, claims.iss, key)
    return 'verdict' in signed ? part.refuse(signed.verdict) : admit(text, signed.claims, key, wanted, now)
  }
  /** Judges a token whose admission must be found again, most often because the copies are new. */
  const judgeAgain = (text: string, { claims, key }: Genuine, wanted: Demands, now: Moment): Answer => {
    const read = findKey(claims.iss, key.kid) === key ? undefined : readAccessToken(text)
    const { refuse } = parts.of(claims.iss)
    if (read !== undefined) return 'verdict' in read ? refuse(read.verdict) : verifyNew(text, read, wanted, now)
    const early = checkEarly(claims, wanted, now)
    return early === undefined ? admit(text, claims, key, wanted, now) : refuse(early)
  }
  return {
    // The judge looks again at everything that a remembered token rests on.
    holds: () => true,
    judge(text, token, wanted, now) {
      const part = parts.of(token.claims.iss)
      return holds(part, token, wanted, now)
        ? part.judge(text, token, wanted, now)
        : judgeAgain(text, token, wanted, now)
    },
    verifyNew,
    judgeDelegated: async () =>
      parts.others.refuse('DELEGATION_NOT_ACCEPTED', { detail: 'it is of another deployment' }),
    ready: parts.ready,
    metrics: parts.metrics,
    close: parts.close,
  }
}

/** Leaves out what attestors of another deployment have said: they are not known here. */
function stated({ attestation: _attestation, ...claims }: AccessTokenClaims): AccessTokenClaims {
  return claims
}

/** Why a token is refused by what is known of its issuer. None of it changes in favour of a token. */
interface Refusal extends VerificationErrorOptions {
  readonly reason: VerificationReason
}

function checkIssuer(
  { algorithms, acceptedFrom, maxTokenTtlS }: AdmittedIssuer,
  { iat, exp }: AccessTokenClaims,
  key: VerificationKey,
): Refusal | undefined {
  if (!algorithms.includes(key.alg)) return { reason: 'UNSUPPORTED_ALGORITHM' }
  if (iat * 1_000 <= acceptedFrom) return { reason: 'ISSUER_DISABLED' }
  if (exp - iat > maxTokenTtlS) return { reason: 'LIFETIME_TOO_LONG', detail: `it must be at most ${maxTokenTtlS} s` }
  return undefined
}
