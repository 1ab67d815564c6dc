import { decodeJwt } from 'jose'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { freshOperator } from '../../../test/support/authn-agents.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { audience, insertRevocation, insertStream, nextSetsOf, SIGNALS_ISSUER } from '../../../test/support/signals.ts'
import { compactLog } from '../../revocation/compact-log.ts'
import type { Stream } from '../store/stream.ts'

const database = await testDatabase()
const { pool } = database.db
const next = nextSetsOf(database.db)

let operator: Awaited<ReturnType<typeof freshOperator>>
let stream: Stream

afterAll(() => database.drop())
beforeEach(async () => {
  operator = await freshOperator(database.db)
  stream = await insertStream(database.db, operator.id)
})

const revoke = () => insertRevocation(database.db, operator.id)

/** Reads the next events. Fails if the stream is lost. */
async function read(of = stream, limit = 100) {
  const found = await next(of, { limit })
  if ('lost' in found) throw new Error('The stream is lost')
  return found
}

describe('the events about a stream', () => {
  const told = { jti: 'p-1', iat: 1_764_000_000, kind: 'verification', state: 's' }
  const paused = { jti: 'p-2', iat: 1_764_000_001, kind: 'stream-updated', status: 'paused', reason: 'r' }

  it('come first, and name the stream', async () => {
    stream = await insertStream(database.db, operator.id, { pending: [told, paused] })
    await revoke()
    const { sets } = await read()
    expect(sets.map(({ position }) => position)).toMatchObject([{ pendingJti: 'p-1' }, { pendingJti: 'p-2' }, {}])
    expect(decodeJwt((await sets[0]?.sign()) ?? '')).toEqual({
      iss: SIGNALS_ISSUER,
      aud: audience(stream.id),
      jti: 'p-1',
      iat: told.iat,
      txn: 'p-1',
      sub_id: { format: 'opaque', id: stream.id },
      events: { 'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 's' } },
    })
    expect(decodeJwt((await sets[1]?.sign()) ?? '')['events']).toEqual({
      'https://schemas.openid.net/secevent/ssf/event-type/stream-updated': { status: 'paused', reason: 'r' },
    })
  })

  it.each(['paused', 'disabled'])(
    'are all that a stream returns that is %s: those about its status',
    async (status) => {
      stream = await insertStream(database.db, operator.id, { status, pending: [told, paused] })
      await revoke()
      expect((await read()).sets.map(({ jti }) => jti)).toEqual(['p-2'])
    },
  )

  it('count for the limit', async () => {
    stream = await insertStream(database.db, operator.id, { pending: [told, paused] })
    await revoke()
    expect(await read(stream, 2)).toMatchObject({ sets: [{ jti: 'p-1' }, { jti: 'p-2' }], more: true })
    expect((await read(stream, 2)).through).toEqual(stream.cursor)
  })
})

describe('a stream is lost', () => {
  it('when compaction has removed the record after its cursor, and not before', async () => {
    await revoke()
    const after = (await read()).through
    await compactLog(pool, { read: async () => Date.now() + 4_000_000 })
    expect(await next(stream, { limit: 1 })).toEqual({ lost: true })
    expect(await read({ ...stream, cursor: after })).toMatchObject({ sets: [] })
  })

  it.each<[name: string, change: Partial<Stream['cursor']>]>([
    ['is beyond the head', { sequence: 1_000_000 }],
    ['has the hash of another log', { hash: '00'.repeat(32) }],
  ])('when its cursor %s', async (_name, change) => {
    expect(await next({ ...stream, cursor: { ...stream.cursor, ...change } }, { limit: 1 })).toEqual({ lost: true })
    await revoke()
    expect(await next({ ...stream, cursor: { ...stream.cursor, ...change } }, { limit: 1 })).toEqual({ lost: true })
  })

  it('not by a new log epoch that continues the log', async () => {
    await pool.query('UPDATE revocation_head SET log_epoch = log_epoch + 1')
    await revoke()
    expect((await read()).sets).toHaveLength(1)
  })
})
