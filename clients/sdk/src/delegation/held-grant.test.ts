import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { CHAIN_ISSUER, chainOf, holderDid, READ } from '../../../../test/support/grant-chains.ts'
import { identityKey, p256Key } from '../../../../test/support/key-events.ts'
import { clientReason } from '../../../../test/support/sdk/client-reason.ts'
import { fakeClock } from '../../../../test/support/sdk/clock.ts'
import { API_PATH, grantServer } from '../../../../test/support/sdk/grant-server.ts'
import { readProof } from '../../../../test/support/sdk/issuer.ts'
import type { AgentOptions } from '../agent.ts'
import { createAgent } from '../create-agent.ts'

const API = 'https://api.acme.test/orders'

/** A server with the agents A and B, and a way to delegate from A to B. */
function world() {
  const clock = fakeClock()
  const server = grantServer(clock)
  const [a, b] = [server.agent('A'), server.agent('B')]
  const open = (who: typeof a, more: Partial<AgentOptions> = {}) =>
    createAgent({ server: CHAIN_ISSUER, fetch: server.fetch, did: who.did, key: who.key, ...more }, clock)
  const giver = open(a)
  const give = (expires = '10m') => giver.delegate({ to: b.did, capabilities: { [READ]: {} }, expires })
  const sentToApi = () => server.seen.filter(({ path }) => path === API_PATH).map(({ headers }) => headers)
  return { clock, server, a, b, open, give, sentToApi }
}

it('fetch sends the chain with the scheme DPoP, and a proof by the identity key over the whole chain', async () => {
  const { b, open, give, sentToApi } = world()
  const grant = await give()
  await open(b, { grant: `${grant}\n` }).fetch(API, { method: 'POST', body: 'x' })
  const [headers] = sentToApi()
  expect(headers?.get('authorization')).toBe(`DPoP ${grant}`)
  const { claims, jkt } = readProof(headers?.get('dpop') ?? '')
  expect(jkt).toBe(b.key.kid)
  const ath = createHash('sha256').update(grant).digest('base64url')
  expect(claims).toMatchObject({ htm: 'POST', htu: API, ath })
})

it('authorization returns the chain with a proof, and token still gets a token of the agent itself', async () => {
  const { server, b, open, give } = world()
  const grant = await give()
  const agent = open(b, { grant })
  const { authorization, dpop } = await agent.authorization('GET', 'wss://api.acme.test/orders', { nonce: 'n-1' })
  expect(authorization).toBe(`DPoP ${grant}`)
  expect(readProof(dpop ?? '').claims).toMatchObject({ htu: API, nonce: 'n-1' })
  await clientReason(agent.token())
  expect(server.seen.at(-1)).toMatchObject({ path: '/v1/challenge', body: { scope: '' } })
})

it('fetch takes the nonce that the API demands into a new proof', async () => {
  const { server, b, open, give, sentToApi } = world()
  const agent = open(b, { grant: await give() })
  const headers = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n-2' }
  server.next(API_PATH, () => new Response('', { status: 401, headers }))
  expect((await agent.fetch(API)).status).toBe(200)
  expect(sentToApi().map((sent) => readProof(sent.get('dpop') ?? '').claims.nonce)).toEqual([undefined, 'n-2'])
})

it.each([{ scopes: ['orders:read'] }, { audience: API }, { ttl: '1m' }])(
  'fetch throws TypeError for the terms %j, because the grant has fixed ones',
  async (terms) => {
    const { b, open, give, sentToApi } = world()
    const agent = open(b, { grant: await give() })
    await expect(agent.fetch(API, undefined, terms)).rejects.toBeInstanceOf(TypeError)
    await expect(agent.authorization('GET', API, terms)).rejects.toBeInstanceOf(TypeError)
    expect(sentToApi()).toEqual([])
  },
)

it.each<[string, string, (w: ReturnType<typeof world>) => Promise<[string, Partial<AgentOptions>?]>]>([
  ['a text that is no grant', 'MALFORMED_GRANT', async () => ['abc']],
  ['a chain that was cut', 'MALFORMED_GRANT', async ({ give }) => [(await give()).slice(0, -1)]],
  ['the parent of its grant', 'GRANT_NOT_HELD', async ({ give }) => [(await give()).split('~')[0] ?? '']],
  ['a grant for its old key', 'GRANT_NOT_HELD', async ({ give }) => [await give(), { key: identityKey('new') }]],
  [
    'a grant for its old DID',
    'GRANT_NOT_HELD',
    async ({ give, b }) => [await give(), { did: holderDid(b.key, 'b.test') }],
  ],
  ['a grant and an added key of P-256', 'GRANT_NOT_HELD', async ({ give }) => [await give(), { key: p256Signer() }]],
  ['a chain of another issuer', 'WRONG_ISSUER', async () => [chainOf(1, { 0: { claims: { iss: 'https://x.test' } } })]],
  [
    'an expired grant',
    'GRANT_EXPIRED',
    async ({ give, clock }) => {
      const grant = await give('1m')
      clock.advance(60_000)
      return [grant]
    },
  ],
])('fetch rejects with the reason for %s: %s, and sends nothing', async (_name, reason, made) => {
  const given = world()
  const [grant, more] = await made(given)
  for (const form of [grant, async () => grant]) {
    const agent = given.open(given.b, { grant: form, ...more })
    expect(await clientReason(agent.fetch(API))).toBe(reason)
    expect(await clientReason(agent.authorization('GET', API))).toBe(reason)
  }
  expect(given.sentToApi()).toEqual([])
})

function p256Signer() {
  const { sign } = p256Key('added')
  const x = Buffer.from(p256Key('added').jwk.x, 'base64url')
  const y = Buffer.from(p256Key('added').jwk.y, 'base64url')
  return { alg: 'ES256', publicKey: Buffer.concat([Buffer.of(4), x, y]), sign } as const
}

it('a grant that comes from a function is kept, and renewed ahead of its expiry', async () => {
  const { clock, b, open, give, sentToApi } = world()
  const given: string[] = []
  const agent = open(b, {
    grant: async () => {
      given.push(await give())
      return given.at(-1) ?? ''
    },
  })
  await agent.fetch(API)
  await agent.fetch(API)
  expect(given).toHaveLength(1)
  clock.advance(450_000)
  await expect.poll(() => given.length).toBe(2)
  await agent.fetch(API)
  expect(sentToApi().map((headers) => headers.get('authorization'))).toEqual(
    [0, 0, 1].map((at) => `DPoP ${given[at] ?? ''}`),
  )
})

it('a renewal that fails leaves the old grant in use until it expires', async () => {
  const { clock, b, open, give, sentToApi } = world()
  const first = await give()
  let calls = 0
  const agent = open(b, {
    grant: async () => {
      calls += 1
      if (calls > 1) throw new Error('the other agent is away')
      return first
    },
  })
  await agent.fetch(API)
  clock.advance(450_000)
  await expect.poll(() => calls).toBe(2)
  await agent.fetch(API)
  expect(sentToApi().at(-1)?.get('authorization')).toBe(`DPoP ${first}`)
  clock.advance(600_000)
  await expect(agent.fetch(API)).rejects.toThrow('the other agent is away')
})

it('a grant that a service does not accept is replaced by a new one, and the request is sent again', async () => {
  const { server, b, open, give } = world()
  const given: string[] = []
  const agent = open(b, {
    grant: async () => {
      given.push(await give())
      return given.at(-1) ?? ''
    },
  })
  const headers = { 'www-authenticate': 'DPoP error="invalid_token"' }
  server.next(API_PATH, () => new Response('', { status: 401, headers }))
  expect((await agent.fetch(API)).status).toBe(200)
  expect(given).toHaveLength(2)
})

it('a closed agent neither sends its grant nor asks for one', async () => {
  const { b, open, give } = world()
  const grant = await give()
  for (const form of [grant, async () => grant]) {
    const agent = open(b, { grant: form })
    agent.close()
    expect(await clientReason(agent.fetch(API))).toBe('CLOSED')
  }
})
