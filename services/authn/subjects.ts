import { parseDid } from '@auth4agent/core/identity/did'
import type { AgentDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { Subject } from './domain/decide-issue.ts'

/** A subject, and whether it was looked up for this very request. */
interface Seen {
  readonly subject: Subject
  readonly isFresh: boolean
}

/** The agent that one DID names, for one request. */
interface SubjectOfRequest {
  /** The subject, possibly as it stood a while ago. Throws AGENT_NOT_FOUND on a fresh look alone. */
  get(): Promise<Seen>
  reload(): Promise<Seen>
  /**
   * Decides on a subject. A copy may say yes, for the redeeming statement checks its versions; it may never say no: a
   * refusal on a copy is decided again on a fresh look.
   */
  decide<T>(seen: Seen, decision: (subject: Subject) => Promise<T>): Promise<{ subject: Subject; value: T }>
}

/** Agents with their operators, kept for a while by DID. */
export interface Subjects {
  /** Throws INVALID_DID for a text that is none. */
  of(did: string): SubjectOfRequest
}

/** A cache of at most `capacity` subjects over the agents' directory. */
export function createSubjects(agents: InternalClient<typeof AgentDirectoryService>, capacity = 50_000): Subjects {
  const cache = new Map<string, Subject>()

  const reload = async (did: string): Promise<Seen> => {
    const { agent, operator } = await agents.lookupAgent({ did })
    cache.delete(did)
    if (agent === undefined || operator === undefined) throw new ApiError('AGENT_NOT_FOUND')
    const subject = { agent, operator }
    cache.set(did, subject)
    if (cache.size > capacity) {
      const oldest = cache.keys().next()
      if (!oldest.done) cache.delete(oldest.value)
    }
    return { subject, isFresh: true }
  }
  return {
    of: (did) => {
      // One that is known was read before.
      if (!cache.has(did) && parseDid(did) === undefined) throw new ApiError('INVALID_DID')
      return subjectOf(did)
    },
  }

  function subjectOf(did: string): SubjectOfRequest {
    return {
      async get() {
        const subject = cache.get(did)
        return subject ? { subject, isFresh: false } : await reload(did)
      },
      reload: () => reload(did),
      async decide(seen, decision) {
        try {
          return { subject: seen.subject, value: await decision(seen.subject) }
        } catch (error) {
          if (seen.isFresh || !(error instanceof ApiError)) throw error
          const { subject } = await reload(did)
          return { subject, value: await decision(subject) }
        }
      },
    }
  }
}
