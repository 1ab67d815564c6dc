import { setImmediate as nextTurn } from 'node:timers/promises'
import { FeedError, type FeedEvent } from '@auth4agent/core/revocation/feed'
import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { describe, expect, it } from 'vitest'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { becomes, JTI, setUpFollower, setUpReadyFollower } from '../../../test/support/followed-log.ts'
import { type Connection, type HandLog, handLog } from '../../../test/support/hand-feed.ts'
import { newToken, outcomeOf, VERIFY } from '../../../test/support/offline-verifier.ts'
import { until } from '../../../test/support/until.ts'

const { operator_id: operatorId, sub } = GOOD_CLAIMS

it('a verifier refuses tokens until it has read the log to its head', async () => {
  const { verifier, token, log, connection } = await setUpFollower()
  expect(await outcomeOf(verifier, token)).toBe('REVOCATIONS_STALE')
  connection.send(log.append())
  expect(await outcomeOf(verifier, token)).toBe('REVOCATIONS_STALE')
  connection.send(log.head())
  await verifier.ready()
  expect(await outcomeOf(verifier, token)).toBe('VALID')
})

describe('a record of the log', () => {
  it.each<[string, (log: HandLog, kid: string) => FeedEvent, string]>([
    ['about a token ends this token', (log) => log.append({ operatorId, subject: JTI }), 'TOKEN_REVOKED'],
    [
      'about an agent ends its tokens with a smaller agent epoch',
      (log) => log.append({ kind: 'agent', operatorId, subject: sub, minimumEpoch: 2 }),
      'AGENT_TOKENS_ENDED',
    ],
    [
      'about an operator ends its tokens with a smaller operator epoch',
      (log) => log.append({ kind: 'operator', operatorId, subject: '', minimumEpoch: 3 }),
      'OPERATOR_TOKENS_ENDED',
    ],
    [
      'about the deployment ends tokens with a smaller operator epoch',
      (log) => log.append({ kind: 'deployment', subject: '', minimumEpoch: 3 }),
      'OPERATOR_TOKENS_ENDED',
    ],
    [
      'about a signing key ends the tokens that it signed',
      (log, kid) => log.append({ kind: 'key', subject: kid }),
      'UNKNOWN_KEY',
    ],
    [
      'about another operator does not end a token with the same jti',
      (log) => log.append({ operatorId: 'other', subject: JTI }),
      'VALID',
    ],
    [
      'about an agent does not end its tokens with the current agent epoch',
      (log) => log.append({ kind: 'agent', operatorId, subject: sub, minimumEpoch: 1 }),
      'VALID',
    ],
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

describe('a record of the log about trust', () => {
  const EDGE = '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b'
  const home = {
    iss: 'https://other.example',
    jti: 'j',
    kids: ['A'.repeat(43)],
    generation: 2,
    epoch: [1, 1],
    edge: EDGE,
  }
  it.each<[string, Partial<RevocationRecord>, object, string]>([
    ['an edge ends a token with the edge', { kind: 'edge', subject: EDGE }, { edges: [EDGE] }, 'TRUST_ENDED'],
    ['an edge does not end a token without it', { kind: 'edge', subject: EDGE }, { home }, 'VALID'],
    [
      'an issuer ends a token of an earlier generation',
      { kind: 'issuer', subject: home.iss, minimumEpoch: 3 },
      { home },
      'ISSUER_DISABLED',
    ],
    [
      'an issuer does not end a token of the current generation',
      { kind: 'issuer', subject: home.iss, minimumEpoch: 2 },
      { edges: [EDGE], home },
      'VALID',
    ],
  ])('about %s', async (_name, part, claims, reason) => {
    const { verifier, token, log, connection, issuer } = await setUpReadyFollower()
    issuer.answers[VERIFY] = { valid: true, claims: { jti: 'through', sub } }
    const through = newToken(issuer.key, { jti: 'through', ...claims })
    expect(await outcomeOf(verifier, through)).toBe('VALID')
    connection.send(log.append(part), log.append({ operatorId, subject: 'last' }))
    await becomes(verifier, newToken(issuer.key, { jti: 'last' }), 'TOKEN_REVOKED')
    expect([await outcomeOf(verifier, through), await outcomeOf(verifier, token)]).toEqual([reason, 'VALID'])
  })

  it('does not come to a verifier in vain, because a token with malformed edges is refused', async () => {
    const { verifier, issuer } = await setUpReadyFollower()
    expect(await outcomeOf(verifier, newToken(issuer.key, { edges: [] }))).toBe('MALFORMED_TOKEN')
  })
})

describe('a token that was issued for the token of another deployment', () => {
  const kids = ['A'.repeat(43)]
  const edge = '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b'
  const epoch = [1, 1] as const
  const home = { iss: 'https://other.example', jti: 'j', kids, generation: 1, epoch, edge }
  const claims = { jti: 'chained', sub }

  it.each<[string, object | (() => Response), string]>([
    ['valid', { valid: true, claims }, 'VALID'],
    ['revoked at home', { valid: false, revoked: true, reason: 'TOKEN_REVOKED' }, 'TOKEN_REVOKED'],
    [
      'unknown at home',
      { valid: false, revoked: false, reason: 'ISSUER_REVOCATIONS_STALE' },
      'ISSUER_REVOCATIONS_STALE',
    ],
    ['an error', () => new Response('', { status: 500 }), 'REVOCATIONS_STALE'],
  ])('is asked about each time, although the revocations are fresh: %s', async (_name, answer, outcome) => {
    const { verifier, issuer } = await setUpReadyFollower()
    issuer.answers[VERIFY] = answer
    const chained = newToken(issuer.key, { jti: 'chained', home })
    for (let time = 1; time <= 3; time += 1) {
      expect(await outcomeOf(verifier, chained)).toBe(outcome)
      expect(issuer.asked[VERIFY]).toBe(time)
    }
    expect(await outcomeOf(verifier, newToken(issuer.key, { jti: 'own' }))).toBe('VALID')
    expect(issuer.asked[VERIFY]).toBe(3)
  })

  it('is refused without a question while the revocations are stale', async () => {
    const { verifier, issuer } = await setUpFollower()
    expect(await outcomeOf(verifier, newToken(issuer.key, { home }))).toBe('REVOCATIONS_STALE')
    expect(issuer.asked[VERIFY]).toBeUndefined()
  })
})

describe('a verifier whose feed sends', () => {
  const OTHER = 'ab'.repeat(32)
  const lies: [string, (log: HandLog) => FeedEvent][] = [
    ['a record with a wrong hash', (log) => log.append({ hash: OTHER })],
    ['a record with a wrong previous hash', (log) => log.append({ previousHash: OTHER })],
    ['a record with a gap before it', (log) => log.append({ sequence: 7 })],
    ['a record twice', (log) => log.append({ sequence: 1 })],
    ['a head after the last record', (log) => log.head({ sequence: 9 })],
    ['a head before the last record', (log) => log.head({ sequence: 0 })],
    ['a head with another hash', (log) => log.head({ hash: OTHER })],
    ['a head of another log epoch', (log) => log.head({ logEpoch: 2 })],
    ['a record of an unknown kind', (log) => log.append({ kind: 'planet' })],
  ]
  it.each(lies)('%s refuses all tokens, and keeps the reason of revoked ones', async (_name, lie) => {
    const { verifier, token, log, connection, issuer, hand } = await setUpReadyFollower()
    const good = newToken(issuer.key)
    connection.send(log.append({ operatorId, subject: JTI }), log.head())
    await becomes(verifier, token, 'TOKEN_REVOKED')
    expect(await outcomeOf(verifier, good)).toBe('VALID')
    connection.send(lie(log))
    await becomes(verifier, good, 'REVOCATIONS_STALE')
    expect(await outcomeOf(verifier, token)).toBe('TOKEN_REVOKED')
    if (_name.includes('unknown kind')) return
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

describe('a verifier whose connection ends', () => {
  it.each<[string, (connection: Connection) => void]>([
    ['normally', (connection) => connection.end()],
    ['with an error', (connection) => connection.end(new Error('gone'))],
  ])('%s continues from its position, and keeps answering meanwhile', async (_name, end) => {
    const { verifier, token, log, next } = await resumed(end)
    expect(next.from).toEqual(log.position)
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    next.send(log.append({ operatorId, subject: JTI }))
    await becomes(verifier, token, 'TOKEN_REVOKED')
  })

  it('starts again from the beginning of the log if the server cannot continue', async () => {
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
])('a verifier continues at the position where its connection %s in the middle of the log', async (_name, end) => {
  const { verifier, token, log, connection, hand } = await setUpFollower()
  connection.send(log.append({ operatorId, subject: JTI }), log.append())
  // A broken connection loses the events that were not read. After one turn, the verifier has read these events.
  await nextTurn()
  end(connection)
  const next = await hand.next()
  expect(next.from).toEqual(log.position)
  next.send(log.append(), log.head())
  await verifier.ready()
  expect([await outcomeOf(verifier, token), verifier.metrics().records]).toEqual(['TOKEN_REVOKED', 2])
})

it('a verifier reads records of an older log epoch, and continues in the log epoch of the head', async () => {
  const { verifier, log, connection, hand } = await setUpFollower()
  const old = log.append()
  log.logEpoch = 2
  connection.send(old, log.append(), log.append({ logEpoch: 2 }), log.head())
  await verifier.ready()
  connection.end()
  expect((await hand.next()).from).toEqual({ ...log.position, logEpoch: 2 })
})

it('a verifier never again uses a key that the log has ended, even if the issuer publishes the key', async () => {
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

describe('a verifier whose streams the server refuses', () => {
  it('polls the log from its position, and answers from the last poll', async () => {
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
