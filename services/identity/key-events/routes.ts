import type { KeyEventType } from '@auth4agent/core/key-events/event-claims'
import type { AgentKeyService } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { costOfBytes } from '../../calls/cost.ts'
import type { Logger } from '../../platform/log/log.ts'
import { pageTokenAfter } from '../../platform/requests/page.ts'
import { toTimestamp } from '../messages.ts'
import { appendKeyEvent } from './append-key-event.ts'
import type { KeyEventDeps } from './deps.ts'
import { listKeyEvents } from './list-key-events.ts'
import { objectToRecovery } from './object-to-recovery.ts'
import { recoverAgent } from './recover-agent.ts'
import { logBegun } from './waiting-events.ts'

/** Dependencies of the handlers of AgentKeyService. */
export interface KeyRouteDeps extends KeyEventDeps {
  readonly log: Pick<Logger, 'warn'>
  /** Counts an event that a log has accepted. */
  readonly countEvent: (type: KeyEventType) => void
}

/** Creates the handlers of AgentKeyService. */
export function createKeyRoutes(deps: KeyRouteDeps): Handlers<typeof AgentKeyService> {
  return {
    async appendKeyEvent(request, call) {
      const { event, written, effectiveAt, begun } = await appendKeyEvent(deps, request, call)
      if (begun !== undefined) logBegun(deps.log, 'move', begun, call)
      for (const type of written) deps.countEvent(type)
      const { claims, digest } = event
      return { did: request.did, seq: claims.seq, digest, effectiveAt: toTimestamp(effectiveAt ?? null) }
    },

    async listKeyEvents(request, call) {
      const { events, last, pending } = await listKeyEvents({ ...deps, db: deps.readDb }, request, call)
      call.charge?.(costOfBytes(events.reduce((sum, { event }) => sum + event.length, 0)))
      return {
        events: events.map(({ recordedAt, ...event }) => Object.assign(event, { recordedAt: toTimestamp(recordedAt) })),
        nextPageToken: last === undefined ? '' : pageTokenAfter(String(last)),
        pending: pending.map(({ type, event, digest, requestedAt, effectiveAt, releasedAt }) => ({
          type,
          event,
          digest,
          requestedAt: toTimestamp(requestedAt),
          effectiveAt: toTimestamp(effectiveAt),
          releasedAt: toTimestamp(releasedAt),
        })),
      }
    },

    async recoverAgent(request, call) {
      const { did, event, effectiveAt, written, isNew } = await recoverAgent(deps, request, call)
      for (const type of written) deps.countEvent(type)
      if (isNew) logBegun(deps.log, 'recover', { did, operatorId: request.operatorId, effectiveAt }, call)
      return { agentDid: did, seq: event.claims.seq, digest: event.digest, effectiveAt: toTimestamp(effectiveAt) }
    },

    async objectToRecovery(request, call) {
      const digest = await objectToRecovery(deps, request, call)
      return { did: request.did, digest }
    },
  }
}
