import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { Stream } from './stream.ts'

/**
 * Returns since when the oldest event of a stream waits, or undefined if none waits. Records that do not concern the
 * receiver count too, until the cursor has passed them, which takes seconds. A disabled stream holds no events.
 */
export async function waitingSince(prisma: PrismaClient, stream: Stream): Promise<Date | undefined> {
  const { status, newest, cursor, pending } = stream
  if (status === 'disabled') return undefined
  const record =
    newest > cursor.sequence
      ? await prisma.revocationLog.findFirst({
          where: { sequence: { gt: cursor.sequence } },
          orderBy: { sequence: 'asc' },
          select: { recordedAt: true },
        })
      : undefined
  const times = [...pending.map(({ iat }) => iat * 1_000), ...(record ? [record.recordedAt.getTime()] : [])]
  return times.length === 0 ? undefined : new Date(Math.min(...times))
}
