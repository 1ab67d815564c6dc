import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PAY_URL, SHOP } from '../../../test/clients/verifier/chains.ts'
import { type MadeToken, setUpDelegated } from '../../../test/clients/verifier/delegated.ts'
import { newToken } from '../../../test/support/offline-verifier.ts'
import { claimsOf, delegationOf, protect } from './express.ts'
import { createGuard, type GuardOptions } from './guard.ts'

const ACCEPT = { scope: 'pay', delegation: 'accept', arguments: () => ({ amount: 20 }) } as const

type Headers = readonly [authorization: readonly string[], dpop?: readonly string[]]
const underDpop = async ({ token, actor }: MadeToken): Promise<Headers> => [
  [`DPoP ${token}`],
  [await actor.prove(token)],
]

/** Creates a guard and a delegated token. `decide` resolves with status and reason, or with who acts or calls. */
async function setUp(options: GuardOptions) {
  const made = await setUpDelegated()
  const guard = createGuard(made.verifier, options)
  const decide = async (authorization: readonly string[], dpop: readonly string[] = []) => {
    const answer = await guard({ request: {}, authorization, dpop, method: 'POST', target: '/pay' })
    if ('token' in answer) return [200, answer.delegation?.actor ?? answer.claims?.sub]
    return [answer.status, JSON.parse(answer.body).reason]
  }
  return { ...made, decide }
}

describe('a guard that accepts delegated authority', () => {
  it('accepts a delegated token under DPoP with a proof by the agent that acts, and access tokens', async () => {
    const made = await setUp(ACCEPT)
    expect(await made.decide(...(await underDpop(made)))).toEqual([200, made.actor.did])
    const own = newToken(made.issuer.key, { scope: 'pay' })
    expect(await made.decide([`Bearer ${own}`])).toEqual([200, expect.stringContaining('a.example')])
  })

  it.each<[string, (made: MadeToken) => Headers | Promise<Headers>, number, string]>([
    ['under Bearer', ({ token }) => [[`Bearer ${token}`]], 401, 'PROOF_REQUIRED'],
    [
      'under Bearer with a good proof',
      async ({ token, actor }) => [[`Bearer ${token}`], [await actor.prove(token)]],
      401,
      'PROOF_REQUIRED',
    ],
    ['without a proof', ({ token }) => [[`DPoP ${token}`]], 401, 'PROOF_REQUIRED'],
    [
      'with a proof by the principal',
      async ({ token, principal }) => [[`DPoP ${token}`], [await principal.prove(token)]],
      401,
      'PROOF_INVALID',
    ],
    [
      'with a proof by the middle',
      async ({ token, middle }) => [[`DPoP ${token}`], [await middle.prove(token)]],
      401,
      'PROOF_INVALID',
    ],
  ])('refuses a delegated token %s', async (_name, headersOf, status, reason) => {
    const made = await setUp(ACCEPT)
    expect(await made.decide(...(await headersOf(made)))).toEqual([status, reason])
  })

  it.each<[string, GuardOptions, string]>([
    ['without the scope', { ...ACCEPT, scope: 'refund' }, 'CAPABILITY_MISSING'],
    ['with another amount', { ...ACCEPT, arguments: () => ({ amount: 501 }) }, 'ARGUMENT_REFUSED'],
    ['for a route that does not know the arguments', { scope: 'pay', delegation: 'accept' }, 'ARGUMENTS_NEEDED'],
  ])('answers a delegated token %s with 403', async (_name, options, reason) => {
    const made = await setUp(options)
    expect(await made.decide(...(await underDpop(made)))).toEqual([403, reason])
  })
})

it.each<[string, GuardOptions]>([
  ['by default', { scope: 'pay' }],
  ['without a scope', {}],
  ["with delegation: 'refuse'", { delegation: 'refuse' }],
  ['with its own audience', { audience: SHOP }],
  ["with dpop: 'required'", { dpop: 'required' }],
])('a guard %s answers a delegated token with 401 DELEGATION_NOT_ACCEPTED', async (_name, options) => {
  const made = await setUp(options)
  expect(await made.decide(...(await underDpop(made)))).toEqual([401, 'DELEGATION_NOT_ACCEPTED'])
  expect(await made.decide([`Bearer ${made.token}`])).toEqual([401, 'DELEGATION_NOT_ACCEPTED'])
})

it('Express gives a handler who acts for whom, and no claims whose subject it could take for the caller', async () => {
  const { verifier, token, principal, actor } = await setUpDelegated()
  const app = express()
  const options = { ...ACCEPT, arguments: ({ body }: express.Request) => ({ amount: body.amount }) }
  app.post('/pay', express.json(), protect(verifier, options), (_request, response) => {
    expect(() => claimsOf(response)).toThrow('use delegationOf')
    const { principal: payer, actor: sender } = delegationOf(response) ?? {}
    response.json({ payer, sender })
  })
  app.post('/refund', protect(verifier), (_request, response) => void response.json({}))
  const server = app.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const send = async (path: string, amount: number) => {
    const dpop = await actor.prove(token, { url: PAY_URL.replace('/pay', path) })
    const headers = { authorization: `DPoP ${token}`, dpop, 'content-type': 'application/json' }
    const answer = await fetch(origin + path, { method: 'POST', headers, body: JSON.stringify({ amount }) })
    const body: unknown = await answer.json()
    return [answer.status, body]
  }
  expect(await send('/pay', 500)).toEqual([200, { payer: principal.did, sender: actor.did }])
  expect(await send('/pay', 501)).toEqual([403, expect.objectContaining({ reason: 'ARGUMENT_REFUSED' })])
  expect(await send('/refund', 1)).toEqual([401, expect.objectContaining({ reason: 'DELEGATION_NOT_ACCEPTED' })])
})
