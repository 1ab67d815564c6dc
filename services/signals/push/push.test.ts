import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { freshOperator, insertAgent } from '../../../test/support/authn-agents.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { startReceiver } from '../../../test/support/event-receiver.ts'
import { startPush } from '../../../test/support/push.ts'
import { insertRevocation, insertStream, readStream } from '../../../test/support/signals.ts'
import { compactLog } from '../../revocation/compact-log.ts'

const database = await testDatabase()
const { db } = database

let operatorId: string
afterAll(() => database.drop())
beforeEach(async () => {
  await db.prisma.signalStream.deleteMany()
  operatorId = (await freshOperator(db)).id
})

const revoke = () => insertRevocation(db, operatorId)
const revokeMany = async (count: number): Promise<string[]> => {
  const jtis: string[] = []
  for (let n = 0; n < count; n += 1) jtis.push(await revoke())
  return jtis
}
const jtisOf = (events: readonly { readonly sub_id: unknown }[]) =>
  events.map(({ sub_id }) => Object(sub_id).jti as unknown)
const settled = { timeout: 15_000, interval: 20 }

describe('push', () => {
  it('delivers every event once and in order, and stores how far it is', async () => {
    const receiver = await startReceiver()
    const stream = await insertStream(db, operatorId, { endpointUrl: receiver.url })
    const before = await revokeMany(20)
    const push = startPush(db)
    await expect.poll(() => receiver.events.length, settled).toBe(20)
    const after = await revokeMany(20)
    push.wake()
    await expect.poll(() => receiver.events.length, settled).toBe(40)
    expect(jtisOf(receiver.events)).toEqual([...before, ...after])
    expect(receiver.deliveries).toHaveLength(40)
    const { sequence } = await db.prisma.revocationHead.findFirstOrThrow()
    // The cursor is stored after the receiver has answered.
    const cursor = async () => (await readStream(db, stream)).cursor
    await expect.poll(cursor, settled).toMatchObject({ sequence: Number(sequence), part: 0 })
    await push.close()
    expect(push.counts).toEqual({ delivered: 40, failed: 0 })
  })

  it('delivers both events of one record', async () => {
    const receiver = await startReceiver()
    await insertStream(db, operatorId, { endpointUrl: receiver.url })
    const operator = await freshOperator(db)
    const agent = await insertAgent(db, operator)
    await db.prisma.signalStream.updateMany({ data: { operatorId: operator.id } })
    await db.prisma.agent.update({ where: { id: agent.id }, data: { epoch: { increment: 1 }, allowedScopes: [] } })
    startPush(db)
    await expect.poll(() => receiver.events.length, settled).toBe(2)
    expect(receiver.events.map(({ type }) => type.split('/').at(-1))).toEqual([
      'session-revoked',
      'token-claims-change',
    ])
  })

  it('sends an event again with the same jti when the process ends between the answer and the cursor', async () => {
    const receiver = await startReceiver()
    const stream = await insertStream(db, operatorId, { endpointUrl: receiver.url })
    const jtis = await revokeMany(3)
    const dying = startPush(db, { failAfterDelivery: 2 })
    await expect.poll(() => receiver.deliveries.length, settled).toBe(2)
    await dying.close()
    expect((await readStream(db, stream)).cursor.sequence).toBe(stream.cursor.sequence + 1)
    await db.prisma.signalStream.updateMany({ data: { claimedUntil: new Date(Date.now() - 1) } })
    startPush(db)
    await expect.poll(() => receiver.events.length, settled).toBe(3)
    expect(receiver.deliveries).toHaveLength(4)
    expect(receiver.deliveries[1]).toBe(receiver.deliveries[2])
    expect(jtisOf(receiver.events)).toEqual(jtis)
  })

  it('shares the streams between processes, and delivers each event once', async () => {
    const receiver = await startReceiver()
    for (let n = 0; n < 6; n += 1) await insertStream(db, operatorId, { endpointUrl: receiver.url })
    await revokeMany(10)
    for (let n = 0; n < 3; n += 1) startPush(db)
    await expect.poll(() => receiver.events.length, settled).toBe(60)
    expect(receiver.deliveries).toHaveLength(60)
    const streams = Map.groupBy(receiver.events, ({ aud }) => aud)
    const orders = Array.from(streams.values(), (events) => jtisOf(events).join())
    expect([orders.length, new Set(orders).size]).toEqual([6, 1])
  })

  it('takes over the streams of a process that has ended, when its claims are over', async () => {
    const receiver = await startReceiver()
    await insertStream(db, operatorId, {
      endpointUrl: receiver.url,
      claimedBy: crypto.randomUUID(),
      claimedUntil: new Date(Date.now() + 60_000),
    })
    await revoke()
    const push = startPush(db)
    await push.look()
    expect(receiver.requests).toHaveLength(0)
    await db.prisma.signalStream.updateMany({ data: { claimedUntil: new Date(Date.now() - 1) } })
    push.wake()
    await expect.poll(() => receiver.events.length, settled).toBe(1)
  })

  it('continues where it was when the receiver was away', async () => {
    const receiver = await startReceiver()
    const stream = await insertStream(db, operatorId, { endpointUrl: receiver.url })
    const push = startPush(db)
    const first = await revokeMany(3)
    push.wake()
    await expect.poll(() => receiver.events.length, settled).toBe(3)
    await receiver.stop()
    const second = await revokeMany(5)
    push.wake()
    await expect.poll(async () => (await readStream(db, stream)).failures, settled).toBeGreaterThan(0)
    await receiver.start()
    await expect.poll(() => receiver.events.length, settled).toBe(8)
    expect(jtisOf(receiver.events)).toEqual([...first, ...second])
    await push.close()
    expect((await readStream(db, stream)).failures).toBe(0)
  })

  it('delivers nothing to a stream that is paused, of an ended operator, or for poll', async () => {
    const receiver = await startReceiver()
    const released = await freshOperator(db, 'released')
    await insertStream(db, operatorId, { endpointUrl: receiver.url, status: 'paused' })
    await insertStream(db, operatorId, { endpointUrl: receiver.url, status: 'disabled' })
    await insertStream(db, operatorId, { deliveryMethod: 'poll', endpointUrl: '' })
    await insertStream(db, released.id, { endpointUrl: receiver.url })
    await revoke()
    await insertRevocation(db, released.id)
    const push = startPush(db)
    await push.look()
    expect(receiver.requests).toHaveLength(0)
    await db.prisma.signalStream.updateMany({ where: { status: 'paused' }, data: { status: 'enabled' } })
    push.wake()
    await expect.poll(() => receiver.events.length, settled).toBe(1)
  })

  it('stops within a batch when the stream is paused', async () => {
    const receiver = await startReceiver((_request, _response, nth) => {
      if (nth === 2) void db.prisma.signalStream.updateMany({ data: { status: 'paused' } }).then(() => undefined)
      return false
    })
    await insertStream(db, operatorId, { endpointUrl: receiver.url })
    await revokeMany(12)
    const push = startPush(db)
    await expect.poll(async () => (await db.prisma.signalStream.findFirst())?.claimedBy, settled).toBe(null)
    await push.close()
    expect(receiver.events.length).toBeLessThan(12)
  })
})

describe('a receiver that', () => {
  it('refuses an event pauses its stream, is told so once, and gets the event again when it enables the stream', async () => {
    let isRefusing = true
    const receiver = await startReceiver((request, response) => {
      if (!isRefusing) return false
      const body = JSON.stringify({ err: 'invalid_key', description: 'no such key' })
      request.resume().on('end', () => response.writeHead(400, { 'content-type': 'application/json' }).end(body))
      return true
    })
    const stream = await insertStream(db, operatorId, { endpointUrl: receiver.url })
    const jtis = await revokeMany(2)
    const push = startPush(db)
    await expect.poll(async () => (await readStream(db, stream)).pending.length, settled).toBe(0)
    await expect.poll(async () => (await readStream(db, stream)).status, settled).toBe('paused')
    await expect.poll(() => receiver.requests.length, settled).toBe(2)
    expect(await readStream(db, stream)).toMatchObject({
      statusReason: 'The receiver refused an event with invalid_key: enable the stream to send it again',
      beginsAnew: false,
    })
    isRefusing = false
    await db.prisma.signalStream.updateMany({ data: { status: 'enabled', pending: [] } })
    push.wake()
    await expect.poll(() => receiver.events.length, settled).toBe(2)
    expect(jtisOf(receiver.events)).toEqual(jtis)
  })

  it('was away for longer than the log keeps is told that its stream is paused and begins anew', async () => {
    const receiver = await startReceiver()
    const stream = await insertStream(db, operatorId, { endpointUrl: receiver.url })
    await revokeMany(2)
    await compactLog(db.pool, { read: async () => Date.now() + 4_000_000 })
    startPush(db)
    await expect.poll(() => receiver.events.length, settled).toBe(1)
    const reason = 'Events that were not delivered are not in the log any more: enable the stream to begin anew'
    expect(receiver.events[0]).toMatchObject({
      type: 'https://schemas.openid.net/secevent/ssf/event-type/stream-updated',
      sub_id: { format: 'opaque', id: stream.id },
      event: { status: 'paused', reason },
    })
    expect(await readStream(db, stream)).toMatchObject({ status: 'paused', statusReason: reason, beginsAnew: true })
  })

  it.each<[name: string, answer: Parameters<typeof startReceiver>[0], why: string]>([
    ['redirects', (_request, response) => !!response.writeHead(307, { location: '/' }).end(), 'STATUS'],
    ['answers 500', (_request, response) => !!response.writeHead(500).end('{'.repeat(100_000)), 'STATUS'],
    ['breaks the connection', (request) => !!request.socket.destroy(), 'UNREACHABLE'],
  ])('%s gets the event again, and nothing after it', async (_name, answer) => {
    let isBad = true
    const receiver = await startReceiver((...all) => isBad && answer?.(...all) === true)
    const stream = await insertStream(db, operatorId, { endpointUrl: receiver.url })
    const jtis = await revokeMany(3)
    const push = startPush(db)
    await expect.poll(async () => (await readStream(db, stream)).failures, settled).toBe(1)
    expect(push.counts).toEqual({ delivered: 0, failed: 1 })
    expect((await readStream(db, stream)).cursor).toEqual(stream.cursor)
    isBad = false
    await expect.poll(() => receiver.events.length, settled).toBe(3)
    expect(jtisOf(receiver.events)).toEqual(jtis)
  })

  it('never answers holds only the places of its own operator', async () => {
    const silent = await startReceiver(() => true)
    const receiver = await startReceiver()
    for (let n = 0; n < 5; n += 1) await insertStream(db, operatorId, { endpointUrl: silent.url })
    const other = await freshOperator(db)
    await insertStream(db, other.id, { endpointUrl: receiver.url })
    await revoke()
    const push = startPush(db, { places: { all: 3, operator: 2 } })
    await expect.poll(() => silent.requests.length, settled).toBe(2)
    const jti = await insertRevocation(db, other.id)
    push.wake()
    await expect.poll(() => jtisOf(receiver.events), settled).toEqual([jti])
    expect(silent.requests).toHaveLength(2)
  })
})
