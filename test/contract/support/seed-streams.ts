import type { Db } from '../../../services/platform/db/db.ts'

/** Inserts a stream of security events that its receiver polls, at the head of the log. Returns its id. */
export async function seedStream({ prisma }: Db, operatorId: string): Promise<string> {
  const { logEpoch, sequence, hash } = await prisma.revocationHead.findFirstOrThrow()
  const data = { operatorId, deliveryMethod: 'poll', logEpoch, sequence, hash }
  return (await prisma.signalStream.create({ data })).id
}

/** Gives an operator this many streams. */
export async function fillStreams(db: Db, operatorId: string, count: number): Promise<void> {
  for (let made = await db.prisma.signalStream.count({ where: { operatorId } }); made < count; made++) {
    await seedStream(db, operatorId)
  }
}

/** Gives a stream this many subjects. */
export async function fillSubjects({ prisma }: Db, streamId: string, count: number): Promise<void> {
  const data = Array.from({ length: count }, (_, index) => ({ streamId, key: `jti ${index}`, isAdded: true }))
  await prisma.signalSubject.createMany({ data, skipDuplicates: true })
}
