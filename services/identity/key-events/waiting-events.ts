import type { KeyEvent } from '@auth4agent/core/key-events/key-event'
import type { Tx } from '../../platform/db/db.ts'
import { digestBytes } from './read-key-log.ts'

/** Stores a recovery or move that waits. It replaces one of the same type, and its release. */
export async function insertWaiting(
  tx: Tx,
  agentId: string,
  type: 'recover' | 'move',
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
