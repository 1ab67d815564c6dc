import type { Audience } from '@auth4agent/core/token/audience'
import type { LookupAudienceOwnerResponse } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'

type Rule = Pick<LookupAudienceOwnerResponse['rules'][number], 'audience' | 'callers' | 'callerEdges'>

/** Who owns an audience, and whom the owner lets call it. `operatorId` is empty if nobody owns it. */
interface Owner {
  readonly operatorId: string
  readonly rules: readonly Rule[]
}

/** What lets a caller call an audience. `entry` is undefined if nobody has to let it. */
interface Admitted {
  readonly entry: CallerEntry | undefined
}

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
function findCaller({ text, host }: Audience, rules: readonly Rule[], domain: string): CallerEntry | undefined {
  for (const caller of [domain, '*']) {
    for (const audience of [text, host]) {
      const rule = rules.find((each) => each.audience === audience)
      const at = rule?.callers.indexOf(caller) ?? -1
      if (at !== -1) return { audience, caller, edge: rule?.callerEdges[at] ?? '' }
    }
  }
  return undefined
}

/**
 * Decides whether agents of an operator may call an audience other than the issuer. It is the one rule for tokens,
 * exchanges, verifications and explanations: the owner calls its own audiences, and lists the other callers. An
 * audience without an owner is open to all.
 *
 * @returns undefined if the owner must list the caller first
 */
export function admitCaller(
  audience: Audience,
  { operatorId, rules }: Owner,
  caller: { readonly id: string; readonly domain: string },
): Admitted | undefined {
  if (operatorId === '' || operatorId === caller.id) return { entry: undefined }
  const entry = findCaller(audience, rules, caller.domain)
  return entry && { entry }
}
