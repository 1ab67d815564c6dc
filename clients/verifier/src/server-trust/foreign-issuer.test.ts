import { present } from '@auth4agent/core/platform/moment'
import { FeedError } from '@auth4agent/core/revocation/feed'
import { expect, it, onTestFinished } from 'vitest'
import { GOOD_CLAIMS } from '../../../../test/support/access-tokens.ts'
import { handFeed, handLog } from '../../../../test/support/hand-feed.ts'
import { readOptions } from '../options.ts'
import { followIssuer } from './foreign-issuer.ts'

const ALPHA = 'https://alpha.example'
const { operator_id: operatorId, sub } = GOOD_CLAIMS

/** Follows a log that the test writes. */
function follow() {
  const hand = handFeed()
  const lacking = Promise.withResolvers<void>()
  const { issuers, ...service } = readOptions({
    issuer: 'https://beta.example',
    audience: 'https://api.cargo.example',
    operators: 'any',
    revocations: 'none',
    onProblem: (error) => String(error).includes('lacks records') && lacking.resolve(),
  })
  const log = followIssuer({ ...service, ...issuers[0], issuer: ALPHA, revocations: hand.feed, maxStalenessMs: 5_000 })
  onTestFinished(() => log.follower.close())
  return { ...log, hand, lacking: lacking.promise }
}

it('a followed log that lacks records of the same log epoch is stale, and still ends what it has ended', async () => {
  const { follower, hand, lacking } = follow()
  const [log, restored] = [handLog(), handLog()]
  const first = await hand.next()
  first.send(log.append({ operatorId, subject: 'one' }), log.append({ operatorId, subject: 'two' }), log.head())
  await follower.ready
  expect(follower.ageMs(present())).toBeLessThan(5_000)
  first.end(new FeedError('RESYNC_REQUIRED', { mustBeginAgain: true }))
  const second = await hand.next()
  second.send(restored.append({ operatorId, subject: 'one' }), restored.head())
  await lacking
  expect(follower.ageMs(present())).toBe(Number.POSITIVE_INFINITY)
  const token = { jti: 'two', kid: 'k', sub, operatorId, agentEpoch: 1, operatorEpoch: 2, edges: [] }
  expect(follower.lookup(token)).toBe('TOKEN_REVOKED')
})

it('a followed log ends the tokens of a key', async () => {
  const { follower, hand } = follow()
  const log = handLog()
  const connection = await hand.next()
  connection.send(log.append({ kind: 'key', subject: 'ended' }), log.head())
  await follower.ready
  const token = { jti: 'one', sub, operatorId, agentEpoch: 1, operatorEpoch: 2, edges: [] }
  const verdicts = ['ended', 'other'].map((kid) => follower.lookup({ ...token, kid }))
  expect(verdicts).toEqual(['UNKNOWN_KEY', undefined])
})
