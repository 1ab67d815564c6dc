import { expect, it } from 'vitest'
import { CHAIN_ISSUER, READ } from '../../../../test/support/grant-chains.ts'
import { clientReason } from '../../../../test/support/sdk/client-reason.ts'
import {
  API,
  claimsOf,
  refusal,
  TOKEN_PATH,
  exchangeWorld as world,
} from '../../../../test/support/sdk/exchange-world.ts'
import { type Json, readProof } from '../../../../test/support/sdk/issuer.ts'
import type { ExchangeOptions, GrantCapabilities } from './agent-grant-calls.ts'

const PAY = `${API}#pay`
const LIMITED = { amount: { constraint_type: 'range', max: 100 } } as const
const ELSEWHERE = 'https://other.acme.test#orders:read'
const detailsOf = (tools: object) => JSON.stringify([{ type: 'attenuating_agent_token', tools }])

it('exchange sends the chain with an assertion and a proof of the identity key, and resolves with the bound token', async () => {
  const { a, b, chain, openB, sent } = await world()
  const issued = await openB().exchange({ audience: API, scopes: ['orders:read'] })
  expect(issued).toMatchObject({ tokenType: 'DPoP', scope: 'orders:read', audience: [API], lifetimeS: 300 })
  const [request] = sent(TOKEN_PATH)
  const { client_assertion, ...form } = request?.body ?? {}
  expect(form).toEqual({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: chain,
    subject_token_type: 'urn:auth4agent:token-type:grant-chain',
    resource: [API],
    scope: 'orders:read',
    client_id: b.did,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  })
  expect(claimsOf(String(client_assertion))).toMatchObject({ sub: b.did, scope: 'orders:read', resource: [API] })
  const { jkt, claims } = readProof(request?.headers.get('dpop') ?? '')
  expect({ jkt, ...claims }).toMatchObject({ jkt: b.key.kid, htm: 'POST', htu: `${CHAIN_ISSUER}/oauth/token` })
  expect(claimsOf(issued.token)).toMatchObject({ sub: a.did, client_id: b.did, cnf: { jkt: b.key.kid } })
})

it.each<[string, GrantCapabilities, ExchangeOptions, Json]>([
  [
    'no terms',
    { [READ]: {}, [PAY]: LIMITED },
    { audience: API },
    {
      scope: 'orders:read',
      authorization_details: detailsOf({ [PAY]: LIMITED }),
    },
  ],
  ['no terms and only scopes', { [READ]: {} }, { audience: API }, { scope: 'orders:read' }],
  [
    'no terms and constraints elsewhere',
    { [READ]: {}, 'https://other.acme.test#pay': LIMITED },
    { audience: API },
    { scope: 'orders:read' },
  ],
  [
    'no terms and only constraints',
    { [PAY]: LIMITED },
    { audience: API },
    {
      authorization_details: detailsOf({ [PAY]: LIMITED }),
    },
  ],
  [
    'two services',
    { [READ]: {}, [`${API}#more`]: {}, [ELSEWHERE]: {} },
    { audience: [API, 'https://other.acme.test'] },
    {
      scope: 'orders:read',
    },
  ],
  [
    'capabilities',
    { [READ]: {}, [PAY]: LIMITED },
    { audience: API, capabilities: { [PAY]: LIMITED } },
    {
      authorization_details: detailsOf({ [PAY]: LIMITED }),
    },
  ],
])('exchange with %s asks for what the grant allows there, and for no more', async (_name, held, options, asked) => {
  const { openB, sent } = await world(held)
  await openB().exchange(options)
  const { scope, authorization_details } = sent(TOKEN_PATH)[0]?.body ?? {}
  expect({ scope, authorization_details }).toEqual({ scope: undefined, authorization_details: undefined, ...asked })
})

it('exchange rejects with CAPABILITY_MISSING for a service at which the grant allows nothing, and asks nothing', async () => {
  const { openB, sent } = await world()
  expect(await clientReason(openB().exchange({ audience: 'https://api.acme.test/v2' }))).toBe('CAPABILITY_MISSING')
  expect(sent(TOKEN_PATH)).toEqual([])
})

it.each<[string, (good: Json) => Json]>([
  ['another principal', (good) => tokenWith(good, { sub: 'did:agent:acme.test:0' })],
  ['another actor', (good) => tokenWith(good, { client_id: 'did:agent:acme.test:0' })],
  ['another service', (good) => tokenWith(good, { aud: ['https://other.acme.test'] })],
  ['another scope', (good) => tokenWith(good, { scope: 'orders:write' })],
  ['another key', (good) => tokenWith(good, { cnf: { jkt: 'x' } })],
  ['no key', (good) => ({ ...tokenWith(good, { cnf: undefined }), token_type: 'Bearer' })],
  ['another type', (good) => ({ ...good, issued_token_type: 'urn:ietf:params:oauth:token-type:jwt' })],
])('exchange rejects with UNEXPECTED_ANSWER for a token with %s', async (_name, change) => {
  const { server, openB } = await world()
  server.next(TOKEN_PATH, change)
  expect(await clientReason(openB().exchange({ audience: API }))).toBe('UNEXPECTED_ANSWER')
})

function tokenWith(good: Json, edits: Json): Json {
  const [header = '', , signature = ''] = String(good.access_token).split('.')
  const claims = { ...claimsOf(String(good.access_token)), ...edits }
  return {
    ...good,
    access_token: `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`,
  }
}

it('exchange takes the nonce that the server demands, with a new assertion', async () => {
  const { server, openB, sent } = await world()
  server.next(TOKEN_PATH, () => refusal('DPOP_NONCE_REQUIRED', { 'dpop-nonce': 'n-1' }))
  await openB().exchange({ audience: API })
  const [first, second] = sent(TOKEN_PATH)
  expect(readProof(second?.headers.get('dpop') ?? '').claims.nonce).toBe('n-1')
  expect(second?.body.client_assertion).not.toBe(first?.body.client_assertion)
})

it.each<[string, () => Promise<unknown>]>([
  ['exchange without a grant', async () => (await world()).openB({ grant: undefined }).exchange({ audience: API })],
  ['delegation without a grant', async () => (await world()).openB({ grant: undefined, delegation: 'chain' })],
  ['an exchange for nothing', async () => (await world()).openB().exchange({ audience: API, scopes: [] })],
  ['an exchange for no service', async () => (await world()).openB().exchange({ audience: [] })],
  ['a lifetime', async () => (await world()).openB().fetch(API, {}, { delegation: 'exchange', ttl: '1m' })],
])('the agent throws TypeError for %s', async (_name, act) => {
  await expect(act()).rejects.toBeInstanceOf(TypeError)
})

it('a closed agent exchanges nothing', async () => {
  const { openB, sent } = await world()
  const agent = openB()
  agent.close()
  expect(await clientReason(agent.exchange({ audience: API }))).toBe('CLOSED')
  expect(sent(TOKEN_PATH)).toEqual([])
})
