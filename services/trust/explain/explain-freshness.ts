import { present } from '@auth4agent/core/platform/moment'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { hasKeys, isAttested } from '../foreign/genuine-foreign.ts'
import type { KnownIssuer } from '../knowledge/known-issuer.ts'
import { showIssuer } from './cure-commands.ts'
import type { ExplainDeps, Leg } from './deps.ts'

/** An issuer on which the answer rests. */
export interface Relied {
  /** Its text; empty if the asker may not see it. */
  readonly shown: string
  /** Undefined if this process does not know it yet. */
  readonly issuer: KnownIssuer | undefined
  /** Whether it is the issuer of the caller's tokens, and not that of a statement on the path. */
  readonly issuesToken: boolean
}

/** How old the knowledge of an issuer may be and is, in milliseconds. */
interface Age {
  readonly isStale: boolean
  readonly maxMs: number
  /** Unix milliseconds; undefined if the issuer is asked about tokens or for lists, or if nothing is known. */
  readonly asOf?: number
}

/** Longest lifetime of a token whose revocations are not known, in seconds. */
const MAX_UNKNOWN_TTL_S = 300

/** Explains whether what is known of other deployments is fresh enough. Without any of them, it always is. */
export function explainFreshness(deps: Pick<ExplainDeps, 'issuer' | 'logs' | 'now'>, relied: readonly Relied[]): Leg {
  const ages = relied.map((each) => ({ ...each, ...ageOf(deps, each) }))
  const stale = ages.find(({ isStale }) => isStale)
  const asOfs = ages.flatMap(({ asOf }) => (asOf === undefined ? [] : [asOf]))
  const edge = (shown: string) => ({ kind: 'admits', from: deps.issuer, to: shown })
  const fresh = [...new Set(ages.filter(({ isStale }) => !isStale).map(({ shown }) => shown))]
  return {
    leg: 'freshness',
    ok: stale === undefined,
    path: fresh.map(edge),
    maxStalenessMs: Math.max(0, ...ages.map(({ maxMs }) => maxMs)),
    ...(asOfs.length > 0 && { asOf: timestampFromMs(Math.min(...asOfs)) }),
    ...(stale && {
      missing: { ...edge(stale.shown), state: 'stale' },
      cures: stale.shown === '' ? [] : [showIssuer(stale.shown)],
    }),
  }
}

/** Statements of another deployment need its log, whatever the mode of its tokens is. */
function ageOf({ logs, now }: Pick<ExplainDeps, 'logs' | 'now'>, { issuer, issuesToken }: Relied): Age {
  if (issuer === undefined) return { isStale: true, maxMs: 0 }
  const { mode, maxStalenessMs, maxTokenTtlS } = issuer
  const lacksKeys = !isAttested(issuer, now()) || (issuesToken && !hasKeys(issuer, now()))
  if (issuesToken && mode === 'none') {
    return { isStale: lacksKeys, maxMs: Math.min(maxTokenTtlS, MAX_UNKNOWN_TTL_S) * 1_000 }
  }
  if (issuesToken && (mode === 'introspection' || mode === 'status_list'))
    return { isStale: lacksKeys, maxMs: maxStalenessMs }
  const ageMs = logs.of(issuer.issuer)?.ageMs(present()) ?? Number.POSITIVE_INFINITY
  const isStale = lacksKeys || ageMs > maxStalenessMs
  return { isStale, maxMs: maxStalenessMs, ...(Number.isFinite(ageMs) && { asOf: Math.floor(now() - ageMs) }) }
}
