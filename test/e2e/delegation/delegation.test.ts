import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Agent,
  type AgentOptions,
  createAgent,
  createOperator,
  type GrantCapabilities,
  type Operator,
  openCalls,
} from '@auth4agent/sdk'
import { generatePrivateKey } from '@auth4agent/sdk/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { clientReason } from '../../support/sdk/client-reason.ts'
import { startTcpProxy, type TcpProxy, targetOf } from '../../support/tcp-proxy.ts'

const AUDIENCE = 'https://pay.free.test'
const PAY = `${AUDIENCE}#pay`
const upTo = (max: number): GrantCapabilities => ({ [PAY]: { amount: { constraint_type: 'range', max } } })

/** An agent with its key. */
interface Party {
  readonly did: string
  readonly key: ReturnType<typeof generatePrivateKey>['signer']
}

let deployment: Deployment
let proxy: TcpProxy
let issuer: string
let api: Server
let apiUrl: string
let folder: string
let acme: Operator
let partner: Operator
/** A is the agent of acme that has the authority. B is of acme too, C is of the partner. */
let a: Party
let b: Party
let c: Party
let chainOfB: string
let chainOfC: string

beforeAll(async () => {
  proxy = await startTcpProxy({ host: '127.0.0.1', port: 0 })
  issuer = `http://localhost:${proxy.port}`
  deployment = await startDeployment({ instances: 2, env: { AUTH4AGENT_BASE_URL: issuer } })
  proxy.repoint(targetOf(deployment.server.baseUrl))
  api = createServer((request, response) => void answer(request, response))
  await new Promise<void>((listening) => api.listen(0, '127.0.0.1', listening))
  const address = api.address()
  apiUrl = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}/pay` : ''
  folder = await mkdtemp(join(tmpdir(), 'a4a-delegation-'))
  acme = await operatorOf('acme.example.com')
  partner = await operatorOf('partner.example.com')
  a = await partyOf(acme)
  b = await partyOf(acme)
  c = await partyOf(partner)
})
afterAll(async () => {
  api?.close()
  await proxy?.close()
  await deployment?.stop()
  await rm(folder, { recursive: true })
})

async function operatorOf(domain: string): Promise<Operator> {
  const operator = createOperator({ server: issuer, domain, key: generatePrivateKey().signer })
  await operator.register()
  const { txt_record_name, txt_record_value } = await operator.verification.instructions()
  deployment.dns.setTxt(txt_record_name, [txt_record_value])
  expect(await operator.verification.confirm()).toMatchObject({ verified: true })
  return operator
}

async function partyOf({ agents }: Operator): Promise<Party> {
  const key = generatePrivateKey().signer
  const { did } = await agents.register({ publicKey: key.publicKey })
  return { did, key }
}

const agentOf = ({ did, key }: Party, more: Partial<AgentOptions> = {}): Agent =>
  createAgent({ server: issuer, did, key, ...more })

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, ...body } = await pay(request)
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** An API that takes payments, and asks a server of the deployment about each chain. */
async function pay(request: IncomingMessage): Promise<Readonly<Record<string, unknown>> & { readonly status: number }> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const { authorization = '', dpop } = request.headers
  const other = deployment.servers[1]?.baseUrl ?? issuer
  const { valid, reason, delegation } = await openCalls({ server: other }).verifyToken(
    authorization.slice('DPoP '.length),
    {
      audience: [AUDIENCE],
      scope: 'pay',
      delegation: 'accept',
      arguments: JSON.parse(body),
      dpopProof: String(dpop),
      httpMethod: 'POST',
      httpUrl: apiUrl,
    },
  )
  return valid ? { status: 200, delegation } : { status: 403, reason }
}

async function payBy(agent: Agent, amount: number): Promise<string> {
  const answer = await agent.fetch(apiUrl, { method: 'POST', body: JSON.stringify({ amount }) })
  const { reason, delegation } = Object(await answer.json())
  return answer.status === 200 ? `${String(delegation.principal)} by ${String(delegation.actor)}` : String(reason)
}

async function inspect(chain: string) {
  const file = join(folder, 'chain.txt')
  await writeFile(file, chain)
  const { code, stdout } = await runCli(['grant', 'inspect', file, '--server', issuer, '--json'], {
    home: folder,
    fetch,
  })
  const { reason, hop, grants } = JSON.parse(stdout)
  return { code, reason, hop, states: grants.map(({ state }: { state: string }) => state) }
}

it('1. nobody delegates until the operator allows it', async () => {
  await acme.agents.setScopes(a.did, ['pay'])
  const delegate = () => agentOf(a).delegate({ to: b.did, capabilities: upTo(500), expires: '30m', depth: 1 })
  expect(await clientReason(delegate())).toBe('DELEGATION_NOT_ALLOWED')
  await acme.agents.update(a.did, { maxDelegationDepth: 2 })
  await acme.policy.set({ audiences: [], require_bound_challenges: true, delegate_to: ['partner.example.com'] })
  chainOfB = await delegate()
  expect(await inspect(chainOfB)).toEqual({ code: 0, states: ['valid', 'valid'] })
})

it('2. B, which has no scopes itself, pays within the limit that A gave it', async () => {
  const agent = agentOf(b, { grant: chainOfB })
  expect(await payBy(agent, 500)).toBe(`${a.did} by ${b.did}`)
  expect(await payBy(agent, 501)).toBe('ARGUMENT_REFUSED')
})

it('3. B hands a part on to an agent of the partner, and nothing more than it has', async () => {
  const agent = agentOf(b, { grant: chainOfB })
  const give = (max: number) => agent.delegate({ to: c.did, capabilities: upTo(max), expires: '20m' })
  expect(await clientReason(give(501))).toBe('CONSTRAINT_WIDENED')
  chainOfC = await give(100)
  expect(await payBy(agentOf(c, { grant: chainOfC }), 100)).toBe(`${a.did} by ${c.did}`)
  expect(await payBy(agentOf(c, { grant: async () => chainOfC }), 101)).toBe('ARGUMENT_REFUSED')
})

it('4. C cannot hand its grant on, and cannot use the grant of B', async () => {
  const give = agentOf(c, { grant: chainOfC }).delegate({ to: b.did, capabilities: upTo(1), expires: '1m' })
  expect(await clientReason(give)).toBe('DEPTH_EXCEEDED')
  expect(await clientReason(agentOf(c, { grant: chainOfB }).fetch(apiUrl))).toBe('GRANT_NOT_HELD')
})

it('5. A revokes what C has, and the grant of B lives on', async () => {
  await agentOf(a).revoke(chainOfC)
  expect(await payBy(agentOf(c, { grant: chainOfC }), 1)).toBe('TOKEN_REVOKED')
  expect(await payBy(agentOf(b, { grant: chainOfB }), 1)).toBe(`${a.did} by ${b.did}`)
  expect(await inspect(chainOfC)).toEqual({
    code: 1,
    reason: 'TOKEN_REVOKED',
    hop: 2,
    states: ['valid', 'valid', 'TOKEN_REVOKED'],
  })
})

it('6. the operator revokes what B has, and all that B hands on ends with it', async () => {
  const late = agentOf(b, { grant: chainOfB })
  await acme.revokeGrant(chainOfB, 'not needed')
  expect(await payBy(late, 1)).toBe('TOKEN_REVOKED')
  const child = await late.delegate({ to: c.did, capabilities: upTo(1), expires: '1m' })
  expect(await payBy(agentOf(c, { grant: child }), 1)).toBe('TOKEN_REVOKED')
  expect(await inspect(child)).toMatchObject({ hop: 1, states: ['valid', 'TOKEN_REVOKED', 'ends with grant 1'] })
})

it('7. a rotation of B ends what B held, and A can give it to the new key', async () => {
  const give = () => agentOf(a).delegate({ to: b.did, capabilities: upTo(5), expires: '10m' })
  const held = agentOf(b, { grant: give })
  expect(await payBy(held, 1)).toBe(`${a.did} by ${b.did}`)
  const old = await give()
  await held.rotateKey({ key: generatePrivateKey().signer })
  expect(await payBy(held, 1)).toBe(`${a.did} by ${b.did}`)
  expect(await inspect(old)).toMatchObject({ reason: 'AGENT_TOKENS_ENDED', hop: 1 })
})

it('8. the suspension of A ends everything that comes from A', async () => {
  const chain = await agentOf(a).delegate({ to: c.did, capabilities: upTo(5), expires: '10m' })
  expect(await payBy(agentOf(c, { grant: chain }), 1)).toBe(`${a.did} by ${c.did}`)
  await acme.agents.suspend(a.did, 'investigating')
  expect(await payBy(agentOf(c, { grant: chain }), 1)).toBe('AGENT_TOKENS_ENDED')
  expect(await inspect(chain)).toMatchObject({ hop: 0 })
})
