import { randomUUID } from 'node:crypto'
import { decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { freshOperator, insertAgent, type TestAgent } from '../../../test/support/authn-agents.ts'
import { testDatabase } from '../../../test/support/database.ts'
import {
  audience,
  eventKey,
  insertRevocation,
  insertStream,
  nextSetsOf,
  readStream,
  SIGNALS_ISSUER,
} from '../../../test/support/signals.ts'
import { advance } from '../store/progress.ts'
import type { Stream } from '../store/stream.ts'
import { CREDENTIAL_CHANGE, SESSION_REVOKED } from './event-types.ts'

const database = await testDatabase()
const { prisma, pool } = database.db
const next = nextSetsOf(database.db)
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'

let operator: Awaited<ReturnType<typeof freshOperator>>
let other: typeof operator
let stream: Stream

afterAll(() => database.drop())
beforeEach(async () => {
  operator = await freshOperator(database.db)
  other = await freshOperator(database.db)
  stream = await insertStream(database.db, operator.id)
})

const revoke = (operatorId = operator.id) => insertRevocation(database.db, operatorId)
const endAgent = ({ id }: TestAgent, data = {}) =>
  prisma.agent.update({ where: { id }, data: { epoch: { increment: 1 }, ...data } })
const endOperator = (id: string) => prisma.operator.update({ where: { id }, data: { epoch: { increment: 1 } } })
const endIssuer = () =>
  pool.query("SELECT append_revocation('issuer', NULL, 'https://other.example', 2, now() + interval '1 hour')")
const add = (sub: string, isAdded = true) =>
  prisma.signalSubject.create({ data: { streamId: stream.id, key: `sub ${sub}`, isAdded } })

/** Reads the next events. Fails if the stream is lost. */
async function read(of = stream, limit = 100) {
  const found = await next(of, { limit })
  if ('lost' in found) throw new Error('The stream is lost')
  return found
}

const jtis = async (of: Stream) => (await read(of)).sets.map((set) => set.jti)

/** Returns the subjects of the next events. */
async function subjects(of = stream, limit = 100): Promise<unknown[]> {
  const { sets } = await read(of, limit)
  return Promise.all(sets.map(async (set) => decodeJwt(await set.sign())['sub_id']))
}

/** Returns the types of the next events, of a stream that has requested some. */
async function types(eventsRequested: string[]): Promise<unknown[]> {
  const { sets } = await read({ ...stream, eventsRequested })
  return Promise.all(sets.map(async (set) => Object.keys(decodeJwt<{ events: object }>(await set.sign()).events)[0]))
}
const tokenOf = (jti: string) => ({ format: 'jwt_id', iss: SIGNALS_ISSUER, jti })
const subOf = (sub: string) => ({ format: 'iss_sub', iss: SIGNALS_ISSUER, sub })

describe('readNextSets', () => {
  it('returns nothing of a log without new records', async () => {
    expect(await read()).toEqual({ sets: [], more: false, through: stream.cursor })
  })

  it('signs a token with one event, sub_id and txn, and without sub and exp', async () => {
    const jti = await revoke()
    const { sequence, logEpoch, recordedAt } = await prisma.revocationLog.findFirstOrThrow({ where: { subject: jti } })
    const [set] = (await read()).sets
    const { payload, protectedHeader } = await jwtVerify((await set?.sign()) ?? '', eventKey, { algorithms: ['RS256'] })
    expect(protectedHeader.typ).toBe('secevent+jwt')
    const seconds = Math.floor(recordedAt.getTime() / 1000)
    expect(payload).toEqual({
      iss: SIGNALS_ISSUER,
      aud: audience(stream.id),
      jti: set?.jti,
      iat: seconds,
      txn: `${logEpoch}-${sequence}`,
      sub_id: tokenOf(jti),
      events: {
        [SESSION_REVOKED]: { event_timestamp: seconds, reason_admin: { en: 'The token or grant was revoked' } },
      },
    })
    expect(set?.jti).toMatch(/^[\w-]{43}$/)
  })

  it('gives an event the same jti each time, and another one in another stream', async () => {
    await revoke()
    const { logEpoch, sequence, hash, part } = stream.cursor
    const place = { logEpoch, sequence: BigInt(sequence), hash: Buffer.from(hash, 'hex'), part }
    const twin = await insertStream(database.db, operator.id, place)
    expect(await jtis(stream)).toEqual(await jtis(stream))
    expect(await jtis(twin)).not.toEqual(await jtis(stream))
  })

  it('returns the records of the operator and of the deployment in order, and none of another operator', async () => {
    const first = await revoke()
    await revoke(other.id)
    const agent = await insertAgent(database.db, operator)
    await endAgent(agent)
    await endIssuer()
    await endOperator(other.id)
    await endOperator(operator.id)
    expect(await subjects()).toEqual([
      tokenOf(first),
      subOf(agent.did),
      { format: 'uri', uri: 'https://other.example' },
      subOf(operator.id),
    ])
  })

  it('moves an idle stream past the records of others', async () => {
    await revoke(other.id)
    const { sets, through } = await read()
    const head = await prisma.revocationHead.findFirstOrThrow()
    expect([sets, through.sequence]).toEqual([[], Number(head.sequence)])
    expect(await read({ ...stream, cursor: through })).toEqual({ sets: [], more: false, through })
  })

  it('continues after the cursor of each event, also between two events of one record', async () => {
    const agent = await insertAgent(database.db, operator)
    await endAgent(agent, { allowedScopes: [] })
    await revoke()
    const { sets } = await read()
    expect(sets).toHaveLength(3)
    for (const [index, { position }] of sets.entries()) {
      if (!('cursor' in position)) throw new Error('A record must have a place in the log')
      const left = await read({ ...stream, cursor: position.cursor })
      expect(left.sets.map(({ jti }) => jti)).toEqual(sets.slice(index + 1).map(({ jti }) => jti))
    }
  })

  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [100, 5],
  ])('returns with the limit %i this number of events: %i', async (limit, count) => {
    const agent = await insertAgent(database.db, operator)
    await endAgent(agent, { allowedScopes: [] })
    await revoke()
    await endAgent(agent, { allowedScopes: [], status: 'suspended' })
    await revoke()
    const all = (await read()).sets.map(({ jti }) => jti)
    const { sets, more } = await read(stream, limit)
    expect(sets.map(({ jti }) => jti)).toEqual(all.slice(0, count))
    expect(more).toBe(count < all.length)
  })

  it('reaches every event in order with any limit', async () => {
    const agent = await insertAgent(database.db, operator)
    for (let n = 0; n < 4; n += 1) {
      await endAgent(agent, { allowedScopes: [] })
      await prisma.agent.update({ where: { id: agent.id }, data: { allowedScopes: ['a'] } })
      await revoke(other.id)
      await revoke()
    }
    const all = (await read()).sets.map(({ jti }) => jti)
    expect(all).toHaveLength(12)
    for (const limit of [1, 2, 3, 5]) {
      const seen: string[] = []
      let { cursor } = stream
      for (let more = true; more; ) {
        const part = await read({ ...stream, cursor }, limit)
        seen.push(...part.sets.map(({ jti }) => jti))
        more = part.more
        cursor = part.through
      }
      expect(seen).toEqual(all)
    }
  })

  it('returns only the events that the receiver requested', async () => {
    const agent = await insertAgent(database.db, operator)
    await pool.query(
      "SELECT append_revocation('agent', $1, $2, 2, now() + interval '1 hour', '{\"type\":\"rotate\"}')",
      [operator.id, agent.did],
    )
    expect(await types([])).toEqual([SESSION_REVOKED, CREDENTIAL_CHANGE])
    expect(await types([CREDENTIAL_CHANGE, 'https://unknown.example'])).toEqual([CREDENTIAL_CHANGE])
    expect(await types([`${CAEP}assurance-level-change`])).toEqual([])
  })

  it('leaves a subject out that the receiver removed', async () => {
    const [one, two] = [await insertAgent(database.db, operator), await insertAgent(database.db, operator)]
    await add(one.did, false)
    await endAgent(one)
    await endAgent(two)
    expect(await subjects()).toEqual([subOf(two.did)])
  })

  it("returns of an agent of another operator that was added its end and its operator's, but no cause", async () => {
    const [one, two] = [await insertAgent(database.db, other), await insertAgent(database.db, other)]
    await add(one.did)
    await revoke(other.id)
    await endAgent(two)
    await endAgent(one, { allowedScopes: [] })
    await endOperator(other.id)
    expect(await subjects()).toEqual([subOf(one.did), subOf(other.id)])
  })

  it('returns all records of an operator that was added, and each of them once', async () => {
    const agent = await insertAgent(database.db, other)
    await add(other.id)
    await add(agent.did)
    const jti = await revoke(other.id)
    await endAgent(agent)
    expect(await subjects()).toEqual([tokenOf(jti), subOf(agent.did)])
  })

  it('returns a token of another operator that was added', async () => {
    const jti = randomUUID()
    await prisma.signalSubject.create({ data: { streamId: stream.id, key: `jti ${jti}`, isAdded: true } })
    await revoke(other.id)
    await prisma.revokedToken.create({ data: { operatorId: other.id, jti, expiresAt: new Date(Date.now() + 60_000) } })
    expect(await subjects()).toEqual([tokenOf(jti)])
  })

  it('stops before a record of a kind that this version does not know', async () => {
    const jti = await revoke()
    await pool.query("SELECT append_revocation('session', NULL, 's', 0, now() + interval '1 hour')")
    await revoke()
    const { sets, more, through } = await read()
    expect([sets.length, more]).toEqual([1, false])
    expect(await subjects()).toEqual([tokenOf(jti)])
    expect(await read({ ...stream, cursor: through })).toEqual({ sets: [], more: false, through })
    await pool.query("DELETE FROM revocation_log WHERE kind = 'session'")
  })
})

it('advance stores the cursor of an event, so that the next read begins after it', async () => {
  await revoke()
  await revoke()
  const { sets } = await read()
  const [first] = sets
  if (first === undefined || !('cursor' in first.position)) throw new Error('There must be a first event')
  const progress = { cursor: first.position.cursor, acknowledged: [], pendingJtis: [] }
  expect(await advance(pool, stream, progress)).toBe(true)
  const left = await read(await readStream(database.db, stream))
  expect(left.sets.map(({ jti }) => jti)).toEqual([sets[1]?.jti])
})
