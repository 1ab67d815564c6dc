import type { Moment } from '@auth4agent/core/platform/moment'
import { type Follower, followRevocations } from '@auth4agent/core/revocation/follower'
import { tokenIdentity } from '@auth4agent/core/token/token-identity'
import { createJudge, type Ends, type Judge, type JudgeOptions } from '../judge.ts'
import type { Counts } from '../metrics.ts'
import type { CoreSettings } from '../options.ts'
import { createProblems } from '../problems.ts'
import { createRootKeyLook } from '../root-key.ts'
import { createLocate, feedOf } from '../sources.ts'
import type { Abroad, Admitted, FollowedLog } from './admitted.ts'
import { type Budget, createBudget } from './budget.ts'
import type { IsLive } from './is-live.ts'
import type { FollowedSettings } from './trust-options.ts'

/** Begins to follow the log of another issuer. */
export function followIssuer(
  settings: Omit<CoreSettings, keyof FollowedSettings> & FollowedSettings,
  isClosed: () => boolean,
): FollowedLog {
  const { issuer, maxStalenessMs, skewS } = settings
  const locate = createLocate(settings)
  const feed = feedOf(settings, locate)
  const problems = createProblems(issuer, settings.onProblem)
  const onRootKey = (warning: Error) => problems.warn(warning)
  const lookAtKey = createRootKeyLook({ ...settings, locate, isClosed, onRootKey })
  // The keys come with the admissions. They are used for so short a time that the log still has each record that ended
  // one of them since they were fetched, and refuses its tokens.
  const keys = { end: () => undefined, renew: async () => undefined }
  const follower = followRevocations({
    feed,
    keys,
    maxStalenessMs,
    skewMs: skewS * 1_000,
    // The own deployment refuses tokens of such a deployment as well.
    onlyGrows: true,
    onProblem: (error) => problems.report('revocations', error),
    onSuccess: () => {
      problems.settle('revocations')
      lookAtKey()
    },
  })
  return { issuer, follower, maxStalenessMs, problems }
}

/** How often the server is asked about the tokens of one issuer. Others must not wait for them. */
export interface Questions {
  readonly genuine: Budget
  /** About tokens whose signature cannot be checked: anybody can make them. */
  readonly others: Budget
}

/** The part of a verifier that judges the tokens of one other issuer. */
export interface ForeignIssuer {
  readonly log: FollowedLog | undefined
  readonly counts: Counts
  readonly questions: Questions
  readonly ends: Ends
  readonly judge: Judge['judge']
  readonly refuse: Judge['refuse']
}

/** Options of {@link createForeignIssuer}. */
export interface ForeignIssuerOptions extends Pick<JudgeOptions, 'settings' | 'checkBound' | 'isClosed'> {
  /** The log of this issuer, if it is followed here. */
  readonly log: FollowedLog | undefined
  /** The logs of all issuers that are followed here. */
  readonly logs: readonly FollowedLog[]
  /** The log of the own deployment. */
  readonly own: { readonly follower: Follower; readonly maxStalenessMs: number }
  readonly isLive: IsLive
  readonly counts: Counts
}

/** Makes the part of a verifier for one other issuer. */
export function createForeignIssuer(options: ForeignIssuerOptions): ForeignIssuer {
  const { settings, checkBound, isClosed, log, counts } = options
  const questions = { genuine: createBudget(200, 400), others: createBudget(10, 40) }
  const ends = createEnds(options)
  const { judge, refuse } = createJudge({ settings, ends, checkBound, askAbout: askNobody, counts, isClosed })
  return { log, counts, questions, ends, judge, refuse }
}

/** The server is asked before a token is judged, so the judge of stale knowledge refuses. */
async function askNobody(): Promise<never> {
  throw new Error('The judge asks nobody')
}

/** Makes what is known of ends: in the own log, in the log of the issuer, and in those of other signers. */
function createEnds({ own, log, logs, isLive }: ForeignIssuerOptions): Ends {
  const followers = [own.follower, ...logs.map(({ follower }) => follower)]
  return {
    get version() {
      let version = 0
      for (const follower of followers) version += follower.version
      return version
    },
    lookup: ({ admitted, claims, key }) =>
      (admitted && findEnd(own.follower, admitted)) ?? log?.follower.lookup(tokenIdentity(claims, key.kid)),
    isStale({ admitted, key }, now) {
      if (own.follower.ageMs(now) > own.maxStalenessMs) return true
      // A slow replay store may have answered after the end of the admission.
      if (admitted === undefined || !isLive(admitted, key.kid, now)) return true
      return sourcesOf(admitted, log).some((each) => isOld(each, now))
    },
    get forgottenThroughS() {
      return log?.follower.forgottenThroughS ?? 0
    },
  }
}

/** A deployment whose log decides about a token, and this log. */
type Source = Pick<Abroad, 'issuer' | 'log'>

/** With the mode `none`, nobody knows the revocations of an issuer, and its tokens live for 5 minutes at most. */
function sourcesOf(
  { issuer, abroad }: Pick<Admitted, 'issuer' | 'abroad'>,
  log: FollowedLog | undefined,
): readonly Source[] {
  return issuer.mode === 'none' ? abroad : [{ issuer, log }, ...abroad]
}

/** Returns whether a log is older than the program or the administrator of the own deployment allows. */
function isOld({ issuer, log }: Source, now: Moment): boolean {
  if (issuer === undefined || log === undefined) return true
  return log.follower.ageMs(now) > Math.min(log.maxStalenessMs, issuer.maxStalenessMs)
}

/** Returns why an admission has ended. */
export function findEnd(own: Follower, { here, abroad }: Pick<Admitted, 'here' | 'abroad'>) {
  return own.lookupTrust(here) ?? abroad.map(({ log, basis }) => log?.follower.lookupTrust(basis)).find(Boolean)
}

/** Returns whether only the own deployment can say whether a token has ended. */
export function mustAsk(admitted: Pick<Admitted, 'issuer' | 'abroad'>, log: FollowedLog | undefined): boolean {
  return sourcesOf(admitted, log).some((each) => each.issuer?.mode !== 'log' || each.log === undefined)
}
