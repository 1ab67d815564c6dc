import { randomUUID } from 'node:crypto'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { change, systemAuthor } from '../../ledger/ledger.ts'
import { lockStream } from './lock-stream.ts'
import { type PendingEvent, type Stream, toStoredEvents } from './stream.ts'

/** Why the server pauses a stream. */
export interface Pause {
  /** One sentence for the receiver. */
  readonly reason: string
  /** Whether the events that were not delivered are gone, so that the stream begins anew when it is enabled again. */
  readonly beginsAnew: boolean
}

/** The pause of a stream whose next records are not in the log any more. */
export const LOST: Pause = {
  reason: 'Events that were not delivered are not in the log any more: enable the stream to begin anew',
  beginsAnew: true,
}

/**
 * Pauses an enabled stream for the server. The stream-updated event, which tells the receiver, becomes the first
 * pending event. Changes nothing if the stream is gone or not enabled any more.
 */
export async function pauseStream(
  { prisma, now }: { readonly prisma: PrismaClient; readonly now: () => number },
  stream: Pick<Stream, 'id' | 'operatorId'>,
  { reason, beginsAnew }: Pause,
): Promise<void> {
  await change(prisma, systemAuthor('signals'), async (tx, audit) => {
    const found = await lockStream(tx, stream.operatorId, stream.id)
    if (found?.status !== 'enabled') return
    const told: PendingEvent = {
      kind: 'stream-updated',
      jti: randomUUID(),
      iat: Math.floor(now() / 1000),
      status: 'paused',
      reason,
    }
    await tx.signalStream.update({
      where: { id: stream.id },
      data: {
        status: 'paused',
        statusReason: reason,
        beginsAnew,
        pending: toStoredEvents([told, ...found.pending]),
        updatedAt: new Date(now()),
      },
    })
    await audit({ action: 'stream.pause', subject: stream.id, operatorId: stream.operatorId, reason })
  })
}
