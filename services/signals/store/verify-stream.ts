import { randomUUID } from 'node:crypto'
import type { Author } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type StreamName, type StreamStore, withStream } from './change-stream.ts'
import { type PendingEvent, toStoredEvents } from './stream.ts'

/** How many events about itself a stream holds. A receiver that takes none of them can ask for no more. */
const MAX_PENDING = 8

/**
 * Adds a verification event to a stream.
 *
 * @param minIntervalS shortest time between two requests, in seconds
 * @throws ApiError STREAM_NOT_FOUND; INVALID_ARGUMENT for a disabled stream; RATE_LIMITED
 */
export async function verifyStream(
  store: Pick<StreamStore, 'prisma' | 'now'>,
  author: Author,
  name: StreamName,
  { state, minIntervalS }: { readonly state: string; readonly minIntervalS: number },
): Promise<void> {
  await withStream(store, author, name, async (tx, audit, stream) => {
    if (stream.status === 'disabled') throw new ApiError('INVALID_ARGUMENT', 'The stream is disabled: enable it first')
    const { verifiedAt } = await tx.signalStream.findUniqueOrThrow({ where: { id: name.id } })
    const nowMs = store.now()
    const waitS = verifiedAt === null ? 0 : minIntervalS - (nowMs - verifiedAt.getTime()) / 1000
    if (waitS > 0) throw new ApiError('RATE_LIMITED', undefined, { retryAfter: Math.min(waitS, minIntervalS) })
    if (stream.pending.length >= MAX_PENDING) {
      throw new ApiError('RATE_LIMITED', 'The receiver must first take the verification events that wait', {
        retryAfter: minIntervalS,
      })
    }
    const event: PendingEvent = {
      kind: 'verification',
      jti: randomUUID(),
      iat: Math.floor(nowMs / 1000),
      ...(state !== '' && { state }),
    }
    await audit({ action: 'stream.verify', subject: name.id, operatorId: name.operatorId })
    return { pending: toStoredEvents([...stream.pending, event]), verifiedAt: new Date(nowMs) }
  })
}
