import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { present } from '@auth4agent/core/platform/moment'
import { FeedError } from '@auth4agent/core/revocation/feed'
import { expect, it, onTestFinished } from 'vitest'
import { GOOD_CLAIMS } from '../../../../test/support/access-tokens.ts'
import { handFeed, handLog } from '../../../../test/support/hand-feed.ts'
import { emptyLog } from '../../../../test/support/offline-verifier.ts'
import { readOptions } from '../options.ts'
import { RootKeyWarning } from '../root-key.ts'
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
  const followed = { issuer: ALPHA, revocations: hand.feed, maxStalenessMs: 5_000 }
  const log = followIssuer({ ...service, ...issuers[0], ...followed }, () => false)
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

it('the verifier warns of a root key with which it follows the log of another issuer', async () => {
  const key = { publicKey: new Uint8Array(32), sign: async () => new Uint8Array(64) }
  const id = 'cccccccc-3333-8333-8333-333333333333'
  const answers: Readonly<Record<string, () => Response>> = {
    '/.well-known/auth4agent': () => Response.json({ issuer: ALPHA }),
    '/v1/revocations': emptyLog,
    [`/v1/operators/${id}/keys`]: () => Response.json({ id, root_keys: [{ kid: signerKid(key) }] }),
  }
  const told = Promise.withResolvers<readonly unknown[]>()
  const { issuers, ...service } = readOptions({
    issuer: 'https://beta.example',
    audience: 'https://api.cargo.example',
    operators: 'any',
    revocations: 'none',
    onProblem: (...problem) => told.resolve(problem),
    fetch: async (url) => answers[new URL(url).pathname]?.() ?? expect.fail(url),
  })
  const followed = { issuer: ALPHA, revocations: { operatorId: id, key }, maxStalenessMs: 5_000 }
  const { follower } = followIssuer({ ...service, ...issuers[0], ...followed }, () => false)
  onTestFinished(() => follower.close())
  expect(await told.promise).toEqual([expect.any(RootKeyWarning), ALPHA])
})
