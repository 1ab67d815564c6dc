import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { ageOf, type Relied } from '../decide/freshness.ts'
import { showIssuer } from './cures/cure-commands.ts'
import type { ExplainDeps, Leg } from './deps.ts'

/** An issuer on which the answer rests, as the asker may see it. */
export interface ShownRelied extends Relied {
  /** Its text; empty if the asker may not see it. */
  readonly shown: string
}

/** Prints whether what is known of other deployments is fresh enough. Without any of them, it always is. */
export function explainFreshness(
  { issuer, logs, now }: Pick<ExplainDeps, 'issuer' | 'logs' | 'now'>,
  relied: readonly ShownRelied[],
): Leg {
  const nowMs = now()
  const ages = relied.map((each) => ({ ...ageOf(logs, each, nowMs), shown: each.shown }))
  const stale = ages.find(({ isStale }) => isStale)
  const known = ages.flatMap(({ ageMs }) => (ageMs === undefined ? [] : [ageMs]))
  const edge = (shown: string) => ({ kind: 'admits', from: issuer, to: shown })
  const fresh = [...new Set(ages.filter(({ isStale }) => !isStale).map(({ shown }) => shown))]
  return {
    leg: 'freshness',
    ok: stale === undefined,
    path: fresh.map(edge),
    maxStalenessMs: Math.max(0, ...ages.map(({ maxMs }) => maxMs)),
    ...(known.length > 0 && { asOf: timestampFromMs(Math.floor(nowMs - Math.max(...known))) }),
    ...(stale && {
      missing: { ...edge(stale.shown), state: 'stale' },
      cures: stale.shown === '' ? [] : [showIssuer(stale.shown)],
    }),
  }
}
