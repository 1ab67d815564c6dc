import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { becomes, JTI, setUpFollower, setUpReadyFollower } from '../../../test/support/followed-log.ts'
import { type Connection, type HandLog, handLog } from '../../../test/support/hand-feed.ts'
import { newToken, outcomeOf } from '../../../test/support/offline-verifier.ts'
import { until } from '../../../test/support/until.ts'
import { FeedError, type FeedEvent } from './feed.ts'

const { operator_id: operatorId, sub } = GOOD_CLAIMS

it('refuses while it has not read the log to its end', async () => {
  const { verifier, token, log, connection } = await setUpFollower()
  expect(await outcomeOf(verifier, token)).toBe('REVOCATIONS_STALE')
  connection.send(log.append())
  expect(await outcomeOf(verifier, token)).toBe('REVOCATIONS_STALE')
  connection.send(log.head())
  await verifier.ready()
  expect(await outcomeOf(verifier, token)).toBe('VALID')
})

describe('a record ends', () => {
  it.each<[string, (log: HandLog, kid: string) => FeedEvent, string]>([
    ['a token', (log) => log.append({ operatorId, subject: JTI }), 'TOKEN_REVOKED'],
    [
      'an agent',
      (log) => log.append({ kind: 'agent', operatorId, subject: sub, minimumEpoch: 2 }),
      'AGENT_TOKENS_ENDED',
    ],
    [
      'an operator',
      (log) => log.append({ kind: 'operator', operatorId, subject: '', minimumEpoch: 3 }),
      'OPERATOR_TOKENS_ENDED',
    ],
    ['all', (log) => log.append({ kind: 'deployment', subject: '', minimumEpoch: 3 }), 'OPERATOR_TOKENS_ENDED'],
    ['a key', (log, kid) => log.append({ kind: 'key', subject: kid }), 'UNKNOWN_KEY'],
    ['nothing of this operator', (log) => log.append({ operatorId: 'other', subject: JTI }), 'VALID'],
    ['what is older', (log) => log.append({ kind: 'agent', operatorId, subject: sub, minimumEpoch: 1 }), 'VALID'],
  ])('%s', async (_name, record, reason) => {
    const { verifier, token, log, connection, issuer } = await setUpReadyFollower()
    connection.send(record(log, issuer.key.kid), log.append({ operatorId, subject: 'last' }))
    await becomes(
      verifier,
      newToken(issuer.key, { jti: 'last', epoch: [9, 9] }),
      reason === 'UNKNOWN_KEY' ? reason : 'TOKEN_REVOKED',
    )
    expect(await outcomeOf(verifier, token)).toBe(reason)
  })
})

describe('a feed that lies', () => {
  const OTHER = 'ab'.repeat(32)
  const lies: [string, (log: HandLog) => FeedEvent][] = [
    ['a record that is not what its hash says', (log) => log.append({ hash: OTHER })],
    ['a record that does not follow', (log) => log.append({ previousHash: OTHER })],
    ['a record too far on', (log) => log.append({ sequence: 7 })],
    ['a record again', (log) => log.append({ sequence: 1 })],
    ['a head beyond what it has sent', (log) => log.head({ sequence: 9 })],
    ['a head before it', (log) => log.head({ sequence: 0 })],
    ['a head of another log', (log) => log.head({ hash: OTHER })],
    ['a head of another log epoch', (log) => log.head({ logEpoch: 2 })],
    ['a kind that nobody knows', (log) => log.append({ kind: 'planet' })],
  ]
  it.each(lies)('with %s is not believed, and what was known still refused', async (_name, lie) => {
    const { verifier, token, log, connection, issuer, hand } = await setUpReadyFollower()
    const good = newToken(issuer.key)
    connection.send(log.append({ operatorId, subject: JTI }), log.head())
    await becomes(verifier, token, 'TOKEN_REVOKED')
    expect(await outcomeOf(verifier, good)).toBe('VALID')
    connection.send(lie(log))
    await becomes(verifier, good, 'REVOCATIONS_STALE')
    expect(await outcomeOf(verifier, token)).toBe('TOKEN_REVOKED')
    if (_name.includes('nobody knows')) return
    const again = await hand.next()
    expect(again.from).toBeUndefined()
    const fresh = handLog()
    again.send(fresh.append())
    expect(await outcomeOf(verifier, good)).toBe('REVOCATIONS_STALE')
    expect(await outcomeOf(verifier, token)).toBe('TOKEN_REVOKED')
    again.send(fresh.head())
    await becomes(verifier, good, 'VALID')
    expect(await outcomeOf(verifier, token)).toBe('VALID')
  })
})

async function resumed(end: (connection: Connection) => void) {
  const all = await setUpReadyFollower()
  all.log.logEpoch = 1
  all.connection.send(all.log.append(), all.log.head())
  await until(
    async () => all.verifier.metrics().records,
    (count) => count === 1,
  )
  end(all.connection)
  return { ...all, next: await all.hand.next() }
}

describe('when a connection ends', () => {
  it.each<[string, (connection: Connection) => void]>([
    ['as it should', (connection) => connection.end()],
    ['with an error', (connection) => connection.end(new Error('gone'))],
  ])('%s, it goes on from where it was, and answers meanwhile', async (_name, end) => {
    const { verifier, token, log, next } = await resumed(end)
    expect(next.from).toEqual(log.position)
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    next.send(log.append({ operatorId, subject: JTI }))
    await becomes(verifier, token, 'TOKEN_REVOKED')
  })

  it('and the log cannot be gone on with, it begins again', async () => {
    const { verifier, token, hand, next } = await resumed((connection) => connection.end())
    next.end(new FeedError('RESYNC_REQUIRED', { mustBeginAgain: true }))
    const again = await hand.next()
    expect(again.from).toBeUndefined()
    expect(await outcomeOf(verifier, token)).toBe('REVOCATIONS_STALE')
    const log = handLog({ logEpoch: 2, sequence: 40, hash: 'cd'.repeat(32) })
    again.send(log.append(), log.head())
    await becomes(verifier, token, 'VALID')
    again.end()
    expect((await hand.next()).from).toEqual(log.position)
  })
})

it.each<[string, (connection: Connection) => void]>([
  ['ends', (connection) => connection.end()],
  ['breaks', (connection) => connection.end(new Error('gone'))],
])('reads on where a connection %s in the middle of the log', async (_name, end) => {
  const { verifier, token, log, connection, hand } = await setUpFollower()
  connection.send(log.append({ operatorId, subject: JTI }), log.append())
  // What breaks takes with it what has not been read; nothing waits for longer than a turn to read this.
  await nextTurn()
  end(connection)
  const next = await hand.next()
  expect(next.from).toEqual(log.position)
  next.send(log.append(), log.head())
  await verifier.ready()
  expect([await outcomeOf(verifier, token), verifier.metrics().records]).toEqual(['TOKEN_REVOKED', 2])
})

it('reads records of an older log epoch, and goes on from where the log is now', async () => {
  const { verifier, log, connection, hand } = await setUpFollower()
  const old = log.append()
  log.logEpoch = 2
  connection.send(old, log.append(), log.append({ logEpoch: 2 }), log.head())
  await verifier.ready()
  connection.end()
  expect((await hand.next()).from).toEqual({ ...log.position, logEpoch: 2 })
})

it('lets no key come back that the log has ended, whatever the issuer publishes', async () => {
  const { verifier, token, log, connection, issuer, hand } = await setUpReadyFollower()
  connection.send(log.append({ kind: 'key', subject: issuer.key.kid }), log.head())
  await becomes(verifier, token, 'UNKNOWN_KEY')
  connection.end(new FeedError('again', { mustBeginAgain: true }))
  const again = await hand.next()
  const fresh = handLog({ logEpoch: 1, sequence: 9, hash: 'ab'.repeat(32) })
  again.send(fresh.head())
  await until(
    async () => verifier.metrics().stalenessSeconds ?? 9,
    (age) => age < 5,
  )
  expect(await outcomeOf(verifier, token)).toBe('UNKNOWN_KEY')
  expect(await outcomeOf(verifier, newToken(issuer.key))).toBe('UNKNOWN_KEY')
})

describe('where the issuer has no place for a stream that lasts', () => {
  it('polls the log from where it is, and knows as much as the last answer', async () => {
    const { verifier, token, log, connection, hand } = await setUpFollower({ maxStaleness: 3_600 })
    expect(connection.untilHead).toBe(false)
    connection.end(new FeedError('RATE_LIMITED', { isFull: true, retryAfterMs: 60_000 }))
    const first = await hand.next()
    expect([first.untilHead, first.from]).toEqual([true, undefined])
    first.send(log.append(), log.head())
    first.end()
    await becomes(verifier, token, 'VALID')
    const second = await hand.next()
    expect([second.untilHead, second.from]).toEqual([true, log.position])
    second.send(log.append({ operatorId, subject: JTI }), log.head())
    await becomes(verifier, token, 'TOKEN_REVOKED')
  })
})
