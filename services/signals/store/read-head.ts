import type { Tx } from '../../platform/db/db.ts'

/** The columns of a cursor at the head of the log. */
interface HeadColumns {
  readonly logEpoch: number
  readonly sequence: bigint
  readonly hash: Uint8Array<ArrayBuffer>
  readonly part: 0
}

/**
 * Keeps records from being noted until the transaction ends, which inserts a stream. Without this, a record after the
 * head that the transaction has read could be noted before the stream is there, so it would never be delivered. At a
 * stream that is there, it is noted whatever the status.
 */
export async function holdDispatch(tx: Tx): Promise<void> {
  await tx.$queryRaw`SELECT FROM signal_dispatch WHERE id = 1 FOR SHARE`
}

/** Reads the head of the revocation log. Records that are committed later come after it. */
export async function readHead(tx: Tx): Promise<HeadColumns> {
  const { logEpoch, sequence, hash } = await tx.revocationHead.findFirstOrThrow()
  return { logEpoch, sequence, hash, part: 0 }
}
