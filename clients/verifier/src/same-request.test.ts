import { createReplayMemory } from '@auth4agent/core/dpop/replay-memory'
import { describe, expect, it } from 'vitest'
import { prove, setUpGuard as setUp, TARGET } from '../../../test/clients/verifier/guards.ts'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { handFeed } from '../../../test/support/hand-feed.ts'
import { VERIFY } from '../../../test/support/offline-verifier.ts'
import { createGuard } from './guard.ts'
import type { VerifierOptions } from './verifier-options.ts'

/** Asks two guards about one request, and then one of them about another request with the same proof. */
async function askTwice(options: Partial<VerifierOptions>) {
  const { issuer, client, bound } = setUp()
  const verifier = issuer.newVerifier(options)
  const [first, second] = [createGuard(verifier), createGuard(verifier, { scope: 'read' })]
  const credentials = {
    authorization: [`DPoP ${bound}`],
    dpop: [prove(client, bound)],
    method: 'GET',
    target: TARGET,
  }
  const request = {}
  const answers = [
    await first({ request, ...credentials }),
    await second({ request, ...credentials }),
    await second({ request: {}, ...credentials }),
  ]
  return answers.map((answer) => ('claims' in answer ? 'accepted' : JSON.parse(answer.body).reason))
}
const later = () => {
  const memory = createReplayMemory()
  return { use: async (id: string, expiresAtS: number) => memory.use(id, expiresAtS) }
}

describe('two guards that protect one request', () => {
  it.each<[string, () => Partial<VerifierOptions>]>([
    ['a memory', () => ({})],
    ['a store that answers later', () => ({ replays: later() })],
  ])('with %s use its proof once, and refuse the proof with another request', async (_name, options) => {
    expect(await askTwice(options())).toEqual(['accepted', 'accepted', 'PROOF_REPLAYED'])
  })

  it("ask the issuer once if the revocations are stale and the option onStale is 'ask'", async () => {
    const { issuer, client } = setUp()
    const token = client.newToken({ jti: 'this-one' })
    issuer.answers[VERIFY] = { valid: true, claims: { jti: 'this-one', sub: GOOD_CLAIMS.sub } }
    const verifier = issuer.newVerifier({ revocations: handFeed().feed, onStale: 'ask' })
    const presented = { authorization: [`DPoP ${token}`], dpop: [prove(client, token)], method: 'GET', target: TARGET }
    const request = {}
    for (const guard of [createGuard(verifier), createGuard(verifier, { scope: 'read' })]) {
      expect(await guard({ request, ...presented })).toMatchObject({ claims: { jti: 'this-one' } })
    }
    expect(issuer.asked[VERIFY]).toBe(1)
  })

  it('both refuse a proof that was used in another request, also after an accepted proof', async () => {
    const { client, bound, verifier } = setUp()
    const guards = [createGuard(verifier), createGuard(verifier)]
    const reasonsOf = async (request: object, proof: string) => {
      const presented = { authorization: [`DPoP ${bound}`], dpop: [proof], method: 'GET', target: TARGET }
      const answers = await Promise.all(guards.map((guard) => guard({ request, ...presented })))
      return answers.map((answer) => ('claims' in answer ? 'accepted' : JSON.parse(answer.body).reason))
    }
    const [used, other, request] = [prove(client, bound), prove(client, bound), {}]
    expect(await reasonsOf({}, used)).toEqual(['accepted', 'accepted'])
    expect(await reasonsOf(request, used)).toEqual(['PROOF_REPLAYED', 'PROOF_REPLAYED'])
    expect(await reasonsOf(request, other)).toEqual(['accepted', 'accepted'])
    expect(await reasonsOf(request, used)).toEqual(['PROOF_REPLAYED', 'PROOF_REPLAYED'])
  })
})
