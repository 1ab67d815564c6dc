import type { KeyEvent } from '@auth4agent/core/key-events/key-event'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { Call } from '../../calls/call.ts'
import type { Tx } from '../../platform/db/db.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { WaitingType } from '../../platform/metrics/key-event-metrics.ts'
import { digestBytes } from './read-key-log.ts'

/** Stores a recovery or move that waits. It replaces one of the same type, and its release. */
export async function insertWaiting(
  tx: Tx,
  agentId: string,
  type: WaitingType,
  { text: event, digest }: KeyEvent,
  times: { readonly requestedAt: Date; readonly effectiveAt: Date },
): Promise<void> {
  const place = { agentId, type }
  const content = { event, digest: digestBytes(digest), ...times }
  await tx.agentPendingEvent.upsert({
    where: { agentId_type: place },
    create: { ...place, ...content },
    update: { ...content, releasedAt: null, release: null, releaseManifestSeq: null },
  })
}

/** How many events are looked at to count those that wait. There can be any number. */
const MAX_COUNTED = 1_000

/**
 * Returns how many recoveries and moves of the deployment still wait for an objection. A move that its operator has
 * released does not, nor does an event whose delay has passed: without this, a move to another server that its
 * operator ignores would count for ever. From 1,000 events on all count, so that many cannot hide one that waits.
 */
export async function countWaiting(prisma: PrismaClient, now: Date): Promise<Record<WaitingType, number>> {
  const count = async (type: WaitingType) => {
    const [row] = await prisma.$queryRaw<{ seen: number; waiting: number }[]>`
      SELECT count(*)::integer AS seen,
        (count(*) FILTER (WHERE released_at IS NULL
          AND (SELECT status FROM agents WHERE id = agent_id) <> 'revoked'))::integer AS waiting
      FROM (
        SELECT agent_id, released_at FROM agent_pending_events
        WHERE type = ${type}::text::key_event_type AND effective_at > ${now}::timestamptz
        ORDER BY effective_at LIMIT ${MAX_COUNTED}
      ) looked_at`
    const { seen, waiting } = row ?? { seen: 0, waiting: 0 }
    return seen < MAX_COUNTED ? waiting : seen
  }
  return { recover: await count('recover'), move: await count('move') }
}

/** A recovery or move that a call has begun. */
export interface Begun {
  readonly did: string
  readonly operatorId: string
  readonly effectiveAt: Date
  /** The DID that the agent wants to have after its move. */
  readonly to?: string
}

const MESSAGES: Readonly<Record<WaitingType, string>> = {
  recover: 'the recovery of an agent begins',
  move: 'the move of an agent begins',
}

/** Logs that a recovery or move begins, because somebody may have to object to it. */
export function logBegun(log: Pick<Logger, 'warn'>, type: WaitingType, begun: Begun, { requestId }: Call): void {
  log.warn({ ...begun, requestId }, MESSAGES[type])
}
