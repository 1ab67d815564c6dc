import type { Audience } from '@auth4agent/core/token/audience'
import type { AudienceRule } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'

/** An entry of a list of callers. */
interface CallerEntry {
  /** Audience of the rule. */
  readonly audience: string
  /** A domain, or `*`. */
  readonly caller: string
  /** Id of its edge. Empty if the operator registry is an older version, which knows no edges. */
  readonly edge: string
}

/**
 * Finds the entry that lets the agents of a domain have tokens for an audience. The domain comes before `*`, and the
 * rule for the exact audience before the rule for its host.
 */
export function findCaller(
  { text, host }: Audience,
  rules: readonly Pick<AudienceRule, 'audience' | 'callers' | 'callerEdges'>[],
  domain: string,
): CallerEntry | undefined {
  for (const caller of [domain, '*']) {
    for (const audience of [text, host]) {
      const rule = rules.find((each) => each.audience === audience)
      const at = rule?.callers.indexOf(caller) ?? -1
      if (at !== -1) return { audience, caller, edge: rule?.callerEdges[at] ?? '' }
    }
  }
  return undefined
}
