import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PollEventsRequestSchema } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import { silentLog, type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { asOperator, insertOperator, type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { insertRevocation, insertStream, nextSetsOf, readStream } from '../../../test/support/signals.ts'
import { createBound } from '../../platform/limits/bound.ts'
import { setStatus } from '../store/set-status.ts'
import type { Stream } from '../store/stream.ts'
import { createWakes } from '../wakes.ts'
import { type PollDeps, pollEvents } from './poll-events.ts'

let database: TestDatabase
let operator: TestOperator
let stream: Stream
let deps: PollDeps & { readonly wakes: ReturnType<typeof createWakes> }
const warned: unknown[] = []
const signed: number[] = []
const now = () => Date.now()

beforeAll(async () => {
  database = await testDatabase()
  operator = await insertOperator(database.db, 'poll.example.com', 'active')
})
afterAll(() => database.drop())

const insertPolled = () => insertStream(database.db, operator.id, { deliveryMethod: 'poll', endpointUrl: '' })

beforeEach(async () => {
  const { db } = database
  stream = await insertPolled()
  const log = { ...silentLog, warn: (...line: unknown[]) => void warned.push(line) }
  const waiting = createBound(4, 1)
  deps = {
    db,
    now,
    readNextSets: nextSetsOf(db),
    wakes: createWakes(),
    waiting,
    waitMs: 3_600_000,
    limitSets: (_, count) => void signed.push(count),
    log,
  }
})

type Wishes = Partial<{ ack: string[]; maxEvents: number; returnImmediately: boolean; setErrs: Record<string, object> }>

async function poll(wishes: Wishes = {}, { id } = stream, by = deps) {
  const request = create(PollEventsRequestSchema, {
    streamId: id,
    returnImmediately: true,
    ...(wishes as object),
  })
  const { sets = [], moreAvailable } = await pollEvents(by, request, asOperator(operator))
  return { jtis: sets.map(({ jti = '' }) => jti), moreAvailable }
}

const revoke = async (count: number) => {
  for (let done = 0; done < count; done++) await insertRevocation(database.db, operator.id)
}

describe('PollEvents', () => {
  it('returns events in order until each is acknowledged, and never again after that', async () => {
    await revoke(3)
    const { jtis } = await poll()
    expect(await poll({ maxEvents: 2 })).toStrictEqual({ jtis: jtis.slice(0, 2), moreAvailable: true })
    expect(await poll({ ack: jtis.slice(0, 1) })).toMatchObject({ jtis: jtis.slice(1) })
    expect(await poll({ ack: jtis })).toStrictEqual({ jtis: [], moreAvailable: false })
    expect(await poll({ ack: jtis })).toMatchObject({ jtis: [] })
  })

  it('only acknowledges with max_events 0, and says whether there are more', async () => {
    await revoke(2)
    const { jtis } = await poll()
    expect(await poll({ ack: jtis.slice(0, 1), maxEvents: 0 })).toStrictEqual({ jtis: [], moreAvailable: true })
    expect((await readStream(database.db, stream)).cursor).toMatchObject({ sequence: stream.cursor.sequence + 1 })
  })

  it('counts each token that it signs', async () => {
    await revoke(3)
    signed.length = 0
    await poll({ maxEvents: 2 })
    const { jtis } = await poll()
    await poll({ ack: jtis })
    expect(signed).toStrictEqual([2, 3])
  })

  it('ignores an acknowledgement of an event of another stream', async () => {
    const other = await insertPolled()
    await revoke(1)
    const { jtis } = await poll()
    const ofOther = await poll({}, other)
    expect(ofOther.jtis).not.toEqual(jtis)
    expect(await poll({ ack: ofOther.jtis })).toMatchObject({ jtis })
    expect(await poll({ ack: jtis }, other)).toStrictEqual(ofOther)
  })

  it('counts an event that the receiver could not use as delivered, and logs the code', async () => {
    await revoke(2)
    const { jtis } = await poll()
    const [first = ''] = jtis
    const setErrs = { [first]: { err: 'invalid_audience', description: 'not for me' } }
    expect(await poll({ setErrs })).toMatchObject({ jtis: jtis.slice(1) })
    expect(warned.at(-1)).toMatchObject([{ stream: stream.id, errors: { [first]: 'invalid_audience' } }, {}])
    expect(JSON.stringify(warned)).not.toContain('not for me')
  })

  it('keeps all acknowledgements of two processes that poll one stream at the same time', async () => {
    await revoke(8)
    const { jtis } = await poll()
    const halves = [jtis.filter((_, index) => index % 2 === 0), jtis.filter((_, index) => index % 2 === 1)]
    await Promise.all(halves.map((ack) => poll({ ack, maxEvents: 0 })))
    expect(await poll()).toStrictEqual({ jtis: [], moreAvailable: false })
    expect(await readStream(database.db, stream)).toMatchObject({
      acknowledged: [],
      cursor: { sequence: stream.cursor.sequence + 8 },
    })
  })

  it('waits for an event, and answers as soon as there is one', async () => {
    const waiting = poll({ returnImmediately: false })
    await revoke(1)
    deps.wakes.wake()
    expect((await waiting).jtis).toHaveLength(1)
  })

  it('does not wait if too many polls of the operator wait', async () => {
    const waits = Promise.withResolvers<void>()
    const { waiting: bound } = deps
    const waiting = poll({ returnImmediately: false }, stream, {
      ...deps,
      waiting(key) {
        waits.resolve()
        return bound(key)
      },
    })
    await waits.promise
    expect(await poll({ returnImmediately: false })).toStrictEqual({ jtis: [], moreAvailable: false })
    await deps.wakes.close()
    expect((await waiting).jtis).toStrictEqual([])
  })

  it('delivers nothing of a paused stream, but takes its acknowledgements', async () => {
    await revoke(2)
    const { jtis } = await poll()
    const name = { operatorId: operator.id, id: stream.id }
    await setStatus({ prisma: database.db.prisma, now }, asOperator(operator), name, { status: 'paused', reason: '' })
    expect(await poll({ ack: jtis.slice(0, 1) })).toStrictEqual({ jtis: [], moreAvailable: false })
    await setStatus({ prisma: database.db.prisma, now }, asOperator(operator), name, { status: 'enabled', reason: '' })
    expect(await poll()).toMatchObject({ jtis: jtis.slice(1) })
  })

  it('pauses a stream whose events are gone, tells so, and begins anew when it is enabled', async () => {
    const where = { where: { id: stream.id } }
    await database.db.prisma.signalStream.update({ ...where, data: { hash: Buffer.from('other log') } })
    const told = await poll()
    expect(told.jtis).toHaveLength(1)
    expect(await readStream(database.db, stream)).toMatchObject({
      status: 'paused',
      beginsAnew: true,
      pending: [{ kind: 'stream-updated', status: 'paused', jti: told.jtis[0] }],
    })
    expect(await poll({ ack: told.jtis })).toMatchObject({ jtis: [] })
    const name = { operatorId: operator.id, id: stream.id }
    await setStatus({ prisma: database.db.prisma, now }, asOperator(operator), name, { status: 'enabled', reason: '' })
    await revoke(1)
    expect((await poll()).jtis).toHaveLength(1)
  })

  it('refuses a stream whose events are pushed, and a stream of another operator', async () => {
    const pushed = await insertStream(database.db, operator.id)
    expect(await refusalOf(poll({}, pushed))).toBe('STREAM_NOT_FOUND')
    const other = await insertOperator(database.db, 'other.example.com', 'active')
    const foreign = await insertStream(database.db, other.id, { deliveryMethod: 'poll', endpointUrl: '' })
    expect(await refusalOf(poll({}, foreign))).toBe('STREAM_NOT_FOUND')
  })
})
