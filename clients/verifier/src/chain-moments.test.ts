import { expect, it, vi } from 'vitest'
import { chainOutcome, idsOf, setUpChain, wantedWith } from '../../../test/clients/verifier/chains.ts'
import { handFeed, handLog } from '../../../test/support/hand-feed.ts'
import { JWKS, VERIFY } from '../../../test/support/offline-verifier.ts'
import { until } from '../../../test/support/until.ts'
import { createGuard } from './guard.ts'

const hopsOf = (chain: string) => idsOf(chain).map((id) => ({ grant_id: id }))

it('verifyDelegated refuses a chain without a proof before it looks for a key', async () => {
  const { verifier, issuer, chain } = await setUpChain()
  delete issuer.answers[JWKS]
  expect(await chainOutcome(verifier, chain, { scope: 'pay' })).toBe('PROOF_REQUIRED')
})

it('a verifier that has forgotten the record about a grant refuses its chain when the clock is set back', async () => {
  const begin = Date.now()
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: begin })
  const hand = handFeed()
  const { verifier, chain, actor } = await setUpChain({ revocations: hand.feed })
  const [log, connection] = [handLog(), await hand.next()]
  const knows = (records: number) =>
    until(
      async () => verifier.metrics().records,
      (count) => count === records,
    )
  const record = { operatorId: actor.operatorId, subject: idsOf(chain)[2] ?? '', expiresAt: begin + 900_000 }
  connection.send(log.append(record), log.head())
  await knows(1)
  await verifier.ready()
  expect(await chainOutcome(verifier, chain, await wantedWith(actor, chain))).toBe('TOKEN_REVOKED at 2')
  vi.advanceTimersByTime(980_000)
  connection.send(log.head())
  await knows(0)
  vi.setSystemTime(begin)
  expect(await chainOutcome(verifier, chain, await wantedWith(actor, chain))).toBe('GRANT_EXPIRED at 2')
  vi.useRealTimers()
})

it('verifyDelegated refuses a chain if the verifier is closed while the issuer is being asked', async () => {
  const { verifier, issuer, chain, actor } = await setUpChain({ revocations: handFeed().feed, onStale: 'ask' })
  issuer.answers[VERIFY] = () => {
    verifier.close()
    return Response.json({ valid: true, delegation: { hops: hopsOf(chain) } })
  }
  expect(await chainOutcome(verifier, chain, await wantedWith(actor, chain))).toBe('VERIFIER_CLOSED')
})

it('several guards of a request ask the issuer once about its chain', async () => {
  const { verifier, issuer, chain, actor } = await setUpChain({ revocations: handFeed().feed, onStale: 'ask' })
  issuer.answers[VERIFY] = { valid: true, delegation: { hops: hopsOf(chain) } }
  const common = { delegation: 'accept', arguments: () => ({ amount: 20 }) } as const
  const presented = {
    request: {},
    authorization: [`DPoP ${chain}`],
    dpop: [await actor.prove(chain)],
    method: 'POST',
    target: '/pay',
  }
  for (const scope of ['pay', 'read'])
    expect(await createGuard(verifier, { ...common, scope })(presented)).toHaveProperty('delegation.actor', actor.did)
  expect(issuer.asked[VERIFY]).toBe(1)
})
