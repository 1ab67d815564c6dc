import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { asOperator, insertOperator, type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { insertRevocation, insertStream, readStream } from '../../../test/support/signals.ts'
import { createKeyVault } from '../../keys/key-vault.ts'
import { openAuthorization } from './authorization.ts'
import { changeTerms, createStream, deleteStream, MAX_STREAMS, type StreamStore, type Terms } from './change-stream.ts'
import { chooseSubject } from './choose-subject.ts'
import { pauseStream } from './pause-stream.ts'
import { setStatus } from './set-status.ts'
import { jtiKey, readChoices } from './subjects.ts'
import { verifyStream } from './verify-stream.ts'

const vault = createKeyVault(randomBytes(32))
const HEADER = 'Bearer the-secret-of-the-receiver'
const PUSH = { method: 'push', endpointUrl: 'https://events.example.com/', authorization: HEADER } as const
const TERMS: Terms = { delivery: PUSH, eventsRequested: ['urn:x'], description: 'siem' }
let database: TestDatabase
let store: StreamStore
let operator: TestOperator
const clock = { now: Date.now() }

beforeAll(async () => {
  database = await testDatabase()
  store = { prisma: database.db.prisma, vault, now: () => clock.now }
  operator = await insertOperator(database.db, 'streams.example.com', 'active')
})
afterAll(() => database.drop())

const freshOperator = () => insertOperator(database.db, `${randomBytes(4).toString('hex')}.example.com`, 'active')
const actionsOf = async (subject: string) => {
  const rows = await database.db.prisma.auditLog.findMany({ where: { subject }, orderBy: { id: 'asc' } })
  return rows.map(({ action, actor, outcome }) => `${action} ${actor.split(':')[0]} ${outcome}`)
}
const nameOf = (id: string, of = operator) => ({ operatorId: of.id, id })

const set = (id: string, status: 'enabled' | 'paused' | 'disabled') =>
  setStatus(store, asOperator(operator), nameOf(id), { status, reason: '' })
const verify = (id: string, state = '') =>
  refusalOf(verifyStream(store, asOperator(operator), nameOf(id), { state, minIntervalS: 30 }))

describe('createStream', () => {
  it('begins at the head of the log, and seals the Authorization header', async () => {
    await insertRevocation(database.db, operator.id)
    const stream = await createStream(store, asOperator(operator), operator.id, TERMS)
    const head = await database.db.prisma.revocationHead.findFirstOrThrow()
    expect(stream.cursor).toMatchObject({ sequence: Number(head.sequence), part: 0 })
    const row = await database.db.prisma.signalStream.findUniqueOrThrow({ where: { id: stream.id } })
    expect(Buffer.from(row.wrappedAuthorization ?? []).includes('secret')).toBe(false)
    expect(openAuthorization(vault, stream)).toBe(HEADER)
    expect(await actionsOf(stream.id)).toStrictEqual(['stream.create operator done'])
  })

  it('makes no more than 16 streams of one operator, whatever the number of calls at the same time', async () => {
    const busy = await freshOperator()
    for (let made = 1; made < MAX_STREAMS.operator; made++) await insertStream(database.db, busy.id)
    const calls = [1, 2, 3].map(() => refusalOf(createStream(store, asOperator(busy), busy.id, TERMS)))
    expect((await Promise.all(calls)).toSorted()).toStrictEqual(['STREAM_LIMIT', 'STREAM_LIMIT', undefined])
    expect(await store.prisma.signalStream.count({ where: { operatorId: busy.id } })).toBe(MAX_STREAMS.operator)
  })

  it('makes no stream when the deployment has 10,000', async () => {
    const other = await testDatabase()
    const [many, one] = [
      await insertOperator(other.db, 'many.com', 'active'),
      await insertOperator(other.db, 'one.com', 'active'),
    ]
    await other.db.pool.query(
      `INSERT INTO signal_streams (operator_id, delivery_method, log_epoch, sequence, hash)
       SELECT $1, 'poll', 1, 0, '' FROM generate_series(1, $2::int)`,
      [many.id, MAX_STREAMS.deployment],
    )
    const there = { ...store, prisma: other.db.prisma }
    expect(await refusalOf(createStream(there, asOperator(one), one.id, TERMS))).toBe('STREAM_LIMIT')
    await other.drop()
  })

  it.each(['released', 'superseded'] as const)('leaves room again when its operator is %s', async (status) => {
    const gone = await freshOperator()
    const { id } = await createStream(store, asOperator(gone), gone.id, TERMS)
    await store.prisma.operator.update({ where: { id: gone.id }, data: { status: 'suspended' } })
    expect(await store.prisma.signalStream.count({ where: { id } })).toBe(1)
    await store.prisma.operator.update({ where: { id: gone.id }, data: { status } })
    expect(await store.prisma.signalStream.count({ where: { id } })).toBe(0)
  })

  it('accepts an assertion once', async () => {
    const call = asOperator(operator)
    await createStream(store, call, operator.id, TERMS)
    expect(await refusalOf(createStream(store, call, operator.id, TERMS))).toBe('ASSERTION_USED')
  })
})

describe('changeTerms', () => {
  it('gives the stream and its header to the caller, and forgets a header that the new terms do not have', async () => {
    const { id } = await createStream(store, asOperator(operator), operator.id, TERMS)
    const changed = await changeTerms(store, asOperator(operator), nameOf(id), (stream, authorization) => {
      expect([stream.description, authorization]).toStrictEqual(['siem', HEADER])
      return { ...TERMS, delivery: { ...PUSH, authorization: undefined }, description: 'new' }
    })
    expect(changed).toMatchObject({ description: 'new', authorization: undefined })
    expect(await actionsOf(id)).toStrictEqual(['stream.create operator done', 'stream.update operator done'])
  })

  it('forgets acknowledgements and the endpoint when the delivery method changes', async () => {
    const { id } = await insertStream(database.db, operator.id, { acknowledged: ['a'] })
    const terms: Terms = { ...TERMS, delivery: { method: 'poll' } }
    const changed = await changeTerms(store, asOperator(operator), nameOf(id), () => terms)
    expect(changed).toMatchObject({ deliveryMethod: 'poll', endpointUrl: '', acknowledged: [] })
  })

  it('finds no stream of another operator', async () => {
    const { id } = await insertStream(database.db, operator.id)
    const other = await freshOperator()
    expect(await refusalOf(changeTerms(store, asOperator(other), nameOf(id, other), () => TERMS))).toBe(
      'STREAM_NOT_FOUND',
    )
    expect(await refusalOf(deleteStream(store, asOperator(other), nameOf(id, other)))).toBe('STREAM_NOT_FOUND')
    expect(await readStream(database.db, { id })).toMatchObject({ description: '' })
  })
})

describe('setStatus', () => {
  it('keeps the place of a paused stream', async () => {
    const { id, cursor } = await insertStream(database.db, operator.id)
    await set(id, 'paused')
    await insertRevocation(database.db, operator.id)
    expect(await set(id, 'enabled')).toMatchObject({ status: 'enabled', cursor })
  })

  it('begins at the head of the log after it was disabled, also if it was paused in between', async () => {
    const pending = [{ kind: 'verification', jti: 'v', iat: 1 }]
    const { id, cursor } = await insertStream(database.db, operator.id, { pending, acknowledged: ['a'] })
    expect(await set(id, 'disabled')).toMatchObject({ status: 'disabled', pending: [], cursor })
    await insertRevocation(database.db, operator.id)
    await set(id, 'paused')
    expect(await set(id, 'enabled')).toMatchObject({
      beginsAnew: false,
      acknowledged: [],
      cursor: { sequence: cursor.sequence + 1, part: 0 },
    })
  })

  it('drops a stream-updated event that is out of date', async () => {
    const { id, operatorId } = await insertStream(database.db, operator.id)
    await pauseStream(store, { id, operatorId }, { reason: 'The receiver is away', beginsAnew: false })
    expect(await readStream(database.db, { id })).toMatchObject({
      status: 'paused',
      statusReason: 'The receiver is away',
      pending: [{ kind: 'stream-updated', status: 'paused', reason: 'The receiver is away' }],
    })
    expect(await set(id, 'enabled')).toMatchObject({ pending: [], statusReason: '' })
    expect(await actionsOf(id)).toStrictEqual(['stream.pause system done', 'stream.set-status operator done'])
  })
})

describe('pauseStream', () => {
  it('leaves a stream alone that is not enabled', async () => {
    const { id, operatorId } = await insertStream(database.db, operator.id, { status: 'disabled' })
    await pauseStream(store, { id, operatorId }, { reason: 'x', beginsAnew: true })
    expect(await readStream(database.db, { id })).toMatchObject({ status: 'disabled', pending: [], beginsAnew: false })
  })
})

describe('verifyStream', () => {
  it('adds an event once in an interval, and not more than eight that wait', async () => {
    const { id } = await insertStream(database.db, operator.id)
    expect(await verify(id, 'first')).toBeUndefined()
    expect(await verify(id)).toBe('RATE_LIMITED')
    for (let more = 1; more < 8; more++) {
      clock.now += 30_000
      expect(await verify(id)).toBeUndefined()
    }
    clock.now += 30_000
    expect(await verify(id)).toBe('RATE_LIMITED')
    const { pending } = await readStream(database.db, { id })
    expect([pending.length, pending[0]]).toMatchObject([8, { kind: 'verification', state: 'first' }])
  })
})

describe('chooseSubject', () => {
  it('remembers the last choice about a subject', async () => {
    const { id } = await insertStream(database.db, operator.id)
    const key = jtiKey('a')
    for (const isAdded of [true, false]) {
      await chooseSubject(store, asOperator(operator), nameOf(id), { key, isAdded })
      const choices = await readChoices(database.db.pool, id, [key, jtiKey('b')])
      expect([...choices]).toStrictEqual([[key, isAdded ? 'added' : 'removed']])
    }
  })
})
