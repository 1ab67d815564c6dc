import { type Moment, present } from '@auth4agent/core/platform/moment'
import type { Follower } from '@auth4agent/core/revocation/follower'
import type { CheckBound } from '../bound-tokens.ts'
import type { IssuerCore } from '../issuer-core.ts'
import type { Genuine } from '../judge.ts'
import { type AdmissionMetrics, type Counts, createCounts, type IssuerMetrics } from '../metrics.ts'
import type { CoreSettings } from '../options.ts'
import { createProblems } from '../problems.ts'
import { createLocate } from '../sources.ts'
import type { FollowedLog } from './admitted.ts'
import { createAskServer } from './ask-server.ts'
import { createForeignIssuer, type ForeignIssuer, followIssuer } from './foreign-issuer.ts'
import { createIsLive, type IsLive } from './is-live.ts'
import { type Admissions, keepAdmissions } from './keep-admissions.ts'
import type { TrustSettings } from './trust-options.ts'
import { createVerifyOnline, type VerifyOnline } from './verify-online.ts'

/** Options of {@link openTrust}. */
export interface TrustOptions {
  /** The settings of the own deployment. */
  readonly settings: CoreSettings
  readonly trust: TrustSettings
  readonly audiences: readonly string[]
  /** The log of the own deployment. */
  readonly follower: Follower
  readonly checkBound: CheckBound
  readonly isClosed: () => boolean
  /** Counts tokens whose issuer is not known. */
  readonly counts: Counts
  /** Called for each token that was accepted, so that its signature need not be verified again. */
  readonly remember: (text: string, token: Genuine) => void
}

/** What decides about tokens of other deployments. */
export interface TrustParts {
  readonly admissions: Admissions
  readonly online: VerifyOnline
  readonly logs: ReadonlyMap<string, FollowedLog>
  readonly own: { readonly follower: Follower; readonly maxStalenessMs: number }
  readonly isLive: IsLive
  readonly others: ForeignIssuer
  /** Returns the part for an issuer; `others` for one that is neither followed nor admitted. */
  of(issuer: string): ForeignIssuer
  readonly ready: IssuerCore['ready']
  readonly metrics: () => TrustMetrics
  readonly close: () => void
}

/** The metrics of the admissions, and of each other issuer. */
interface TrustMetrics {
  readonly issuers: Readonly<Record<string, IssuerMetrics>>
  readonly admissions: AdmissionMetrics
}

/** The most other issuers that have a part of their own. A deployment admits 64. */
const MAX_ISSUERS = 96

/** Begins to read the admissions, and to follow the logs of other issuers. */
export function openTrust(options: Omit<TrustOptions, 'remember'>): TrustParts {
  const { settings, trust, follower, isClosed } = options
  const own = { follower, maxStalenessMs: settings.maxStalenessMs }
  const problems = createProblems(settings.issuer, settings.onProblem)
  const admissions = openAdmissions(options, problems)
  const logs = new Map(trust.follow.map((each) => [each.issuer, followIssuer({ ...settings, ...each }, isClosed)]))
  const online = createVerifyOnline({
    settings,
    checkBound: options.checkBound,
    ask: createAskServer(settings.fetch, async () => (await createLocate(settings)()).verify),
    isClosed,
    onOldCopies: () => admissions.refreshSoon(),
  })
  const isLive = createIsLive(admissions, settings.skewS * 1_000)
  const create = (issuer: string, counts = createCounts()) =>
    createForeignIssuer({
      settings: { ...settings, issuer, operators: [], scopes: undefined, isListed: true, onStale: 'refuse' },
      checkBound: options.checkBound,
      isClosed,
      log: logs.get(issuer),
      logs: [...logs.values()],
      own,
      isLive,
      counts,
    })
  const parts = new Map([...logs.keys()].map((issuer) => [issuer, create(issuer)]))
  const others = create('', options.counts)
  return {
    admissions,
    online,
    logs,
    own,
    isLive,
    others,
    of(issuer) {
      const known = parts.get(issuer)
      if (known !== undefined) return known
      if (parts.size >= MAX_ISSUERS || admissions.issuer(issuer) === undefined) return others
      const made = create(issuer)
      parts.set(issuer, made)
      return made
    },
    async ready(closing, waiting) {
      const ofLogs = [...logs.values()].map((log) =>
        log.problems.untilReady(() => Promise.race([closing, log.follower.ready]), waiting),
      )
      const ofOwn = problems.untilReady(() => Promise.race([closing, admissions.ready]), waiting)
      await Promise.all([ofOwn, ...ofLogs])
    },
    metrics: () => toMetrics({ admissions, online, parts }, present()),
    close() {
      admissions.close()
      for (const log of logs.values()) log.follower.close()
    },
  }
}

type Problems = ReturnType<typeof createProblems>

function openAdmissions(
  { settings, trust, audiences }: Pick<TrustOptions, 'settings' | 'trust' | 'audiences'>,
  problems: Problems,
): Admissions {
  const locate = createLocate(settings)
  return keepAdmissions({
    operatorId: trust.operatorId,
    key: trust.key,
    issuer: settings.issuer,
    audiences,
    fetch: settings.fetch,
    locate: async () => (await locate()).admissions,
    skewMs: settings.skewS * 1_000,
    onProblem: (error) => problems.report('admissions', error),
    onSuccess: () => problems.settle('admissions'),
  })
}

interface Measured {
  readonly admissions: Admissions
  readonly online: VerifyOnline
  readonly parts: ReadonlyMap<string, ForeignIssuer>
}

function toMetrics({ admissions, online, parts }: Measured, now: Moment): TrustMetrics {
  const issuers = [...parts].map(([issuer, { log, counts }]): [string, IssuerMetrics] => {
    const known = admissions.issuer(issuer)
    const metrics = {
      stalenessSeconds: log && log.follower.ageMs(now) / 1_000,
      records: log?.follower.size ?? 0,
      keys: known?.keys.size ?? 0,
      keysAgeSeconds: known === undefined ? Number.POSITIVE_INFINITY : (now.wall - known.keysAsOf) / 1_000,
      verifications: counts.all(),
    }
    return [issuer, metrics]
  })
  return {
    issuers: Object.fromEntries(issuers),
    admissions: { count: admissions.size, ageSeconds: admissions.ageMs(now) / 1_000, questions: online.questions },
  }
}
