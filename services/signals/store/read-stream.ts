import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { type Stream, toStream } from './stream.ts'

/** Reads a stream of an operator. `id` must be a UUID. */
export async function findStream(prisma: PrismaClient, operatorId: string, id: string): Promise<Stream | undefined> {
  const row = await prisma.signalStream.findUnique({ where: { id, operatorId } })
  return row === null ? undefined : toStream(row)
}

/** Lists the streams of an operator, oldest first. */
export async function listStreams(prisma: PrismaClient, operatorId: string): Promise<Stream[]> {
  const rows = await prisma.signalStream.findMany({
    where: { operatorId },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  })
  return rows.map(toStream)
}
