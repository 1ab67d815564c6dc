import { createFairCache } from '@auth4agent/core/delegation/fair-cache'
import type { Audience } from '@auth4agent/core/token/audience'
import type { AudienceRule, LookupAudienceOwnerResponse } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { listParentDomains } from '../operator-registry/index.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Cause } from '../platform/trace/span.ts'
import type { AudienceOwners } from './audience-owners.ts'
import { perTimeline, type Timeline } from './timeline.ts'

/** Who owned an audience when a decision was made. The redemption fails if this is no longer so. */
export interface SeenOwner {
  /** The host of the audience, and the domains that cover it, longest first. */
  readonly domains: readonly string[]
  /** Empty if nobody owns the audience. */
  readonly operatorId: string
  /** 0 if nobody owns the audience. */
  readonly version: number
}

/** The owners of audiences, for one decision. */
export interface Owners {
  /** Returns the owner of an audience, with the entries of these domains in its lists of callers. */
  ownerOf(audience: Audience, callers: readonly string[]): Promise<LookupAudienceOwnerResponse>
}

/** A decision, and the owners from which it was made. */
interface DecidedByOwners<T> {
  readonly value: T
  readonly owners: readonly SeenOwner[]
}

/** A memory of the owners of audiences. */
export interface KnownOwners {
  /**
   * Decides with remembered owners. That is enough to allow a redemption, because the redeeming statement checks the
   * owners and their versions. It is not enough to refuse: when the decision refuses, this function looks up the
   * owners, and decides again if one has changed. With `fresh` it looks them up at once.
   */
  decide<T>(decision: (owners: Owners) => Promise<T>, fresh: boolean, cause: Cause): Promise<DecidedByOwners<T>>
}

/** One question about an audience, and its answer. */
interface Asked {
  readonly audience: Audience
  readonly callers: readonly string[]
  readonly answer: LookupAudienceOwnerResponse
  readonly isRemembered: boolean
}

/** A host with more domains is looked up each time, because the redeeming statement would look up all of them. */
const MAX_DOMAINS = 16

/**
 * Creates a memory of at most `capacity` answers in front of the directory. Only what allowed something is remembered.
 * An answer belongs to the last caller, the one that asks: nobody pushes out the answers of others.
 */
export function createKnownOwners(directory: AudienceOwners, timeline: Timeline, capacity = 10_000): KnownOwners {
  const remembered = perTimeline(timeline, () => createFairCache<LookupAudienceOwnerResponse>(capacity))

  const lookUp = async (audience: Audience, callers: readonly string[], cause: Cause): Promise<Asked> => {
    const question = { host: audience.host, audiences: [audience.text], callers: [...callers] }
    return { audience, callers, answer: await directory.lookupAudienceOwner(question, cause), isRemembered: false }
  }
  const recall = (key: string, audience: Audience, callers: readonly string[]): Asked | undefined => {
    const answer = remembered().get(key)
    return answer && { audience, callers, answer, isRemembered: true }
  }
  const attempt = async <T>(
    decision: (owners: Owners) => Promise<T>,
    asked: Map<string, Asked>,
    fresh: boolean,
    cause: Cause,
  ) => {
    const known = remembered()
    const value = await decision({
      async ownerOf(audience, callers) {
        const key = keyOf(audience, callers)
        const before = asked.get(key) ?? (fresh ? undefined : recall(key, audience, callers))
        const found = before ?? (await lookUp(audience, callers, cause))
        asked.set(key, found)
        return found.answer
      },
    })
    const checked = Array.from(asked).filter(([, each]) => canBeChecked(each))
    for (const [key, each] of checked)
      if (!each.isRemembered) known.set(key, each.callers.at(-1) ?? '', whatWasAsked(each))
    return { value, owners: seenOwners(checked.map(([, each]) => each)) }
  }
  return {
    async decide(decision, fresh, cause) {
      const used = new Map<string, Asked>()
      try {
        return await attempt(decision, used, fresh, cause)
      } catch (error) {
        // UNAVAILABLE is no refusal: perhaps a look-up has failed.
        if (!(error instanceof ApiError) || error.reason === 'UNAVAILABLE') throw error
        const remembered = Array.from(used.values()).filter(({ isRemembered }) => isRemembered)
        const now = await Promise.all(remembered.map(({ audience, callers }) => lookUp(audience, callers, cause)))
        if (now.every((each, at) => isSameOwner(each, remembered[at]))) throw error
        for (const each of now) used.set(keyOf(each.audience, each.callers), each)
        return attempt(decision, used, true, cause)
      }
    },
  }
}

function keyOf({ text }: Audience, callers: readonly string[]): string {
  return [text, ...callers].join(' ')
}

function isSameOwner(one: Asked, other: Asked | undefined): boolean {
  const { operatorId, operatorVersion } = one.answer
  return operatorId === other?.answer.operatorId && operatorVersion === other.answer.operatorVersion
}

/**
 * Returns whether the redeeming statement can notice that an answer is out of date. The answer of a process of an
 * older version has no version.
 */
function canBeChecked({ audience, answer: { operatorId, operatorVersion } }: Asked): boolean {
  return (operatorId === '' || operatorVersion > 0) && listParentDomains(audience.host).length <= MAX_DOMAINS
}

/** Returns the part of an answer that was asked for. Requests that share a look-up get all that any of them asks. */
function whatWasAsked({ audience, callers, answer }: Asked): LookupAudienceOwnerResponse {
  const wanted = new Set([...callers, '*'])
  const rules = answer.rules.filter((rule) => rule.audience === audience.text || rule.audience === audience.host)
  return { ...answer, rules: rules.map((rule) => onlyCallers(rule, wanted)) }
}

function onlyCallers(rule: AudienceRule, wanted: ReadonlySet<string>): AudienceRule {
  const isWanted = (_: string, at: number) => wanted.has(rule.callers[at] ?? '')
  return { ...rule, callers: rule.callers.filter(isWanted), callerEdges: rule.callerEdges.filter(isWanted) }
}

function seenOwners(asked: readonly Asked[]): readonly SeenOwner[] {
  const owners = new Map<string, SeenOwner>()
  for (const { audience, answer } of asked) {
    const { operatorId, operatorVersion: version } = answer
    const seen = { domains: listParentDomains(audience.host), operatorId, version }
    owners.set(`${audience.host} ${operatorId} ${version}`, seen)
  }
  return [...owners.values()]
}
