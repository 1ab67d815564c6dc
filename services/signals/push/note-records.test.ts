import { randomUUID } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { freshOperator, insertAgent } from '../../../test/support/authn-agents.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { asOperator } from '../../../test/support/identity.ts'
import { insertRevocation, insertStream, readStream } from '../../../test/support/signals.ts'
import { createStream } from '../store/change-stream.ts'
import type { Stream } from '../store/stream.ts'
import { jtiKey, subKey } from '../store/subjects.ts'
import { claimStreams } from './claims.ts'
import { moveIdleStreams } from './move-idle.ts'
import { noteRecords } from './note-records.ts'

const database = await testDatabase()
const { db } = database
const { prisma, pool } = db

let own: Awaited<ReturnType<typeof freshOperator>>
let other: typeof own
afterAll(() => database.drop())
beforeEach(async () => {
  await prisma.signalStream.deleteMany()
  own = await freshOperator(db)
  other = await freshOperator(db)
})

/** Which of the streams would be claimed now. */
async function due(): Promise<readonly string[]> {
  const wanted = { owner: randomUUID(), places: 100, perOperator: 100, running: {} }
  const claimed = await claimStreams(pool, wanted)
  await prisma.signalStream.updateMany({ data: { claimedBy: null, claimedUntil: null } })
  return claimed.map(({ id }) => id)
}
async function isDue(stream: Stream): Promise<boolean> {
  await noteRecords(pool)
  return (await due()).includes(stream.id)
}
const add = (stream: Stream, key: string) =>
  prisma.signalSubject.create({ data: { streamId: stream.id, key, isAdded: true } })
const newestOf = async ({ id }: Stream): Promise<number> =>
  Number((await prisma.signalStream.findUniqueOrThrow({ where: { id } })).newest)
const endTokens = (agent: { readonly id: string }) =>
  prisma.agent.update({ where: { id: agent.id }, data: { epoch: { increment: 1 } } })
const endAll = (operator: { readonly id: string }) =>
  prisma.operator.update({ where: { id: operator.id }, data: { epoch: { increment: 1 } } })

describe('a stream is due after a record', () => {
  it.each<[about: string, act: (stream: Stream) => Promise<unknown>, expected: boolean]>([
    ['nothing', async () => undefined, false],
    ['a token of its operator', () => insertRevocation(db, own.id), true],
    ['an agent of its operator', async () => endTokens(await insertAgent(db, own)), true],
    ['its operator', () => endAll(own), true],
    ['a token of another operator', () => insertRevocation(db, other.id), false],
    ['another operator', () => endAll(other), false],
    ['the whole deployment', () => pool.query("SELECT append_revocation('edge', NULL, $1, 0, now())", ['e']), true],
    [
      'another agent that was added',
      async (stream) => {
        const agent = await insertAgent(db, other)
        await add(stream, subKey(agent.did))
        await endTokens(agent)
      },
      true,
    ],
    [
      'an agent beside one that was added',
      async (stream) => {
        await add(stream, subKey((await insertAgent(db, other)).did))
        await endTokens(await insertAgent(db, other))
      },
      false,
    ],
    [
      'the operator of an agent that was added',
      async (stream) => {
        await add(stream, subKey((await insertAgent(db, other)).did))
        await endAll(other)
      },
      true,
    ],
    [
      'the operator of an agent that was removed',
      async (stream) => {
        await add(stream, subKey((await insertAgent(db, other)).did))
        await prisma.signalSubject.updateMany({ data: { isAdded: false } })
        await endAll(other)
      },
      false,
    ],
    [
      'an agent of an operator that was added',
      async (stream) => {
        await add(stream, subKey(other.id))
        await endTokens(await insertAgent(db, other))
      },
      true,
    ],
    [
      'a token that was added',
      async (stream) => {
        const jti = randomUUID()
        await add(stream, jtiKey(jti))
        await prisma.revokedToken.create({ data: { operatorId: other.id, jti, expiresAt: new Date(Date.now() + 1e6) } })
      },
      true,
    ],
  ])('about %s', async (_about, act, expected) => {
    await noteRecords(pool)
    const stream = await insertStream(db, own.id)
    await act(stream)
    expect(await isDue(stream)).toBe(expected)
  })
})

it('many records are noted in parts, and a stream remembers the newest', async () => {
  await noteRecords(pool)
  const stream = await insertStream(db, own.id)
  await pool.query(`SELECT append_revocation('token', $1, n::text, 0, now()) FROM generate_series(1, 1200) n`, [own.id])
  await noteRecords(pool)
  expect(await newestOf(stream)).toBe(stream.cursor.sequence + 1_200)
})

it('a stream remembers the last record that concerns it, whatever records were noted with it', async () => {
  await noteRecords(pool)
  const stream = await insertStream(db, own.id)
  await pool.query("SELECT append_revocation('edge', NULL, $1, 0, now())", ['e'])
  const followed = await insertStream(db, own.id)
  await add(followed, jtiKey('noted'))
  await insertRevocation(db, own.id)
  await pool.query("SELECT append_revocation('token', $1, 'noted', 0, now())", [other.id])
  await insertRevocation(db, other.id)
  await noteRecords(pool)
  expect(await newestOf(stream)).toBe(stream.cursor.sequence + 2)
  expect(await newestOf(followed)).toBe(stream.cursor.sequence + 3)
})

it('noteRecords waits for no lock when no record is new', async () => {
  await noteRecords(pool)
  const creation = await pool.connect()
  try {
    await creation.query('BEGIN')
    await creation.query('SELECT FROM signal_dispatch FOR SHARE')
    await noteRecords(pool)
    await insertRevocation(db, own.id)
    const noted = noteRecords(pool)
    await expect.poll(isNotingWaiting, { timeout: 15_000 }).toBe(true)
    await creation.query('COMMIT')
    await noted
  } finally {
    creation.release()
  }
})

it('a record is noted at a stream that is disabled, which may begin anew at this moment', async () => {
  await noteRecords(pool)
  expect(await isDue(await insertStream(db, own.id, { status: 'disabled' }))).toBe(false)
  const stream = await insertStream(db, own.id, { status: 'disabled', beginsAnew: true })
  await insertRevocation(db, own.id)
  await noteRecords(pool)
  await prisma.signalStream.update({ where: { id: stream.id }, data: { status: 'enabled', beginsAnew: false } })
  expect(await due()).toContain(stream.id)
})

it('a record that is committed while a stream is created is noted at the stream', async () => {
  const vault = { seal: () => ({ wrapped: Buffer.of(1), kekId: 'k' }), open: () => Buffer.of(1) }
  const blocker = await pool.connect()
  try {
    // Holds the creation back after it has read the head of the log.
    await blocker.query('BEGIN')
    await blocker.query('LOCK TABLE audit_logs IN EXCLUSIVE MODE')
    const terms = { delivery: { method: 'poll' }, eventsRequested: [], description: '' } as const
    const created = createStream({ prisma, vault, now: Date.now }, asOperator(own), own.id, terms)
    await expect.poll(isCreationWaiting, { timeout: 15_000 }).toBe(true)
    await insertRevocation(db, own.id)
    const noted = noteRecords(pool)
    await expect.poll(isNotingWaiting, { timeout: 15_000 }).toBe(true)
    await blocker.query('COMMIT')
    const stream = await created
    await noted
    const { newest, sequence } = await prisma.signalStream.findUniqueOrThrow({ where: { id: stream.id } })
    expect(newest).toBe(sequence + 1n)
  } finally {
    blocker.release()
  }
})

const isWaitingFor = async (text: string): Promise<boolean> => {
  const { rowCount } = await pool.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`,
    [`%${text}%`],
  )
  return rowCount === 1
}
const isCreationWaiting = () => isWaitingFor('audit_logs')
const isNotingWaiting = () => isWaitingFor('FROM signal_dispatch WHERE id = 1 FOR UPDATE')

it('all streams are due if the log does not continue where it was noted', async () => {
  await noteRecords(pool)
  const [ahead, usual] = [await insertStream(db, own.id), await insertStream(db, other.id)]
  await prisma.signalStream.update({ where: { id: ahead.id }, data: { sequence: { increment: 5 } } })
  expect(await due()).toEqual([])
  await prisma.signalDispatch.updateMany({ data: { hash: new Uint8Array(32) } })
  await insertRevocation(db, (await freshOperator(db)).id)
  await noteRecords(pool)
  expect(new Set(await due())).toEqual(new Set([ahead.id, usual.id]))
})

it('an idle stream does not move over a record that is not noted yet', async () => {
  await noteRecords(pool)
  const stream = await insertStream(db, own.id)
  await insertRevocation(db, other.id)
  await noteRecords(pool)
  await insertRevocation(db, own.id)
  await moveIdleStreams(pool)
  expect((await readStream(db, stream)).cursor.sequence).toBe(stream.cursor.sequence + 1)
  expect(await isDue(stream)).toBe(true)
})
