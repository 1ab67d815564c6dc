import { FeedError } from '@auth4agent/core/revocation/feed'
import { describe, expect, it, vi } from 'vitest'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { becomes, JTI, setUpFollower, setUpReadyFollower } from '../../../test/support/followed-log.ts'
import { handFeed, handLog } from '../../../test/support/hand-feed.ts'
import { fakeIssuer, JWKS, newToken, outcomeOf, published } from '../../../test/support/offline-verifier.ts'
import { until } from '../../../test/support/until.ts'

const at = (ms: number) => vi.useFakeTimers({ toFake: ['Date', 'performance'], now: ms })

describe('a verifier that follows revocations', () => {
  const begin = Date.now()

  it('forgets expired records, and still refuses their tokens when the clock is set back', async () => {
    at(begin)
    const { verifier, token, log, connection } = await setUpReadyFollower()
    connection.send(
      log.append({ operatorId: GOOD_CLAIMS.operator_id, subject: JTI, expiresAt: begin + 900_000 }),
      log.head(),
    )
    await until(
      async () => verifier.metrics().records,
      (count) => count === 1,
    )
    expect(await outcomeOf(verifier, token)).toBe('TOKEN_REVOKED')
    vi.advanceTimersByTime(980_000)
    connection.send(log.head())
    await until(
      async () => verifier.metrics().records,
      (count) => count === 0,
    )
    vi.setSystemTime(begin)
    expect(await outcomeOf(verifier, token)).toBe('TOKEN_EXPIRED')
    vi.useRealTimers()
  })

  it.each([
    ['refuses tokens after maxStaleness without a heartbeat', (ms: number) => vi.advanceTimersByTime(ms)],
    ['refuses tokens after the machine slept and one clock stopped', (ms: number) => vi.setSystemTime(begin + ms)],
  ])('%s', async (_name, pass) => {
    at(begin)
    const { verifier, token, log, connection } = await setUpReadyFollower({ maxStaleness: 3 })
    pass(2_900)
    expect(await outcomeOf(verifier, token)).toBe('VALID')
    pass(3_100)
    expect(await outcomeOf(verifier, token)).toBe('REVOCATIONS_STALE')
    connection.send(log.head())
    await becomes(verifier, token, 'VALID')
    vi.useRealTimers()
  })

  it('continues from its position if reading the log took longer than maxStaleness', async () => {
    at(begin)
    const { verifier, token, log, connection, hand } = await setUpFollower()
    connection.send(log.append())
    vi.advanceTimersByTime(60_000)
    connection.send(log.append(), log.head())
    const next = await hand.next()
    expect([next.from, await outcomeOf(verifier, token)]).toEqual([log.position, 'REVOCATIONS_STALE'])
    next.send(log.head())
    await becomes(verifier, token, 'VALID')
    vi.useRealTimers()
  })

  it('does not accept an old heartbeat that is sent again on a new connection', async () => {
    at(begin)
    const { verifier, token, log, connection, hand } = await setUpReadyFollower()
    const kept = log.head()
    vi.advanceTimersByTime(20_000)
    connection.end()
    for (let time = 0; time < 2; time += 1) (await hand.next()).send(kept)
    const last = await hand.next()
    expect(await outcomeOf(verifier, token)).toBe('REVOCATIONS_STALE')
    last.send(log.head())
    await becomes(verifier, token, 'VALID')
    vi.useRealTimers()
  })

  it('answers after reading the log again only with keys that are younger than 50 minutes', async () => {
    at(begin)
    const { verifier, connection, hand, issuer } = await setUpReadyFollower()
    vi.advanceTimersByTime(3_100_000)
    delete issuer.answers[JWKS]
    connection.end(new FeedError('again', { mustBeginAgain: true }))
    const log = handLog({ logEpoch: 1, sequence: 9, hash: 'ab'.repeat(32) })
    const again = await hand.next()
    again.send(log.head())
    const third = await hand.next()
    expect([third.from, verifier.metrics().stalenessSeconds]).toEqual([log.position, Number.POSITIVE_INFINITY])
    issuer.answers[JWKS] = { keys: [] }
    third.send(log.head())
    await becomes(verifier, newToken(issuer.key), 'UNKNOWN_KEY')
    expect(verifier.metrics().stalenessSeconds).toBeLessThan(5)
    vi.useRealTimers()
  })

  it('counts the time that the keys were in caches as part of their age', async () => {
    const issuer = fakeIssuer()
    const told = { keys: [published(issuer.key)] }
    issuer.answers[JWKS] = () => Response.json(told, { headers: { 'cache-control': 'max-age=86400', age: '3000' } })
    const hand = handFeed()
    const verifier = issuer.newVerifier({ revocations: hand.feed })
    const log = handLog()
    const first = await hand.next()
    first.send(log.head())
    const second = await hand.next()
    expect(verifier.metrics().stalenessSeconds).toBe(Number.POSITIVE_INFINITY)
    issuer.answers[JWKS] = told
    second.send(log.head())
    await becomes(verifier, newToken(issuer.key), 'VALID')
  })
})
