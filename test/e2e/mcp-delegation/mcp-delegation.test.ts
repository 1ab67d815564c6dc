import { type Agent, type AgentOptions, createAgent, createOperator, type Operator } from '@auth4agent/sdk'
import { generatePrivateKey } from '@auth4agent/sdk/node'
import { createVerifier, type Verifier } from '@auth4agent/verifier'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import { addWatchKey } from '../../support/sdk/watch-key.ts'
import { startTcpProxy, type TcpProxy, targetOf } from '../../support/tcp-proxy.ts'
import { type PayServer, startPayServer } from './mcp-server.ts'

const DOMAIN = 'acme.example.com'

/** An agent with its key. */
interface Party {
  readonly did: string
  readonly key: ReturnType<typeof generatePrivateKey>['signer']
}

let deployment: Deployment
let proxy: TcpProxy
let issuer: string
let acme: Operator
let verifier: Verifier
let url: string
let mcp: PayServer
/** A has the authority, B is its sub-agent, and C is the sub-agent of B. */
let a: Party
let b: Party
let c: Party
let chainOfB: string
let chainOfC: string

beforeAll(async () => {
  proxy = await startTcpProxy({ host: '127.0.0.1', port: 0 })
  issuer = `http://localhost:${proxy.port}`
  deployment = await startDeployment({ env: { AUTH4AGENT_BASE_URL: issuer } })
  proxy.repoint(targetOf(deployment.server.baseUrl))
  acme = createOperator({ server: issuer, domain: DOMAIN, key: generatePrivateKey().signer })
  await acme.register()
  const { txt_record_name, txt_record_value } = await acme.verification.instructions()
  deployment.dns.setTxt(txt_record_name, [txt_record_value])
  expect(await acme.verification.confirm()).toMatchObject({ verified: true })
  a = await newParty()
  b = await newParty()
  c = await newParty()
  await acme.agents.setScopes(a.did, ['orders:read', 'pay', 'refund'])
  await acme.agents.update(a.did, { maxDelegationDepth: 2 })
  url = `http://localhost:${await freePort()}/mcp`
  const revocations = await addWatchKey(acme)
  verifier = createVerifier({ issuer, audience: url, operators: [DOMAIN], revocations })
  await verifier.ready({ timeout: 30 })
  mcp = startPayServer(verifier, url)
})
afterAll(async () => {
  mcp?.stop()
  verifier?.close()
  await proxy?.close()
  await deployment?.stop()
})

async function newParty(): Promise<Party> {
  const key = generatePrivateKey().signer
  const { did } = await acme.agents.register({ publicKey: key.publicKey })
  return { did, key }
}

const agentOf = ({ did, key }: Party, more: Partial<AgentOptions> = {}): Agent =>
  createAgent({ server: issuer, did, key, ...more })

const upTo = (max: number) => ({
  [`${url}#orders:read`]: {},
  [`${url}#pay`]: { amount: { constraint_type: 'range', max } } as const,
})

/** Connects a client of the MCP SDK. */
async function connect(fetch: Agent['fetch'], { at = url, sessionId }: { at?: string; sessionId?: string } = {}) {
  const client = new Client({ name: 'agent', version: '1.0.0' })
  onTestFinished(() => client.close())
  const transport = new StreamableHTTPClientTransport(new URL(at), { fetch, ...(sessionId && { sessionId }) })
  await client.connect(transport)
  return { client, transport }
}

const call = async (client: Client, name: string, args: Record<string, unknown>) => {
  const { content } = await client.callTool({ name, arguments: args })
  return content
}

const said = (text: string, by: Party) => [{ type: 'text', text: `${text} for ${a.did} by ${by.did}` }]
const refusal = (code: number, reason: string) => ({ code, message: expect.stringContaining(`"reason":"${reason}"`) })

/** Makes an agent with the grant of B, and the last body that it has sent. */
function recordingAgent() {
  let sent = ''
  const agent = agentOf(b, {
    grant: chainOfB,
    async fetch(input, init) {
      const request = new Request(input, init)
      sent = await request.clone().text()
      return fetch(request)
    },
  })
  return { agent, lastBody: () => sent }
}

/** Sends a message without a client. Resolves with the status and the reason of the refusal. */
async function post(agent: Agent, body: string, sessionId?: string) {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(sessionId !== undefined && { 'mcp-session-id': sessionId }),
  }
  const response = await agent.fetch(url, { method: 'POST', headers, body })
  const text = await response.text()
  return response.ok ? [200] : [response.status, JSON.parse(text).reason]
}

it('1. A delegates to B, which lists the tools and calls one within its constraints', async () => {
  chainOfB = await agentOf(a).delegate({ to: b.did, capabilities: upTo(100), expires: '30m', depth: 1 })
  const { client } = await connect(agentOf(b, { grant: chainOfB }).mcpFetch)
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['pay', 'refund'])
  expect(await call(client, 'pay', { amount: 100 })).toEqual(said('pay {"amount":100}', b))
})

it('2. B is refused over its constraints, with a reason that a model can read, and goes on', async () => {
  const { client } = await connect(agentOf(b, { grant: chainOfB }).mcpFetch)
  await expect(call(client, 'pay', { amount: 101 })).rejects.toMatchObject({
    code: 403,
    message: expect.stringMatching(/the argument \\"amount\\" must satisfy its constraint range.*ARGUMENT_REFUSED/),
  })
  for (const args of [{}, { amount: '5' }, { amount: 5, to: 'me' }]) {
    await expect(call(client, 'pay', args)).rejects.toMatchObject(refusal(403, 'ARGUMENT_REFUSED'))
  }
  await expect(call(client, 'refund', { amount: 1 })).rejects.toMatchObject(refusal(403, 'CAPABILITY_MISSING'))
  expect(await call(client, 'pay', { amount: 99 })).toEqual(said('pay {"amount":99}', b))
})

it('3. a call without a call proof is refused', async () => {
  const agent = agentOf(b, { grant: chainOfB })
  const { client } = await connect((...request) => agent.fetch(...request))
  await expect(call(client, 'pay', { amount: 1 })).rejects.toMatchObject(refusal(401, 'PROOF_REQUIRED'))
})

it('4. a call proof is worth nothing a second time, with other arguments, another tool, or several calls', async () => {
  const { agent, lastBody } = recordingAgent()
  const { client, transport } = await connect(agent.mcpFetch)
  const before = mcp.done.length
  await call(client, 'pay', { amount: 7 })
  const body = lastBody()
  const send = (text: string) => post(agent, text, transport.sessionId)
  expect(await send(body)).toEqual([401, 'PROOF_REPLAYED'])
  expect(await send(body.replace('"amount":7', '"amount":8'))).toEqual([401, 'PROOF_INVALID'])
  expect(await send(body.replace('"amount":7', '"amount":7,"amount":8'))).toEqual([401, 'PROOF_INVALID'])
  expect(await send(body.replace('"amount":7', '"amount":7,"amount":800'))).toEqual([403, 'ARGUMENT_REFUSED'])
  expect(await send(body.replace('"amount":7', '"__proto__":{"amount":7}'))).toEqual([403, 'ARGUMENT_REFUSED'])
  expect(await send(body.replace('"name":"pay"', '"name":"refund"'))).toEqual([403, 'CAPABILITY_MISSING'])
  expect(await send(`[${body},${body}]`)).toEqual([403, 'ARGUMENTS_NEEDED'])
  expect(mcp.done.slice(before)).toEqual([`pay {"amount":7} for ${a.did} by ${b.did}`])
})

it('5. C, to which B hands on less, is judged by its own chain, also in the session of B', async () => {
  const agent = agentOf(b, { grant: chainOfB })
  chainOfC = await agent.delegate({ to: c.did, capabilities: upTo(10), expires: '20m' })
  const { transport } = await connect(agent.mcpFetch)
  const ofC = agentOf(c, { grant: chainOfC })
  const { client } = await connect(ofC.mcpFetch, { sessionId: transport.sessionId ?? '' })
  expect(await call(client, 'pay', { amount: 10 })).toEqual(said('pay {"amount":10}', c))
  await expect(call(client, 'pay', { amount: 11 })).rejects.toMatchObject(refusal(403, 'ARGUMENT_REFUSED'))
})

it('6. C gains nothing from a call proof that B has made', async () => {
  const { agent, lastBody } = recordingAgent()
  const { client, transport } = await connect(agent.mcpFetch)
  await call(client, 'pay', { amount: 9 })
  const ofC = agentOf(c, { grant: chainOfC })
  expect(await post(ofC, lastBody(), transport.sessionId)).toEqual([401, 'PROOF_INVALID'])
})

it('7. a call proof for one server is worth nothing at another one', async () => {
  const other = `http://localhost:${await freePort()}/mcp`
  const second = startPayServer(verifier, other, { audience: [url, other] })
  onTestFinished(() => second.stop())
  const { agent, lastBody } = recordingAgent()
  const { client } = await connect(agent.mcpFetch)
  await call(client, 'pay', { amount: 6 })
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const response = await agent.fetch(other, { method: 'POST', headers, body: lastBody() })
  expect(Object(await response.json()).title).toContain(`aat_aud must be ${other}`)
  expect(second.done).toEqual([])
})

it('8. a server that does not accept delegation refuses every chain', async () => {
  const other = `http://localhost:${await freePort()}/mcp`
  const strict = startPayServer(verifier, other, { delegation: 'refuse' })
  onTestFinished(() => strict.stop())
  const agent = agentOf(b, { grant: chainOfB })
  await expect(connect(agent.mcpFetch, { at: other })).rejects.toMatchObject(refusal(401, 'DELEGATION_NOT_ACCEPTED'))
})

it('9. the suspension of B ends its calls and those of C, and not the authority of A', async () => {
  const [ofB, ofC] = [agentOf(b, { grant: chainOfB }), agentOf(c, { grant: chainOfC })]
  const clients = [(await connect(ofB.mcpFetch)).client, (await connect(ofC.mcpFetch)).client]
  for (const client of clients) expect(await call(client, 'pay', { amount: 1 })).toHaveLength(1)
  await acme.agents.suspend(b.did, 'investigating')
  const outcomes = () =>
    Promise.all(
      clients.map((client) =>
        call(client, 'pay', { amount: 1 }).then(
          () => 'done',
          (error: unknown) => String(error),
        ),
      ),
    )
  // The verifier learns it from the revocation log.
  const ended = expect.stringContaining('"reason":"AGENT_TOKENS_ENDED"')
  await expect.poll(outcomes).toEqual([ended, ended])
  const own = await agentOf(a).requestGrant({ capabilities: upTo(500), expires: '5m' })
  const { client } = await connect(agentOf(a, { grant: own.grant }).mcpFetch)
  expect(await call(client, 'pay', { amount: 500 })).toEqual(said('pay {"amount":500}', a))
})
