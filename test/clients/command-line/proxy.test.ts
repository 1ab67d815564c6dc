import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliProcess, endCli, startCli } from '../../support/cli-process.ts'
import { type ConfigFolder, createConfigFolder } from '../../support/config-folder.ts'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, newAgentParty, newKeys } from '../../support/parties.ts'
import type { Json } from '../../support/protocol-client.ts'

/**
 * These tests send the calls of version-1 tools: a base address, a method, a path and JSON. Such tools know no
 * assertions and send no Authorization header.
 */
const DOMAIN = 'old-tools.example.com'

let deployment: Deployment
let config: ConfigFolder
let folder: string
let proxy: CliProcess
let base: string
const keys = newKeys()
const agent: AgentParty = newAgentParty(DOMAIN)
let operatorId: string

beforeAll(async () => {
  deployment = await startDeployment()
  config = await createConfigFolder()
  await config.operator({ domain: DOMAIN }, keys)
  folder = config.path
  const { baseUrl } = deployment.server
  proxy = startCli([
    'operator',
    'proxy',
    '--config',
    folder,
    '--server',
    baseUrl,
    '--issuer',
    ISSUER,
    '--prefix-file',
    join(folder, 'address'),
  ])
  base = await proxy.line()
})
afterAll(async () => {
  await proxy?.stop()
  await deployment?.stop()
  await config?.remove()
})

async function call<T = Json>(method: string, path: string, body?: unknown): Promise<T> {
  const request = {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  }
  const response = await fetch(base + path, request)
  const json: T = JSON.parse(await response.text())
  if (response.status >= 400) throw new Error(`${method} ${path} failed: ${response.status} ${JSON.stringify(json)}`)
  return json
}

const asToken = async (scope: string) => {
  const { challenge, nonce } = await call('POST', '/v1/challenge', { did: agent.did })
  const signature = agent.sign(String(challenge), String(nonce)).toString('base64')
  return call('POST', '/v1/token', { did: agent.did, challenge, nonce, signature, scope, ttl: '15m' })
}
const verdict = async (token: unknown) => (await call('POST', '/v1/verify', { token })).valid
const ofAgent = (what: string, body: unknown = { reason: 'maintenance' }) =>
  call('POST', `/v1/operators/${operatorId}/agents/${encodeURIComponent(agent.did)}/${what}`, body)

it('1. the proxy prints its address once and writes it to a file that only its owner can read', async () => {
  expect(base).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/)
  expect(await readFile(join(folder, 'address'), 'utf8')).toBe(`${base}\n`)
  expect((await stat(join(folder, 'address'))).mode & 0o777).toBe(0o600)
})

it('2. a version-1 tool registers and proves a domain', async () => {
  const { id } = await call('POST', '/v1/operators', {
    domain: DOMAIN,
    root_public_key: keys.publicKey.toString('base64'),
  })
  operatorId = String(id)
  const instructions = await call('GET', `/v1/operators/verify/${operatorId}`)
  deployment.dns.setTxt(String(instructions.txt_record_name), [String(instructions.txt_record_value)])
  expect(await call('POST', `/v1/operators/verify/${operatorId}`, null)).toMatchObject({ verified: true })
})

it('3. a version-1 tool registers an agent and sets its scopes', async () => {
  const { did, didDocument: did_document, publicKey: agent_public_key } = agent
  await call('POST', `/v1/operators/${operatorId}/agents`, {
    did,
    did_document,
    agent_public_key,
    operator_id: operatorId,
  })
  const scopes = { did, allowed_scopes: ['read', 'write'] }
  await call('PATCH', `/v1/operators/${operatorId}/agents/scopes`, scopes)
  expect(await call('GET', `/v1/agent/${did}`)).toMatchObject({ status: 'active', allowed_scopes: ['read', 'write'] })
})

it('4. a version-1 tool gets tokens and revokes them by token and by jti', async () => {
  const [first, second] = [await asToken('read'), await asToken('read write')]
  expect([await verdict(first.token), await verdict(second.token)]).toEqual([true, true])
  await call('POST', '/v1/revoke/token', { token: first.token, reason: 'leaked' })
  await call('POST', '/v1/revoke/token', { jti: second.jti, reason: 'leaked' })
  expect([await verdict(first.token), await verdict(second.token)]).toEqual([false, false])
})

it('5. a version-1 tool suspends, reactivates, revokes and lists the agent', async () => {
  const { token } = await asToken('read')
  await ofAgent('suspend')
  expect(await verdict(token)).toBe(false)
  await expect(asToken('read')).rejects.toThrow('agent is not active')
  await ofAgent('reactivate', null)
  expect(await verdict((await asToken('read')).token)).toBe(true)
  await ofAgent('revoke')
  const agents = await call<readonly Json[]>('GET', `/v1/operators/${operatorId}/agents`)
  expect(agents).toMatchObject([{ did: agent.did, status: 'revoked', revoked_at: expect.any(String) }])
})

it('6. the proxy logs the calls that it signed, without its secret', () => {
  const { stdout, stderr } = proxy.output()
  expect(stdout).toBe(`${base}\n`)
  expect(stderr).toContain(`PATCH /v1/operators/${operatorId}/agents/scopes 200 signed as set-agent-scopes\n`)
  expect(stderr).toContain('POST /v1/token 200\n')
  expect(stderr).not.toContain(base.slice(-32))
})

it('7. the proxy does not start for a server with another issuer', async () => {
  const { code, stderr } = await endCli([
    'operator',
    'proxy',
    '--config',
    folder,
    '--server',
    deployment.server.baseUrl,
  ])
  expect({ code, stderr }).toMatchObject({ code: 4, stderr: expect.stringContaining(`is "${ISSUER}"`) })
})

it('8. the proxy ends on Ctrl-C and removes its file', async () => {
  expect(await proxy.stop()).toBe(0)
  await expect(stat(join(folder, 'address'))).rejects.toThrow('ENOENT')
  await expect(call('GET', '/health')).rejects.toThrow('fetch failed')
})
