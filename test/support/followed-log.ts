import type { Verifier, VerifierOptions } from '@auth4agent/verifier'
import { expect } from 'vitest'
import { handFeed, handLog } from './hand-feed.ts'
import { fakeIssuer, newToken, outcomeOf } from './offline-verifier.ts'
import { until } from './until.ts'

/** Id of the token of the tests. */
export const JTI = 'this-one'

/** A verifier that follows a log by hand, and a token. */
export async function setUpFollower(options: Partial<VerifierOptions> = {}) {
  const issuer = fakeIssuer()
  const hand = handFeed()
  const verifier = issuer.newVerifier({ revocations: hand.feed, ...options })
  const token = newToken(issuer.key, { jti: JTI })
  return { issuer, hand, verifier, token, log: handLog(), connection: await hand.next() }
}

/** The same, with the log read and the token good. */
export async function setUpReadyFollower(options: Partial<VerifierOptions> = {}) {
  const all = await setUpFollower(options)
  all.connection.send(all.log.head())
  await all.verifier.ready()
  expect(await outcomeOf(all.verifier, all.token)).toBe('VALID')
  return all
}

/** Resolves once that is what becomes of the token. */
export async function becomes(verifier: Verifier, token: string, outcome: string): Promise<void> {
  await until(
    () => outcomeOf(verifier, token),
    (now) => now === outcome,
  )
}
