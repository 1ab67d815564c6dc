import { afterAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { freshOperator } from '../../../test/support/authn-agents.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { startReceiver } from '../../../test/support/event-receiver.ts'
import { startPush } from '../../../test/support/push.ts'
import { insertRevocation, insertStream, readStream } from '../../../test/support/signals.ts'

const database = await testDatabase()
const { db } = database
const settled = { timeout: 15_000, interval: 20 }

let operatorId: string
afterAll(() => database.drop())
beforeEach(async () => {
  await db.prisma.signalStream.deleteMany()
  operatorId = (await freshOperator(db)).id
})

it('a slow receiver gives its place back after a while', async () => {
  const slow = await startReceiver((_request, response) => {
    setTimeout(() => response.writeHead(202).end(), 20)
    return true
  })
  const receiver = await startReceiver()
  const other = await freshOperator(db)
  await insertStream(db, operatorId, { endpointUrl: slow.url })
  for (let n = 0; n < 100; n += 1) await insertRevocation(db, operatorId)
  const push = startPush(db, { places: { all: 1, operator: 1 }, turnMs: 100 })
  await expect.poll(() => slow.requests.length, settled).toBeGreaterThan(0)
  await insertStream(db, other.id, { endpointUrl: receiver.url })
  await insertRevocation(db, other.id)
  push.wake()
  await expect.poll(() => receiver.events.length, settled).toBe(1)
  expect(slow.requests.length).toBeLessThan(100)
})

it('an idle stream moves with the log, so that compaction does not lose it', async () => {
  const other = await freshOperator(db)
  const idle = await insertStream(db, operatorId, { status: 'paused' })
  const behind = await insertStream(db, other.id, { status: 'paused' })
  const strange = await insertStream(db, operatorId, { status: 'paused', hash: new Uint8Array(32) })
  await insertRevocation(db, other.id)
  const push = startPush(db)
  onTestFinished(() => push.close())
  await expect.poll(async () => (await readStream(db, idle)).cursor.sequence, settled).toBe(idle.cursor.sequence + 1)
  expect(await readStream(db, behind)).toEqual({ ...behind, newest: behind.cursor.sequence + 1 })
  expect(await readStream(db, strange)).toEqual(strange)
  await db.prisma.signalStream.updateMany({ data: { status: 'enabled', endpointUrl: 'http://events.alpha.test:1/' } })
  await push.moveIdle()
  expect(push.lags.at(-1)).toBeGreaterThan(0)
})
