import { parseDid } from '@auth4agent/core/identity/did'
import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { equals } from '@bufbuild/protobuf'
import {
  type AgentDirectoryService,
  AgentSnapshotSchema,
  OperatorSnapshotSchema,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { Cause } from '../platform/trace/span.ts'
import type { Subject } from './domain/subject.ts'
import { perTimeline, type Timeline } from './timeline.ts'

/** A subject, and whether it was looked up for the current request. */
export interface Seen {
  readonly subject: Subject
  readonly isFresh: boolean
}

/** The agent of one DID, for one request. */
export interface SubjectOfRequest {
  /** Returns the subject, possibly from the cache. Throws AGENT_NOT_FOUND only after a look-up. */
  get(): Promise<Seen>
  /** Looks up the subject again. Throws AGENT_NOT_FOUND. */
  reload(): Promise<Seen>
  /**
   * Decides on a subject. A cached subject is enough to allow a redemption, because the redeeming statement checks the
   * versions. It is not enough to refuse: when the decision refuses a cached subject, this function looks up the
   * subject, and decides again if it has changed.
   */
  decide<T>(seen: Seen, decision: (subject: Subject) => Promise<T>): Promise<{ subject: Subject; value: T }>
}

/** A cache of agents with their operators, by DID. */
export interface Subjects {
  /** Returns the subject of a DID. Throws INVALID_DID when the text is not a DID. */
  of(did: string, cause: Cause): SubjectOfRequest
}

/** Creates a cache of at most `capacity` subjects in front of the agents' directory. */
export function createSubjects(
  agents: InternalClient<typeof AgentDirectoryService>,
  timeline: Timeline,
  capacity = 50_000,
): Subjects {
  const remembered = perTimeline(timeline, () => new Map<string, Subject>())

  const reload = async (did: string, cause: Cause): Promise<Seen> => {
    const cache = remembered()
    const { agent, operator } = await agents.lookupAgent({ did }, cause)
    cache.delete(did)
    if (agent === undefined || operator === undefined) throw new ApiError('AGENT_NOT_FOUND')
    const subject = { agent, operator }
    keepNewest(cache, did, subject, capacity)
    return { subject, isFresh: true }
  }
  return {
    of: (did, cause) => {
      // A DID in the cache has been parsed before.
      if (!remembered().has(did) && parseDid(did) === undefined) throw new ApiError('INVALID_DID')
      return subjectOf(did, cause)
    },
  }

  function subjectOf(did: string, cause: Cause): SubjectOfRequest {
    return {
      async get() {
        const subject = remembered().get(did)
        return subject ? { subject, isFresh: false } : await reload(did, cause)
      },
      reload: () => reload(did, cause),
      async decide(seen, decision) {
        try {
          return { subject: seen.subject, value: await decision(seen.subject) }
        } catch (error) {
          if (seen.isFresh || !(error instanceof ApiError)) throw error
          const { subject } = await reload(did, cause)
          // The decision would be the same, and an exchange costs several look-ups.
          if (isSame(subject, seen.subject)) throw error
          return { subject, value: await decision(subject) }
        }
      },
    }
  }
}

function isSame(one: Subject, other: Subject): boolean {
  return (
    equals(AgentSnapshotSchema, one.agent, other.agent) && equals(OperatorSnapshotSchema, one.operator, other.operator)
  )
}
