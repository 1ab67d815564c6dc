import { expect, it } from 'vitest'
import { CHAIN_ISSUER } from '../../../../test/support/grant-chains.ts'
import { identityKey } from '../../../../test/support/key-events.ts'
import { fakeClock } from '../../../../test/support/sdk/clock.ts'
import { API_PATH, grantServer } from '../../../../test/support/sdk/grant-server.ts'
import { startIssuer } from '../../../../test/support/sdk/issuer.ts'
import { checkCallProof } from '../../../verifier/src/check-call-proof.ts'
import type { AgentOptions } from '../agent.ts'
import { createAgent } from '../create-agent.ts'
import { openServer } from '../server.ts'
import type { GrantCapabilities } from './agent-grant-calls.ts'
import { proveCall } from './prove-call.ts'

const MCP = 'https://pay.acme.test/mcp'
const CAPABILITIES: GrantCapabilities = { [`${MCP}#pay`]: { amount: { constraint_type: 'range', max: 100 } } }

/** A server, and an agent that holds a grant. `bodies` has the bodies that reach the MCP server. */
async function world(more: Partial<AgentOptions> = {}, capabilities = CAPABILITIES) {
  const clock = fakeClock()
  const server = grantServer(clock)
  const bodies: string[] = []
  const [a, b] = [server.agent('A'), server.agent('B')]
  const open = (who: typeof a, options: Partial<AgentOptions>) =>
    createAgent({ server: CHAIN_ISSUER, fetch: server.fetch, did: who.did, key: who.key, ...options }, clock)
  const give = () => open(a, {}).delegate({ to: b.did, capabilities, expires: '10m' })
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    if (!request.url.startsWith(CHAIN_ISSUER)) bodies.push(await request.clone().text())
    return server.fetch(request)
  }
  const agent = open(b, { grant: give, delegation: 'chain', fetch, ...more })
  const send = async (body: unknown, url = MCP) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    await agent.mcpFetch(url, { method: 'POST', body: text })
    return text
  }
  /** Returns the demand that the call proof of a body does not meet, or undefined. */
  const demandOn = async (body: string, capability = `${MCP}#pay`, address = MCP) => {
    const { params } = JSON.parse(body)
    const { _meta: meta } = params
    const text = String(meta['auth4agent/aat_pop'])
    const chain =
      server.seen
        .findLast(({ path }) => path === API_PATH)
        ?.headers.get('authorization')
        ?.slice(5) ?? ''
    const leaf = (await server.hopsOf(chain)).at(-1)
    if (leaf === undefined) throw new RangeError('The chain must have a grant')
    const args = params.arguments ?? {}
    const rules = { leaf, capabilities: [capability], address, args, nowS: clock.wallMs() / 1000, skewS: 0 }
    const checked = checkCallProof(text, rules)
    return checked.ok ? undefined : checked.demand
  }
  return { clock, server, agent, send, bodies, demandOn }
}

const call = (args?: object, meta?: object, name = 'pay') => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args, _meta: meta },
})

it('mcpFetch adds a call proof to the call of a tool, and changes nothing else', async () => {
  const { send, bodies, demandOn } = await world()
  await send(call({ amount: 5, note: 'Zoë' }, { progressToken: 7 }))
  expect(await demandOn(bodies[0] ?? '')).toBeUndefined()
  expect(JSON.parse(bodies[0] ?? '')).toEqual(
    call({ amount: 5, note: 'Zoë' }, { progressToken: 7, 'auth4agent/aat_pop': expect.any(String) }),
  )
})

it('mcpFetch adds a new call proof to each call, and replaces one that is there', async () => {
  const { send, bodies, demandOn } = await world()
  for (const meta of [undefined, { 'auth4agent/aat_pop': 'old' }]) await send(call({ amount: 5 }, meta))
  expect(await Promise.all(bodies.map((body) => demandOn(body)))).toEqual([undefined, undefined])
  expect(new Set(bodies).size).toBe(2)
})

it('mcpFetch proves a call without arguments', async () => {
  const { send, bodies, demandOn } = await world()
  await send(call())
  expect(await demandOn(bodies[0] ?? '')).toBeUndefined()
})

it('mcpFetch proves the new chain if the server does not accept the old one', async () => {
  const { server, send, bodies, demandOn } = await world()
  const headers = { 'www-authenticate': 'DPoP error="invalid_token"' }
  server.next(API_PATH, () => new Response('', { status: 401, headers }))
  await send(call({ amount: 5 }))
  expect(bodies).toHaveLength(2)
  expect(await demandOn(bodies[1] ?? '')).toBeUndefined()
  expect(await demandOn(bodies[0] ?? '')).toBe('aat_id must be the jti of the last grant')
})

it.each<[string, string, string, string]>([
  ['the address itself', MCP, MCP, MCP],
  [
    'the address without a slash at its end',
    'https://pay.acme.test',
    'https://pay.acme.test',
    'https://pay.acme.test/',
  ],
  ['the address in another spelling', MCP, 'https://PAY.acme.test:443/a/../mcp#top', MCP],
  ['the address with a query', `${MCP}?for=a`, `${MCP}?for=a`, `${MCP}?for=a`],
  ['the host of the address', 'https://pay.acme.test', MCP, MCP],
  ['the name of the host', 'pay.acme.test', MCP, MCP],
])('mcpFetch finds a capability whose audience is %s', async (_name, audience, url, address) => {
  const { send, bodies, demandOn } = await world({}, { [`${audience}#pay`]: {} })
  await send(call({ amount: 5 }), url)
  expect(await demandOn(bodies[0] ?? '', `${audience}#pay`, address)).toBeUndefined()
})

it('mcpFetch prefers the capability at the address to another one at its host', async () => {
  const { send, bodies, demandOn } = await world({}, { 'https://pay.acme.test#pay': {}, [`${MCP}#pay`]: {} })
  await send(call({ amount: 5 }))
  expect(await demandOn(bodies[0] ?? '')).toBeUndefined()
})

it.each<[string, unknown]>([
  ['the list of tools', { jsonrpc: '2.0', id: 1, method: 'tools/list' }],
  ['a tool that the grant does not have', call({ amount: 5 }, undefined, 'refund')],
  ['a tool whose name ends with the name of a capability', call({}, undefined, 'mcp#pay')],
  ['several messages', [call({ amount: 5 })]],
  ['a call without a name', { ...call(), params: {} }],
  ['a call without parameters', { jsonrpc: '2.0', id: 1, method: 'tools/call' }],
  ['arguments in a list', { ...call(), params: { name: 'pay', arguments: [] } }],
  ['a text that is no JSON', '{'],
])('mcpFetch does not change %s', async (_name, body) => {
  const { send, bodies } = await world()
  expect(bodies).toEqual([])
  const text = await send(body)
  expect(bodies).toEqual([text])
})

it('mcpFetch takes the tool from behind the first # of a capability, because a scope may have another one', async () => {
  const { send, bodies, demandOn } = await world({}, { [`${MCP}#x#pay`]: {} })
  const text = await send(call({ amount: 5 }))
  await send(call({ amount: 5 }, undefined, 'x#pay'))
  expect(bodies[0]).toBe(text)
  expect(await demandOn(bodies[1] ?? '', `${MCP}#x#pay`)).toBeUndefined()
})

it('proveCall does not change a call with an access token', async () => {
  const server = openServer({ server: CHAIN_ISSUER }, fakeClock())
  const init = { method: 'POST', body: JSON.stringify(call({ amount: 5 })) }
  const caller = { server, signer: identityKey('A'), nowS: 0 }
  expect(await proveCall(caller, { init, url: MCP, token: 'a.b.c' })).toBe(init)
})

it.each<[string, NonNullable<RequestInit['headers']>]>([
  ['an object', { 'Content-Length': '9', 'mcp-session-id': 's' }],
  ['Headers', new Headers({ 'content-length': '9', 'mcp-session-id': 's' })],
])('mcpFetch drops the length of the old body from headers in %s, and keeps the others', async (_name, headers) => {
  const { server, agent } = await world()
  await agent.mcpFetch(MCP, { method: 'POST', headers, body: JSON.stringify(call({ amount: 5 })) })
  const sent = server.seen.findLast(({ path }) => path === API_PATH)?.headers
  expect([sent?.get('content-length'), sent?.get('mcp-session-id')]).toEqual([null, 's'])
})

it('mcpFetch does not change a call at another host', async () => {
  const other = await world()
  const text = await other.send(call({ amount: 5 }), 'https://shop.acme.test/mcp')
  expect(other.bodies).toEqual([text])
})

it('fetch does not change the call of a tool', async () => {
  const { agent, bodies } = await world()
  const body = JSON.stringify(call({ amount: 5 }))
  await agent.fetch(MCP, { method: 'POST', body })
  expect(bodies).toEqual([body])
})

it('mcpFetch of an agent without a grant sends its token, and does not change the call of a tool', async () => {
  await using issuer = await startIssuer()
  const sent: Request[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    if (request.url !== MCP) return globalThis.fetch(request)
    sent.push(request)
    return new Response()
  }
  const { did } = grantServer(fakeClock()).agent('A')
  const agent = createAgent({ server: issuer.url, did, key: identityKey('A'), fetch }, fakeClock())
  const body = JSON.stringify(call({ amount: 5 }))
  await agent.mcpFetch(MCP, { method: 'POST', body })
  expect(sent[0]?.headers.get('authorization')).toMatch(/^Bearer /)
  expect(await sent[0]?.text()).toBe(body)
})
