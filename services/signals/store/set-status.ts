import type { Author } from '../../ledger/ledger.ts'
import { type StreamName, type StreamStore, withStream } from './change-stream.ts'
import { readHead } from './read-head.ts'
import { type Status, type Stream, toStoredEvents } from './stream.ts'

/** A status that a receiver wants. */
export interface WantedStatus {
  readonly status: Status
  readonly reason: string
}

/**
 * Sets the status of a stream for its receiver (SSF section 8.1.2.2). A disabled stream forgets what it has not
 * delivered. A stream that begins anew is enabled at the head of the log. The receiver knows the status that it sets,
 * so it gets no stream-updated event, and no earlier one either.
 *
 * @throws ApiError STREAM_NOT_FOUND
 */
export function setStatus(
  store: Pick<StreamStore, 'prisma' | 'now'>,
  author: Author,
  name: StreamName,
  { status, reason }: WantedStatus,
): Promise<Stream> {
  return withStream(store, author, name, async (tx, audit, stream) => {
    await audit({ action: 'stream.set-status', subject: name.id, operatorId: name.operatorId, reason: status })
    const kept = status === 'disabled' ? [] : stream.pending.filter(({ kind }) => kind !== 'stream-updated')
    const isAnew = stream.beginsAnew || status === 'disabled'
    const columns = { status, statusReason: reason, pending: toStoredEvents(kept), failures: 0, nextAttemptAt: null }
    if (status !== 'enabled' || !isAnew) return { ...columns, beginsAnew: isAnew }
    return { ...columns, ...(await readHead(tx)), acknowledged: [], beginsAnew: false }
  })
}
