import { describe, expect, it } from 'vitest'
import { type Made, PAY_URL, SHOP, setUpChain } from '../../../test/clients/verifier/chains.ts'
import { newToken } from '../../../test/support/offline-verifier.ts'
import { createGuard, type GuardOptions } from './guard.ts'
import type { VerifierOptions } from './verifier-options.ts'

const ACCEPT = { scope: 'pay', delegation: 'accept', arguments: () => ({ amount: 20 }) } as const

/** Creates a guard and a chain. `decide` resolves with status, reason and challenge, or with who acts or calls. */
async function setUp(options: GuardOptions, ofVerifier: Partial<VerifierOptions> = {}) {
  const made = await setUpChain(ofVerifier)
  const guard = createGuard(made.verifier, options)
  const decide = async (authorization: readonly string[], dpop: readonly string[] = [], request = {}) => {
    const answer = await guard({ request, authorization, dpop, method: 'POST', target: '/pay' })
    if ('token' in answer) return [200, answer.delegation?.actor ?? answer.claims?.sub]
    return [answer.status, JSON.parse(answer.body).reason, answer.headers['www-authenticate']]
  }
  return { ...made, decide }
}

type Headers = readonly [authorization: readonly string[], dpop?: readonly string[]]
const underDpop = async ({ chain, actor }: Made): Promise<Headers> => [[`DPoP ${chain}`], [await actor.prove(chain)]]

describe('a guard that accepts chains', () => {
  it('accepts a chain under DPoP with one proof by its last holder, and access tokens', async () => {
    const made = await setUp(ACCEPT)
    expect(await made.decide(...(await underDpop(made)))).toEqual([200, made.actor.did])
    const token = newToken(made.issuer.key, { scope: 'pay' })
    expect(await made.decide([`Bearer ${token}`])).toEqual([200, expect.stringContaining('a.example')])
  })

  it.each<[string, (made: Made) => Headers | Promise<Headers>, number, string, RegExp]>([
    [
      'under Bearer',
      ({ chain }) => [[`Bearer ${chain}`]],
      401,
      'PROOF_REQUIRED',
      /^Bearer error="invalid_token", .*DPoP algs/,
    ],
    [
      'under Bearer with a good proof',
      async ({ chain, actor }) => [[`Bearer ${chain}`], [await actor.prove(chain)]],
      401,
      'PROOF_REQUIRED',
      /^Bearer error="invalid_token"/,
    ],
    ['without a proof', ({ chain }) => [[`DPoP ${chain}`]], 401, 'PROOF_REQUIRED', /DPoP error="invalid_dpop_proof"/],
    [
      'with two proofs',
      async ({ chain, actor }) => [[`DPoP ${chain}`], [await actor.prove(chain), await actor.prove(chain)]],
      401,
      'PROOF_INVALID',
      /DPoP error="invalid_dpop_proof"/,
    ],
    [
      'with a proof by a middle holder',
      async ({ chain, middle }) => [[`DPoP ${chain}`], [await middle.prove(chain)]],
      401,
      'PROOF_INVALID',
      /DPoP error="invalid_dpop_proof"/,
    ],
    [
      'in two headers',
      async ({ chain, actor }) => [[`DPoP ${chain}`, `DPoP ${chain}`], [await actor.prove(chain)]],
      400,
      'INVALID_ARGUMENT',
      /invalid_request/,
    ],
    [
      'of 16 KiB',
      async ({ actor }) => [[`DPoP ${'a'.repeat(16_384)}~`], [await actor.prove('x')]],
      401,
      'CHAIN_TOO_LARGE',
      /DPoP error="invalid_token"/,
    ],
    [
      'that is malformed',
      async ({ actor }) => [['DPoP a~b'], [await actor.prove('a~b')]],
      401,
      'MALFORMED_GRANT',
      /DPoP error="invalid_token"/,
    ],
  ])('refuses a chain %s', async (_name, headersOf, status, reason, challenge) => {
    const made = await setUp(ACCEPT)
    expect(await made.decide(...(await headersOf(made)))).toEqual([status, reason, expect.stringMatching(challenge)])
  })

  it.each<[string, GuardOptions, string]>([
    ['without the scope', { ...ACCEPT, scope: 'refund' }, 'CAPABILITY_MISSING'],
    ['with another amount', { ...ACCEPT, arguments: () => ({ amount: 501 }) }, 'ARGUMENT_REFUSED'],
    ['for a route that does not know the arguments', { scope: 'pay', delegation: 'accept' }, 'ARGUMENTS_NEEDED'],
  ])('answers a chain %s with 403 insufficient_scope', async (_name, options, reason) => {
    const made = await setUp(options)
    const challenge = expect.stringMatching(/DPoP error="insufficient_scope", error_description="[^"]+"/)
    expect(await made.decide(...(await underDpop(made)))).toEqual([403, reason, challenge])
  })

  it('refuses a chain with a holder of another domain than those in actors', async () => {
    const made = await setUp({ ...ACCEPT, actors: ['other.test'] })
    expect((await made.decide(...(await underDpop(made)))).slice(0, 2)).toEqual([401, 'ACTOR_NOT_TRUSTED'])
  })
})

describe('a guard that does not accept chains', () => {
  it.each<[string, GuardOptions]>([
    ['by default', { scope: 'pay' }],
    ["with delegation: 'refuse'", { delegation: 'refuse' }],
    ['with its own audience', { audience: SHOP }],
    ["with dpop: 'required'", { dpop: 'required' }],
  ])('%s answers a chain with 401 DELEGATION_NOT_ACCEPTED', async (_name, options) => {
    const made = await setUp(options)
    const challenge = expect.stringContaining('DPoP error="invalid_token"')
    expect(await made.decide(...(await underDpop(made)))).toEqual([401, 'DELEGATION_NOT_ACCEPTED', challenge])
    expect((await made.decide([`Bearer ${made.chain}`])).slice(0, 2)).toEqual([401, 'DELEGATION_NOT_ACCEPTED'])
  })

  it('refuses a chain after another guard of the request has accepted it', async () => {
    const { verifier, chain, actor } = await setUpChain()
    const presented = {
      request: {},
      authorization: [`DPoP ${chain}`],
      dpop: [await actor.prove(chain)],
      method: 'POST',
      target: '/pay',
    }
    expect(await createGuard(verifier, ACCEPT)(presented)).toHaveProperty('delegation.actor', actor.did)
    expect(await createGuard(verifier, { scope: 'pay' })(presented)).toMatchObject({ status: 401 })
    // Each guard checks its own demands with the proof that the request has used.
    expect(await createGuard(verifier, { ...ACCEPT, scope: 'read' })(presented)).toHaveProperty('delegation')
    expect(await createGuard(verifier, { ...ACCEPT, scope: 'refund' })(presented)).toMatchObject({ status: 403 })
    expect(await createGuard(verifier, ACCEPT)({ ...presented, request: {} })).toMatchObject({ status: 401 })
  })
})

it.each<[string, object, RegExp]>([
  ['no scope', { delegation: 'accept' }, /scope is needed/],
  ['an unknown delegation', { scope: 'pay', delegation: true }, /delegation must be/],
  ['arguments that are no function', { ...ACCEPT, arguments: {} }, /arguments must be/],
  ['undefined arguments', { ...ACCEPT, arguments: undefined }, /arguments must be/],
  ['arguments but without delegation', { scope: 'pay', arguments: () => ({}) }, /need delegation/],
  ['actors but without delegation', { scope: 'pay', actors: ['acme.test'] }, /need delegation/],
  ['undefined actors', { ...ACCEPT, actors: undefined }, /actors must be/],
  ['an actor in capitals', { ...ACCEPT, actors: ['Acme.test'] }, /actors must be/],
])('createGuard throws TypeError for %s', async (_name, options, message) => {
  const { verifier } = await setUpChain()
  expect(() => createGuard(verifier, options)).toThrow(TypeError)
  expect(() => createGuard(verifier, options)).toThrow(message)
})

it('createGuard throws TypeError for chains if the public URL is not known, because no proof would be valid', async () => {
  const { verifier } = await setUpChain({ audience: 'b.example' })
  expect(() => createGuard(verifier, ACCEPT)).toThrow("publicUrl is needed if delegation is 'accept'")
})

it('a guard with its own public URL accepts a chain for this URL', async () => {
  const { verifier, chain, actor } = await setUpChain({ audience: [SHOP, 'https://c.example'] })
  const guard = createGuard(verifier, { ...ACCEPT, publicUrl: 'https://d.example/shop' })
  const decide = async (url: string) => {
    const dpop = [await actor.prove(chain, { url })]
    return guard({ request: {}, authorization: [`DPoP ${chain}`], dpop, method: 'POST', target: '/pay' })
  }
  expect(await decide('https://d.example/shop/pay')).toHaveProperty('delegation')
  expect(await decide(PAY_URL)).toMatchObject({ status: 401 })
})
