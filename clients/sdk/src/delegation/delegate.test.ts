import { expect, it } from 'vitest'
import { CHAIN_ISSUER, holderDid, PAY, READ } from '../../../../test/support/grant-chains.ts'
import { identityKey } from '../../../../test/support/key-events.ts'
import { clientReason } from '../../../../test/support/sdk/client-reason.ts'
import { fakeClock } from '../../../../test/support/sdk/clock.ts'
import { type GrantServer, grantServer } from '../../../../test/support/sdk/grant-server.ts'
import { challengeText, type Json } from '../../../../test/support/sdk/issuer.ts'
import type { Agent, AgentOptions } from '../agent.ts'
import { createAgent } from '../create-agent.ts'
import type { DelegateOptions, GrantCapabilities } from './agent-grant-calls.ts'

const upTo = (max: number): GrantCapabilities => ({ [PAY]: { amount: { constraint_type: 'range', max } } })

/** A server with the agents A, B and C. */
function world() {
  const clock = fakeClock()
  const server = grantServer(clock)
  const [a, b, c] = [server.agent('A'), server.agent('B'), server.agent('C', 'b.test')]
  const agentOf = (who: typeof a, more: Partial<AgentOptions> = {}): Agent =>
    createAgent({ server: CHAIN_ISSUER, fetch: server.fetch, did: who.did, key: who.key, ...more }, clock)
  return { clock, server, a, b, c, agentOf }
}

const statementPath = (did: string) => `/v1/agent/${did}/holder-statement`

it('delegate requests a grant with exactly these capabilities, and hands it to the other agent', async () => {
  const { server, a, b, agentOf } = world()
  const chain = await agentOf(a).delegate({ to: b.did, capabilities: upTo(500), expires: '10m' })
  const [root, leaf] = await server.hopsOf(chain)
  expect([root?.did, leaf?.did]).toEqual([a.did, b.did])
  expect(root?.capabilities).toEqual(leaf?.capabilities)
  expect([...(leaf?.capabilities.keys() ?? [])]).toEqual([PAY])
  expect([root?.maxDepth, leaf?.maxDepth, (leaf?.exp ?? 0) - (leaf?.iat ?? 0)]).toEqual([1, 1, 600])
})

it('delegate extends the chain that the agent holds, and asks the server only for the statement', async () => {
  const { server, a, b, c, agentOf } = world()
  const first = await agentOf(a).delegate({ to: b.did, capabilities: upTo(500), expires: '10m', depth: 1 })
  const grants = server.count('/v1/grant')
  const second = await agentOf(b, { grant: first }).delegate({
    to: c.did,
    capabilities: upTo(100),
    expires: '5m',
    domains: ['b.test'],
  })
  expect(second.startsWith(`${first}~`)).toBe(true)
  expect((await server.hopsOf(second)).map(({ did }) => did)).toEqual([a.did, b.did, c.did])
  expect((await server.hopsOf(second)).at(-1)).toMatchObject({ allowedDomains: ['b.test'], maxDepth: 2 })
  expect(server.count('/v1/grant')).toBe(grants)
})

it('delegate hands on a root grant although the clock of its server is slower', async () => {
  const clock = fakeClock()
  const server = grantServer({ wallMs: () => clock.wallMs() - 5_000 })
  const [{ did, key }, b] = [server.agent('A'), server.agent('B')]
  const agent = createAgent({ server: CHAIN_ISSUER, fetch: server.fetch, did, key }, clock)
  const chain = await agent.delegate({ to: b.did, capabilities: upTo(5), expires: '10m' })
  const [root, leaf] = await server.hopsOf(chain)
  expect(leaf?.exp).toBe(root?.exp)
})

const EXTENDING: readonly [name: string, reason: string, rule: string, options: Partial<DelegateOptions>][] = [
  ['more than the agent holds', 'CONSTRAINT_WIDENED', 'amount', { capabilities: upTo(501) }],
  ['a capability that it does not hold', 'CAPABILITY_ADDED', READ, { capabilities: { [READ]: {} } }],
  ['a longer lifetime', 'LIFETIME_EXTENDED', 'when the parent expires', { expires: '11m' }],
  ['more depth', 'DEPTH_RAISED', 'del_max_depth must be at most 2', { depth: 1 }],
  ['other domains', 'HOLDERS_WIDENED', 'a4a_to must be among', { domains: ['other.test'] }],
  [
    'a malformed constraint',
    'MALFORMED_CONSTRAINT',
    'must',
    { capabilities: { [PAY]: { x: { constraint_type: 'all', constraints: [] } } } },
  ],
]

it.each(EXTENDING)('delegate rejects for %s with %s', async (_name, reason, rule, options) => {
  const { a, b, c, agentOf } = world()
  const grant = await agentOf(a).delegate({ to: b.did, capabilities: upTo(500), expires: '10m', depth: 1 })
  const asked = agentOf(b, { grant }).delegate({ to: c.did, capabilities: upTo(5), expires: '1m', ...options })
  await expect(asked).rejects.toMatchObject({ reason, status: 0, message: expect.stringContaining(rule) })
})

it('delegate rejects for an agent of a domain to which the grant may not be handed', async () => {
  const { server, a, agentOf } = world()
  const { did } = server.agent('D', 'other.test')
  const asked = agentOf(a).delegate({ to: did, capabilities: upTo(5), expires: '1m' })
  expect(await clientReason(asked)).toBe('HOLDER_NOT_ALLOWED')
})

it.each<[string, Partial<DelegateOptions>, RegExp]>([
  ['a lifetime over an hour', { expires: '61m' }, /expires must be a duration of at most 1h/],
  ['a lifetime of nothing', { expires: 0 }, /expires must/],
  ['a text that is no duration', { expires: 'soon' }, /expires must/],
  ['a negative depth', { depth: -1 }, /depth must be a whole number from 0 to 8/],
  ['half a depth', { depth: 0.5 }, /depth must/],
  ['a text that is no DID', { to: 'B' }, /to must be the DID of an agent/],
])('delegate throws TypeError for %s, and sends nothing', async (_name, options, message) => {
  const { server, a, b, agentOf } = world()
  const asked = agentOf(a).delegate({ to: b.did, capabilities: upTo(5), expires: '1m', ...options })
  await expect(asked).rejects.toThrow(message)
  await expect(asked).rejects.toBeInstanceOf(TypeError)
  expect(server.seen).toEqual([])
})

it('delegate asks for a statement at most once a minute, and again for a grant that outlasts the statement', async () => {
  const { clock, server, a, b, agentOf } = world()
  const agent = agentOf(a)
  const delegate = (expires: string) => agent.delegate({ to: b.did, capabilities: upTo(5), expires })
  for (const _ of [1, 2, 3]) await delegate('10m')
  expect(server.count(statementPath(b.did))).toBe(1)
  clock.advance(59_000)
  await delegate('10m')
  expect(server.count(statementPath(b.did))).toBe(1)
  await delegate('1h')
  expect(server.count(statementPath(b.did))).toBe(2)
  clock.advance(60_000)
  await delegate('10m')
  expect(server.count(statementPath(b.did))).toBe(3)
})

it('delegate binds the grant to the new key of an agent a minute after its rotation', async () => {
  const { clock, server, a, b, agentOf } = world()
  const agent = agentOf(a)
  const delegate = () => agent.delegate({ to: b.did, capabilities: upTo(5), expires: '1m' })
  await delegate()
  b.key = identityKey('the next key of B')
  clock.advance(60_000)
  expect((await server.hopsOf(await delegate())).at(-1)?.jkt).toBe(b.key.kid)
})

it('delegate signs nothing if the server names the statement of another agent', async () => {
  const { server, a, b, c, agentOf } = world()
  const other: Json = Object(await (await server.fetch(CHAIN_ISSUER + statementPath(c.did))).json())
  server.next(statementPath(b.did), () => other)
  const asked = agentOf(a).delegate({ to: b.did, capabilities: upTo(5), expires: '1m' })
  expect(await clientReason(asked)).toBe('UNEXPECTED_ANSWER')
  expect(server.count('/v1/grant')).toBe(0)
})

const contentOf = ({ challenge }: Json): Json =>
  JSON.parse(Buffer.from(String(challenge), 'base64url').subarray(0, -32).toString())

it.each<[string, Json]>([
  ['other authorization details', { details: 'A'.repeat(43) }],
  ['a longer lifetime', { ttl: 3600 }],
  ['more depth', { depth: 8 }],
  ['no depth', { depth: undefined }],
  ['a token', { scope: 'orders:read', aud: [CHAIN_ISSUER] }],
  ['another agent', { did: 'did:agent:acme.test:21fe31dfa154a261626bf854046fd227' }],
  ['another server', { iss: 'https://auth.example.org' }],
])('requestGrant signs no challenge for %s', async (_name, changed) => {
  const { server, a, agentOf } = world()
  server.next('/v1/challenge', (good) => ({ ...good, challenge: challengeText({ ...contentOf(good), ...changed }) }))
  expect(await clientReason(agentOf(a).requestGrant({ capabilities: upTo(5), expires: '1m' }))).toBe(
    'CHALLENGE_REFUSED',
  )
  expect(server.count('/v1/grant')).toBe(0)
})

it('requestGrant resolves with the grant and its terms', async () => {
  const { server, a, agentOf } = world()
  const { grant, ...about } = await agentOf(a).requestGrant({ capabilities: upTo(5), expires: '1m', depth: 2 })
  const [hop] = await server.hopsOf(grant)
  expect(about).toEqual({
    grantId: hop?.id,
    expiresAt: new Date((hop?.exp ?? 0) * 1000),
    depth: 2,
    domains: ['acme.test', 'b.test'],
  })
})

it.each<[string, (w: ReturnType<typeof world>) => Promise<unknown>]>([
  ['no grant', async () => undefined],
  ['a text that is no grant', async () => 'a.b.c'],
  ['a grant for another agent', ({ b, agentOf }) => grantOf(agentOf(b), upTo(5), '1m')],
  ['a grant for another DID of the same key', (w) => grantOf(w.agentOf(moved(w)), upTo(5), '1m')],
  ['a wider grant', ({ a, agentOf }) => grantOf(agentOf(a), upTo(6), '1m')],
  ['a narrower grant', ({ a, agentOf }) => grantOf(agentOf(a), upTo(4), '1m')],
  ['a grant with another lifetime', ({ a, agentOf }) => grantOf(agentOf(a), upTo(5), '2m')],
  ['a grant with another depth', ({ a, agentOf }) => grantOf(agentOf(a), upTo(5), '1m', 2)],
])('requestGrant rejects if the server answers with %s', async (_name, made) => {
  const given = world()
  const grant = await made(given)
  given.server.next('/v1/grant', () => ({ grant }))
  const asked = given.agentOf(given.a).requestGrant({ capabilities: upTo(5), expires: '1m' })
  expect(await clientReason(asked)).toBe('UNEXPECTED_ANSWER')
})

/** The agent A under another DID, as after a move. */
function moved({ server, a }: ReturnType<typeof world>) {
  const agent = { did: holderDid(a.key, 'b.test'), key: a.key }
  server.know(agent)
  return agent
}

async function grantOf(agent: Agent, capabilities: GrantCapabilities, expires: string, depth?: number) {
  return (await agent.requestGrant({ capabilities, expires, depth })).grant
}

it('the calls for grants stop with their signal, and after close', async () => {
  const { a, b, agentOf } = world()
  const agent = agentOf(a)
  const options = { to: b.did, capabilities: upTo(5), expires: '1m' }
  await expect(agent.delegate({ ...options, signal: AbortSignal.abort('stop') })).rejects.toBe('stop')
  agent.close()
  expect(await clientReason(agent.delegate(options))).toBe('CLOSED')
})

it('delegate passes the reason of the server on', async () => {
  const { server, a, b, agentOf } = world()
  refuse(server, '/v1/grant', 'DELEGATION_NOT_ALLOWED')
  expect(await clientReason(agentOf(a).delegate({ to: b.did, capabilities: upTo(5), expires: '1m' }))).toBe(
    'DELEGATION_NOT_ALLOWED',
  )
})

function refuse(server: GrantServer, path: string, reason: string): void {
  server.next(path, () => Response.json({ reason, detail: 'Refused' }, { status: 403 }))
}
