import type { Author } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type StreamName, type StreamStore, withStream } from './change-stream.ts'

/** The largest number of subjects that a stream remembers. */
export const MAX_SUBJECTS = 1_000

/**
 * Remembers that the receiver of a stream has added or removed a subject.
 *
 * @param key of `readSubject`
 * @throws ApiError STREAM_NOT_FOUND, SUBJECT_LIMIT
 */
export async function chooseSubject(
  store: Pick<StreamStore, 'prisma' | 'now'>,
  author: Author,
  name: StreamName,
  { key, isAdded }: { readonly key: string; readonly isAdded: boolean },
): Promise<void> {
  const streamId = name.id
  await withStream(store, author, name, async (tx, audit) => {
    const { count } = await tx.signalSubject.updateMany({ where: { streamId, key }, data: { isAdded } })
    if (count === 0) {
      if ((await tx.signalSubject.count({ where: { streamId } })) >= MAX_SUBJECTS)
        throw new ApiError('SUBJECT_LIMIT', `A stream remembers at most ${MAX_SUBJECTS} subjects`)
      await tx.signalSubject.create({ data: { streamId, key, isAdded } })
    }
    const action = isAdded ? 'stream.add-subject' : 'stream.remove-subject'
    await audit({ action, subject: streamId, operatorId: name.operatorId, reason: key })
    return {}
  })
}
