import type { Tx } from '../../platform/db/db.ts'
import { type Stream, toStream } from './stream.ts'

/** Reads a stream of an operator, and locks it until the transaction ends. */
export async function lockStream(tx: Tx, operatorId: string, id: string): Promise<Stream | undefined> {
  await tx.$queryRaw`SELECT FROM signal_streams WHERE id = ${id}::uuid FOR NO KEY UPDATE`
  const row = await tx.signalStream.findUnique({ where: { id, operatorId } })
  return row === null ? undefined : toStream(row)
}
