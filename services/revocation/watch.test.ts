import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type LogPosition, RevocationKind } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { freshOperator, insertAgent } from '../../test/support/authn-agents.ts'
import { testDatabase } from '../../test/support/database.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { emptyLog, range, revokeTokens, sequences, type WatchRequest, watchersOf } from '../../test/support/watchers.ts'
import type { FeedTimes } from './feed.ts'
import { createLogStore } from './log-store.ts'

const database = await testDatabase()
const { pool } = database.db
const store = createLogStore(pool, 'test')
afterAll(() => database.drop())

let operatorId = ''
beforeAll(async () => {
  ;({ id: operatorId } = await freshOperator(database.db))
})
beforeEach(() => emptyLog(pool))

const revoke = (count = 1) => revokeTokens(pool, operatorId, count)
const fixture = (options: { readonly times?: FeedTimes } = {}) => watchersOf({ log: store, ...options })
const after = ({ sequence, logEpoch, hash }: LogPosition): WatchRequest => ({ afterSequence: sequence, logEpoch, hash })
/** Returns a request for the position of record `through`, or of the head now. */
const now = async (through?: number) => {
  const { head } = await store.tail(0)
  const records = await store.recordsAfter(0, 10_000)
  const { sequence, hash } = through === undefined ? head : (records[through - 1] ?? head)
  return { logEpoch: head.logEpoch, afterSequence: BigInt(sequence), hash: Buffer.from(hash, 'hex') }
}

describe('WatchRevocations', () => {
  it('sends the records of all operators, then the head, then new records', async () => {
    await revoke()
    const agent = await insertAgent(database.db, await freshOperator(database.db))
    await pool.query('UPDATE agents SET epoch = epoch + 1 WHERE id = $1', [agent.id])
    const { watch, wake } = fixture({ times: { heartbeatMs: 5_000, patienceMs: 10_000 } })
    const { untilHead, next } = watch()
    const { records, head } = await untilHead()
    expect(sequences(records)).toEqual([1, 2])
    expect(records).toMatchObject([
      { kind: RevocationKind.TOKEN, operatorId },
      { kind: RevocationKind.AGENT, operatorId: agent.operatorId, subject: agent.did, minimumEpoch: 2 },
    ])
    expect(records[1]?.previousHash).toEqual(records[0]?.position?.hash)
    expect(head).toEqual(records[1]?.position)
    const live = next()
    await revoke()
    wake()
    expect(await live).toMatchObject({ case: 'record', value: { position: { sequence: 3n }, previousHash: head.hash } })
  })

  it('sends exactly one heartbeat in each interval, also without new records', async () => {
    const { watch, wake, reads } = fixture({ times: { heartbeatMs: 100, patienceMs: 10_000 } })
    const { untilHead } = watch()
    const began = performance.now()
    await untilHead()
    const waking = setInterval(wake, 5)
    onTestFinished(() => clearInterval(waking))
    for (let n = 0; n < 3; n += 1) expect(await untilHead()).toMatchObject({ records: [], head: { sequence: 0n } })
    expect(performance.now() - began).toBeGreaterThan(290)
    expect(reads.tails).toBeGreaterThan(6)
  })

  it.each([
    ['a sequence', false],
    ['a sequence and a hash', true],
  ])('continues after a position that the request gives as %s', async (_name, withHash) => {
    await revoke(5)
    const { hash, ...place } = await now(3)
    const { records } = await fixture()
      .watch({ ...place, ...(withHash && { hash }) })
      .untilHead()
    expect(sequences(records)).toEqual([4, 5])
  })

  it('continues from the head, and from the last compacted record', async () => {
    await revoke(3)
    const at = await now(2)
    await pool.query('DELETE FROM revocation_log WHERE sequence <= 2')
    await pool.query('UPDATE revocation_head SET compacted_through = 2')
    const { watch } = fixture()
    expect(sequences((await watch(at).untilHead()).records)).toEqual([3])
    expect(sequences((await watch().untilHead()).records)).toEqual([3])
    expect(sequences((await watch(await now()).untilHead()).records)).toEqual([])
  })

  it('sends, with until_head, the missing records and the head, and then ends the stream', async () => {
    await revoke(3)
    const { feed, watch } = fixture({ times: { heartbeatMs: 60_000, patienceMs: 10_000 } })
    const first = watch({ untilHead: true })
    const { records, head } = await first.untilHead()
    expect(sequences(records)).toEqual([1, 2, 3])
    expect(await first.next()).toBeUndefined()
    expect(feed.watchers).toBe(0)
    await revoke(2)
    const second = watch({ ...after(head), untilHead: true })
    expect(sequences((await second.untilHead()).records)).toEqual([4, 5])
    expect(await second.next()).toBeUndefined()
  })

  it('sends a long log in order, each record once, and reads it in pages of 200 records', async () => {
    await revoke(1_100)
    const { watch, reads } = fixture()
    const { records, head } = await watch().untilHead()
    expect(sequences(records)).toEqual(range(1, 1_100))
    for (const [index, { previousHash }] of records.entries()) {
      if (index > 0) expect(previousHash).toEqual(records[index - 1]?.position?.hash)
    }
    expect(head.sequence).toBe(1_100n)
    expect(Math.max(...reads.pages)).toBeLessThanOrEqual(200)
  })

  it('sends records of older log epochs', async () => {
    await revoke(2)
    await pool.query('UPDATE revocation_head SET log_epoch = 2')
    await revoke()
    const { records } = await fixture().watch().untilHead()
    expect(records.map(({ position }) => position?.logEpoch)).toEqual([1, 1, 2])
  })
})

const refused = async (request: WatchRequest) => refusalOf(fixture().watch(request).next())

describe('WatchRevocations with RESYNC_REQUIRED', () => {
  it('refuses a position beyond the head', async () => {
    await revoke(2)
    const { logEpoch } = await now()
    for (const afterSequence of [3n, 2n ** 64n - 1n])
      expect(await refused({ afterSequence, logEpoch })).toBe('RESYNC_REQUIRED')
  })

  it.each([-1, 1])('refuses a position of another log epoch (%i)', async (offset) => {
    await pool.query('UPDATE revocation_head SET log_epoch = 2')
    await revoke(2)
    const { logEpoch } = await now()
    expect(await refused({ afterSequence: 1n, logEpoch: logEpoch + offset })).toBe('RESYNC_REQUIRED')
  })

  it.each([1, 2])('refuses a position whose hash is not the hash of record %i', async (through) => {
    await revoke(2)
    expect(await refused({ ...(await now(through)), hash: new Uint8Array(32) })).toBe('RESYNC_REQUIRED')
  })

  it('refuses a position whose next record was compacted', async () => {
    await revoke(3)
    const at = await now(1)
    await pool.query('DELETE FROM revocation_log WHERE sequence <= 2')
    await pool.query('UPDATE revocation_head SET compacted_through = 2')
    expect(await refused(at)).toBe('RESYNC_REQUIRED')
  })

  it('refuses a position whose next record was compacted, although the feed still has it in memory', async () => {
    await revoke(3)
    const at = await now(1)
    const { watch } = fixture()
    await watch().untilHead()
    await pool.query('DELETE FROM revocation_log WHERE sequence <= 2')
    await pool.query('UPDATE revocation_head SET compacted_through = 2')
    expect(await refusalOf(watch(at).next())).toBe('RESYNC_REQUIRED')
  })

  it('ends a stream when a new log epoch begins', async () => {
    await revoke()
    const { untilHead, next } = fixture().watch()
    await untilHead()
    await pool.query('UPDATE revocation_head SET log_epoch = 2')
    await expect(
      (async () => {
        while ((await next()) !== undefined);
      })(),
    ).rejects.toMatchObject({
      reason: 'RESYNC_REQUIRED',
    })
  })

  it('ends a stream when the log has other records at the same sequences, as after a restore', async () => {
    await revoke(2)
    const { watch } = fixture()
    // Keep a watcher open, so that the feed keeps its records in memory.
    await watch().next()
    const first = watch()
    const { head } = await first.untilHead()
    await pool.query('DELETE FROM revocation_log WHERE sequence = 2')
    await pool.query(
      `UPDATE revocation_head SET sequence = 1, hash = (SELECT hash FROM revocation_log WHERE sequence = 1)`,
    )
    await revoke()
    const rest = (async () => {
      while ((await first.next()) !== undefined);
    })()
    await expect(rest).rejects.toMatchObject({ reason: 'RESYNC_REQUIRED' })
    expect(await refusalOf(watch(after(head)).next())).toBe('RESYNC_REQUIRED')
    const { records } = await watch().untilHead()
    expect(sequences(records)).toEqual([1, 2])
    expect(records[1]?.position?.hash).not.toEqual(head.hash)
  })
})

describe('WatchRevocations with INVALID_ARGUMENT', () => {
  it.each<[string, WatchRequest]>([
    ['a sequence without its log epoch', { afterSequence: 1n }],
    ['a sequence of log epoch -1', { afterSequence: 1n, logEpoch: -1 }],
    ['a log epoch alone', { logEpoch: 1 }],
    ['a hash alone', { hash: new Uint8Array(32) }],
    ['a hash of 31 bytes', { afterSequence: 1n, logEpoch: 1, hash: new Uint8Array(31) }],
    ['a hash of 33 bytes', { afterSequence: 1n, logEpoch: 1, hash: new Uint8Array(33) }],
  ])('refuses %s', async (_name, request) => {
    const { feed, watch } = fixture()
    expect(await refusalOf(watch(request).next())).toBe('INVALID_ARGUMENT')
    expect(feed.watchers).toBe(0)
  })
})
