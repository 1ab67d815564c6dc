import { afterAll, beforeEach, expect, it } from 'vitest'
import { freshOperator } from '../../../test/support/authn-agents.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { startReceiver } from '../../../test/support/event-receiver.ts'
import { startPush } from '../../../test/support/push.ts'
import { insertRevocation, insertStream, readStream } from '../../../test/support/signals.ts'
import { waitingSince } from './waiting-since.ts'

const database = await testDatabase()
const { db } = database
const settled = { timeout: 15_000, interval: 20 }

let operatorId: string
afterAll(() => database.drop())
beforeEach(async () => {
  await db.prisma.signalStream.deleteMany()
  operatorId = (await freshOperator(db)).id
})

const recordOf = async (jti: string) => db.prisma.revocationLog.findFirstOrThrow({ where: { subject: jti } })

it('waitingSince returns when the oldest record was recorded that a stream has not delivered', async () => {
  const stream = await insertStream(db, operatorId)
  expect(await waitingSince(db.prisma, stream)).toBeUndefined()
  const first = await recordOf(await insertRevocation(db, operatorId))
  const { sequence } = await recordOf(await insertRevocation(db, operatorId))
  await db.prisma.signalStream.update({ where: { id: stream.id }, data: { newest: sequence } })
  const noted = await readStream(db, stream)
  expect(await waitingSince(db.prisma, noted)).toEqual(first.recordedAt)
  expect(await waitingSince(db.prisma, { ...noted, status: 'paused' })).toEqual(first.recordedAt)
  expect(await waitingSince(db.prisma, { ...noted, status: 'disabled' })).toBeUndefined()
  const iat = Math.floor(first.recordedAt.getTime() / 1_000) - 60
  const pending = [{ kind: 'verification', jti: 'v', iat } as const]
  expect(await waitingSince(db.prisma, { ...noted, pending })).toEqual(new Date(iat * 1_000))
})

it('a stream remembers why its last failed delivery has failed, and forgets how many failed after a success', async () => {
  const receiver = await startReceiver()
  const stream = await insertStream(db, operatorId, { endpointUrl: 'http://127.0.0.1:1/' })
  await insertRevocation(db, operatorId)
  const push = startPush(db)
  await expect.poll(async () => (await readStream(db, stream)).failures, settled).toBeGreaterThan(0)
  const failed = await readStream(db, stream)
  expect(failed).toMatchObject({ lastFailure: expect.stringMatching(/^[A-Z_]+$/), lastFailureAt: expect.any(Date) })
  await db.prisma.signalStream.updateMany({ data: { endpointUrl: receiver.url, nextAttemptAt: null } })
  push.wake()
  await expect.poll(() => receiver.events.length, settled).toBe(1)
  await expect.poll(async () => (await readStream(db, stream)).failures, settled).toBe(0)
  expect((await readStream(db, stream)).lastFailure).toBe(failed.lastFailure)
  await push.close()
})
