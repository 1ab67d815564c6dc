import { randomUUID } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { freshOperator, insertAgent } from '../../../test/support/authn.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { insertRevocation, insertStream } from '../../../test/support/signals.ts'
import { claimStreams } from './claims.ts'
import { findUnknownNews, markNews } from './mark-news.ts'
import { moveIdleStreams, readPushLag } from './move-idle.ts'

const database = await testDatabase()
const { db } = database
const { pool, prisma } = db

let operator: Awaited<ReturnType<typeof freshOperator>>
let other: typeof operator
let id: string
afterAll(() => database.drop())
beforeEach(async () => {
  await prisma.signalStream.deleteMany()
  await markNews(pool)
  operator = await freshOperator(db)
  other = await freshOperator(db)
  ;({ id } = await insertStream(db, operator.id, { newsSequence: 0n }))
})

const add = (key: string) => prisma.signalSubject.create({ data: { streamId: id, key, isAdded: true } })
const news = async () => (await prisma.signalStream.findUniqueOrThrow({ where: { id } })).newsSequence
const head = async () => (await prisma.revocationHead.findFirstOrThrow()).sequence
const endOperator = () => prisma.operator.update({ where: { id: other.id }, data: { epoch: { increment: 1 } } })

describe('markNews', () => {
  it.each<[name: string, change: () => Promise<unknown>]>([
    ['of its operator', () => insertRevocation(db, operator.id)],
    [
      'of the deployment',
      () => pool.query("SELECT append_revocation('deployment', NULL, '', 9, now() + interval '1 h')"),
    ],
    [
      'of a token that was added',
      async () => {
        const jti = randomUUID()
        await add(`jti ${jti}`)
        await prisma.revokedToken.create({
          data: { operatorId: other.id, jti, expiresAt: new Date(Date.now() + 60_000) },
        })
      },
    ],
    [
      'of an operator that was added',
      async () => {
        await add(`sub ${other.id}`)
        await insertRevocation(db, other.id)
      },
    ],
    [
      'of an agent that was added',
      async () => {
        const agent = await insertAgent(db, other)
        await add(`sub ${agent.did}`)
        await prisma.agent.update({ where: { id: agent.id }, data: { epoch: { increment: 1 } } })
      },
    ],
    [
      'of the operator of an agent that was added',
      async () => {
        await add(`sub ${(await insertAgent(db, other)).did}`)
        await endOperator()
      },
    ],
  ])('marks a stream with a record %s', async (_name, change) => {
    await change()
    await markNews(pool)
    expect(await news()).toBe(await head())
  })

  it('marks no stream with the records of others', async () => {
    await add(`sub ${(await insertAgent(db, operator)).did}`)
    await insertRevocation(db, other.id)
    await endOperator()
    await markNews(pool)
    expect(await news()).toBe(0n)
  })

  it('looks at each record once, also in many processes', async () => {
    for (let n = 0; n < 5; n += 1) await insertRevocation(db, operator.id)
    await Promise.all([1, 2, 3, 4].map(() => markNews(pool)))
    await markNews(pool)
    expect([await news(), (await prisma.signalMark.findFirstOrThrow()).through]).toEqual([await head(), await head()])
  })
})

describe('findUnknownNews', () => {
  it.each([
    ['is idle', false],
    ['has news', true],
  ])('finds out that a new stream for poll %s', async (_name, hasNews) => {
    const poll = { deliveryMethod: 'poll', endpointUrl: '' }
    const stream = await insertStream(db, operator.id, poll)
    await insertRevocation(db, hasNews ? operator.id : other.id)
    await findUnknownNews(pool)
    const row = await prisma.signalStream.findUniqueOrThrow({ where: { id: stream.id } })
    expect(row.newsSequence).toBe(BigInt(stream.cursor.sequence + (hasNews ? 1 : 0)))
  })
})

describe('96 streams with 1,000 added subjects each', () => {
  it('need no more time for a record than others', async () => {
    await pool.query(
      `INSERT INTO signal_streams (operator_id, delivery_method, endpoint_url, log_epoch, sequence, hash, news_sequence)
      SELECT $1, 'push', 'https://a.example/', h.log_epoch, h.sequence, h.hash, 0 FROM revocation_head h, generate_series(1, 96)`,
      [operator.id],
    )
    for (let part = 0; part < 4; part += 1)
      await pool.query(
        `INSERT INTO signal_subjects (stream_id, key, is_added) SELECT s.id, 'sub did:agent:d' || n || '.example:' || md5(n::text), true
        FROM (SELECT id FROM signal_streams ORDER BY id OFFSET $1 LIMIT 24) s, generate_series(1, 1000) n`,
        [part * 24],
      )
    await insertRevocation(db, other.id)
    await endOperator()
    await markNews(pool)
    const wanted = { owner: randomUUID(), places: 32, perOperator: 4, running: {} }
    expect(await claimStreams(pool, wanted)).toEqual([])
    await moveIdleStreams(pool, 0)
    expect(await prisma.signalStream.count({ where: { sequence: { lt: await head() } } })).toBe(0)
    expect(await readPushLag(pool)).toBe(0)
  })
})
