import { expect, it } from 'vitest'
import { clientReason } from '../../../../test/support/sdk/client-reason.ts'
import {
  API,
  claimsOf,
  refusal,
  TOKEN_PATH,
  exchangeWorld as world,
} from '../../../../test/support/sdk/exchange-world.ts'
import { API_PATH, METADATA_PATH } from '../../../../test/support/sdk/grant-server.ts'
import { readProof } from '../../../../test/support/sdk/issuer.ts'

it('fetch sends the chain to an API whose metadata says that it accepts chains', async () => {
  const { chain, openB, metadata, tokens, sent } = await world()
  metadata({ resource: API, auth4agent_grant_chains_supported: true })
  await openB().fetch(`${API}/orders`)
  expect(tokens()).toEqual([`DPoP ${chain}`])
  expect(sent(METADATA_PATH).map(({ url }) => url)).toEqual([`${API}/.well-known/oauth-protected-resource`])
})

it('fetch exchanges the chain for an API whose metadata does not say so, and keeps the token and the answer', async () => {
  const { b, openB, metadata, tokens, sent } = await world()
  metadata({ resource: `${API}/`, auth4agent_grant_chains_supported: 'true' })
  const agent = openB()
  await Promise.all([agent.fetch(`${API}/orders`), agent.fetch(`${API}/orders`)])
  await agent.fetch(`${API}/more`)
  expect(new Set(tokens()).size).toBe(1)
  const [, token = ''] = tokens()[0]?.split(' ') ?? []
  expect(claimsOf(token)).toMatchObject({ aud: [API], scope: 'orders:read', client_id: b.did })
  const { claims, jkt } = readProof(sent(API_PATH)[0]?.headers.get('dpop') ?? '')
  expect({ ...claims, jkt }).toMatchObject({ htu: `${API}/orders`, jkt: b.key.kid })
  expect(sent(METADATA_PATH)).toHaveLength(1)
})

it.each<[string, (w: Awaited<ReturnType<typeof world>>) => void]>([
  ['no metadata', () => undefined],
  ['metadata of another resource', ({ metadata }) => metadata({ resource: `${API}/v2` })],
  ['metadata with another spelling', ({ metadata }) => metadata({ resource: API.replace('https://', 'https:///') })],
  ['metadata without a resource', ({ metadata }) => metadata({})],
  ['a failure', ({ server }) => server.next(METADATA_PATH, () => new Response('', { status: 503 }))],
])('fetch sends the chain to an API with %s', async (_name, prepare) => {
  const made = await world()
  prepare(made)
  await made.openB().fetch(`${API}/orders`)
  expect(made.tokens()).toEqual([`DPoP ${made.chain}`])
})

it('fetch reads the metadata again after five minutes, and after a failure in a minute', async () => {
  const { clock, server, openB, metadata, sent } = await world()
  const agent = openB()
  server.next(METADATA_PATH, () => new Response('', { status: 503 }))
  const askedAfter = async (ms: number) => {
    clock.advance(ms)
    await agent.fetch(`${API}/orders`)
    return sent(METADATA_PATH).length
  }
  const counts = [await askedAfter(0), await askedAfter(59_000), await askedAfter(1_000)]
  metadata({ resource: API })
  counts.push(await askedAfter(299_000), await askedAfter(1_000))
  expect(counts).toEqual([1, 1, 2, 2, 3])
})

const at = (audience: string) => ({ [`${audience}#s`]: {} })

it.each([
  ['the longest path that begins the path of the request', 'https://x.test/a/b?c', 'https://x.test/a'],
  ['the path itself', 'https://x.test/a', 'https://x.test/a'],
  ['not a path that only begins with the same letters', 'https://x.test/ab', 'https://x.test'],
])('fetch exchanges for the audience of the grant with %s', async (_name, url, aud) => {
  const { openB, tokens } = await world({ ...at('https://x.test'), ...at('https://x.test/a'), ...at('https://y.test') })
  await openB({ delegation: 'exchange' }).fetch(url)
  expect(claimsOf(tokens()[0] ?? '').aud).toEqual([aud])
})

it('fetch sends nothing to an address that no audience of the grant has, if it must exchange', async () => {
  const { openB, tokens } = await world()
  const agent = openB({ delegation: 'exchange' })
  expect(await clientReason(agent.fetch('https://evil.test/orders'))).toBe('CAPABILITY_MISSING')
  expect(tokens()).toEqual([])
})

it('the option decides without metadata, and the option of one call comes first', async () => {
  const { chain, openB, tokens, sent } = await world()
  const agent = openB({ delegation: 'exchange' })
  await agent.fetch(`${API}/orders`)
  await agent.fetch(`${API}/orders`, undefined, { delegation: 'chain' })
  await openB({ delegation: 'chain' }).fetch('http://localhost:9/', undefined, {
    delegation: 'exchange',
    audience: API,
    scopes: ['orders:read'],
  })
  const [first = '', second, third = ''] = tokens()
  expect(claimsOf(first)).toMatchObject({ aud: [API] })
  expect(second).toBe(`DPoP ${chain}`)
  expect(claimsOf(third)).toMatchObject({ aud: [API], scope: 'orders:read' })
  expect(sent(METADATA_PATH)).toEqual([])
})

it('authorization reads no metadata, and exchanges the chain only if the option says so', async () => {
  const { chain, openB, sent } = await world()
  expect((await openB().authorization('GET', `${API}/a`)).authorization).toBe(`DPoP ${chain}`)
  const { authorization } = await openB().authorization('GET', 'wss://api.acme.test/a', { delegation: 'exchange' })
  expect(claimsOf(authorization)).toMatchObject({ aud: [API] })
  expect(sent(METADATA_PATH)).toEqual([])
})

it('a token for a chain is renewed ahead of its expiry, from the chain that the agent has then', async () => {
  const { clock, give, openB, tokens, sent } = await world()
  const agent = openB({ delegation: 'exchange', grant: () => give('8m') })
  await agent.fetch(API)
  clock.advance(250_000)
  await expect.poll(() => sent(TOKEN_PATH).length).toBe(2)
  await agent.fetch(API)
  expect(new Set(tokens()).size).toBe(2)
})

it('a token that a service does not accept is replaced by a new one, and the request is sent again', async () => {
  const { server, openB, tokens } = await world()
  const headers = { 'www-authenticate': 'DPoP error="invalid_token"' }
  server.next(API_PATH, () => new Response('', { status: 401, headers }))
  expect((await openB({ delegation: 'exchange' }).fetch(API)).status).toBe(200)
  expect(new Set(tokens()).size).toBe(2)
})

it('a chain that the server refuses to exchange is replaced by a new one at the next call', async () => {
  const { server, give, openB, sent } = await world()
  const agent = openB({ delegation: 'exchange', grant: () => give() })
  server.next(TOKEN_PATH, () => refusal('TOKEN_REVOKED'))
  expect(await clientReason(agent.fetch(API))).toBe('TOKEN_REVOKED')
  await agent.fetch(API)
  const chains = sent(TOKEN_PATH).map(({ body }) => body.subject_token)
  expect(new Set(chains).size).toBe(2)
})
