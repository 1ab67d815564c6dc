import type { Tx } from '../../platform/db/db.ts'

/** The columns of a cursor at the head of the log. */
interface HeadColumns {
  readonly logEpoch: number
  readonly sequence: bigint
  readonly hash: Uint8Array<ArrayBuffer>
  readonly part: 0
}

/** Reads the head of the revocation log. Records that are committed later come after it. */
export async function readHead(tx: Tx): Promise<HeadColumns> {
  const { logEpoch, sequence, hash } = await tx.revocationHead.findFirstOrThrow()
  return { logEpoch, sequence, hash, part: 0 }
}
