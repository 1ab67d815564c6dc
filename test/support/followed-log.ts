import type { Verifier, VerifierOptions } from '@auth4agent/verifier'
import { expect } from 'vitest'
import { handFeed, handLog } from './hand-feed.ts'
import { fakeIssuer, newToken, outcomeOf } from './offline-verifier.ts'
import { until } from './until.ts'

/** The jti of the token in the tests. */
export const JTI = 'this-one'

/** Creates a verifier that follows a log which the test controls, and a token. */
export async function setUpFollower(options: Partial<VerifierOptions> = {}) {
  const issuer = fakeIssuer()
  const hand = handFeed()
  const verifier = issuer.newVerifier({ revocations: hand.feed, ...options })
  const token = newToken(issuer.key, { jti: JTI })
  return { issuer, hand, verifier, token, log: handLog(), connection: await hand.next() }
}

/** Does the same as setUpFollower, and waits until the verifier has read the log and the token is valid. */
export async function setUpReadyFollower(options: Partial<VerifierOptions> = {}) {
  const all = await setUpFollower(options)
  all.connection.send(all.log.head())
  await all.verifier.ready()
  expect(await outcomeOf(all.verifier, all.token)).toBe('VALID')
  return all
}

/** Resolves when the verifier gives this verdict about the token. */
export async function becomes(verifier: Verifier, token: string, outcome: string): Promise<void> {
  await until(
    () => outcomeOf(verifier, token),
    (now) => now === outcome,
  )
}
