import { describe, expect, it } from 'vitest'
import {
  type Caller,
  chainOutcome,
  idsOf,
  type Made,
  PAY_URL,
  SHOP,
  setUpChain,
  TOOLS,
  wantedWith,
} from '../../../test/clients/verifier/chains.ts'
import { ISSUER } from '../../../test/support/assertions.ts'
import { JWKS, newToken, outcomeOf } from '../../../test/support/offline-verifier.ts'

it('verifyDelegated resolves with who acts for whom, and what each of them holds', async () => {
  const { verifier, chain, principal, middle, actor } = await setUpChain()
  const delegation = await verifier.verifyDelegated(chain, await wantedWith(actor, chain))
  const [first, second, third] = idsOf(chain)
  expect(delegation).toEqual({
    issuer: ISSUER,
    principal: principal.did,
    actor: actor.did,
    chain: [
      { did: principal.did, operatorId: principal.operatorId, grantId: first, expires: expect.any(Number) },
      { did: middle.did, operatorId: middle.operatorId, grantId: second, expires: expect.any(Number) },
      { did: actor.did, operatorId: actor.operatorId, grantId: third, expires: expect.any(Number) },
    ],
    capabilities: Object.keys(TOOLS),
    allows: expect.any(Function),
  })
  expect(verifier.metrics().verifications).toEqual({ VALID: 1 })
})

it('a delegation allows other calls only within the constraints of every grant', async () => {
  const { verifier, chain, actor } = await setUpChain()
  const delegation = await verifier.verifyDelegated(chain, await wantedWith(actor, chain))
  expect([
    delegation.allows('read'),
    delegation.allows('pay', { amount: 500 }),
    delegation.allows('read pay', { amount: 1 }),
    delegation.allows('pay', { amount: 501 }),
    delegation.allows('pay'),
    delegation.allows('refund'),
    delegation.allows('read refund'),
  ]).toEqual([true, true, true, false, false, false, false])
  expect(() => delegation.allows('')).toThrow(TypeError)
})

it('verifyDelegated accepts the grant of the principal itself, and a chain again with another proof', async () => {
  const { verifier, rootFor, principal } = await setUpChain()
  const root = await rootFor(principal)
  for (let time = 0; time < 2; time += 1)
    expect(await chainOutcome(verifier, root, await wantedWith(principal, root))).toBe('VALID')
})

describe('verify refuses', () => {
  it.each<[string, (made: Made) => string | Promise<string>, string]>([
    ['a chain', ({ chain }) => chain, 'DELEGATION_NOT_ACCEPTED'],
    ['a root grant', ({ rootFor, principal }) => rootFor(principal), 'DELEGATION_NOT_ACCEPTED'],
    ['an access token with a grant behind it', ({ issuer }) => `${newToken(issuer.key)}~a`, 'DELEGATION_NOT_ACCEPTED'],
    [
      'a token of an exchanged chain',
      ({ issuer }) => newToken(issuer.key, Object({ act: { sub: 'x' } })),
      'DELEGATION_NOT_ACCEPTED',
    ],
  ])('%s before it looks for a key', async (_name, textOf, outcome) => {
    const made = await setUpChain()
    const text = await textOf(made)
    delete made.issuer.answers[JWKS]
    const dpop = { proof: await made.actor.prove(text), method: 'POST', url: PAY_URL }
    expect(await outcomeOf(made.verifier, text, { dpop })).toBe(outcome)
    expect(await outcomeOf(made.verifier, text)).toBe(outcome)
  })
})

it('verifyDelegated takes the scope at any of the audiences of the service', async () => {
  const { verifier, rootFor, principal } = await setUpChain({ audience: ['https://c.example', SHOP] })
  const tools = { 'https://c.example#pay': { amount: { constraint_type: 'range', max: 5 } }, [`${SHOP}#read`]: {} }
  const chain = await rootFor(principal, { tools })
  const call = async (scope: string, amount: number) =>
    chainOutcome(verifier, chain, { ...(await wantedWith(principal, chain)), scope, arguments: () => ({ amount }) })
  expect(await call('pay', 5)).toBe('VALID')
  expect(await call('pay read', 5)).toBe('VALID')
  // Not CAPABILITY_MISSING at the other audience.
  expect(await call('pay', 6)).toBe('ARGUMENT_REFUSED at 0')
})

it('verifyDelegated reads the arguments once, and only after chain and proof were checked', async () => {
  const { verifier, chain, actor, middle } = await setUpChain()
  let reads = 0
  const args = () => ({
    get amount() {
      reads += 1
      return reads === 1 ? 20 : 1_000_000
    },
  })
  const wrong = { ...(await wantedWith(middle, chain)), arguments: args }
  expect(await chainOutcome(verifier, chain, wrong)).toBe('PROOF_INVALID')
  expect(reads).toBe(0)
  expect(await chainOutcome(verifier, chain, { ...(await wantedWith(actor, chain)), arguments: args })).toBe('VALID')
  expect(reads).toBe(1)
})

it('verifyDelegated leaves out arguments that are undefined', async () => {
  const { verifier, rootFor, principal } = await setUpChain()
  const tools = { [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 5, optional: true } } }
  const chain = await rootFor(principal, { tools })
  const wanted = { ...(await wantedWith(principal, chain)), arguments: () => ({ amount: undefined, to: undefined }) }
  expect(await chainOutcome(verifier, chain, wanted)).toBe('VALID')
})

it.each<[string, object | undefined]>([
  ['no options', undefined],
  ['no scope', { arguments: () => ({}) }],
  ['an empty scope', { scope: '' }],
  ['arguments that are no function', { scope: 'pay', arguments: { amount: 20 } }],
  ['arguments that are undefined', { scope: 'pay', arguments: undefined }],
  ['no actors', { scope: 'pay', actors: [] }],
  ['an actor that is an id', { scope: 'pay', actors: ['0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b'] }],
  ['actors that are undefined', { scope: 'pay', actors: undefined }],
  ['an unknown option', { scope: 'pay', args: () => ({}) }],
])('verifyDelegated rejects with TypeError for %s', async (_name, wanted) => {
  const { verifier, chain } = await setUpChain()
  const caller: Caller = verifier
  await expect(caller.verifyDelegated(chain, wanted)).rejects.toThrow(TypeError)
})

it('verifyDelegated names the hop and the rule in its error', async () => {
  const { verifier, chain, actor } = await setUpChain()
  const wanted = { ...(await wantedWith(actor, chain)), arguments: () => ({ amount: 501 }) }
  const error: unknown = await verifier.verifyDelegated(chain, wanted).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    message:
      'An argument of the call is not allowed: at hop 0, the argument "amount" must satisfy its constraint range',
    isTemporary: false,
    hop: 0,
  })
})
