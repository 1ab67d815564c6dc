import { spawn } from 'node:child_process'
import { sign } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createAgent, createOperator, type EnrolledAgent } from '@auth4agent/sdk'
import { kubernetes } from '@auth4agent/sdk/enrol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newTool, type Tool } from '../../clients/command-line/tool.ts'
import { newPlatform, WORKLOAD_ISSUER } from '../../support/attesting.ts'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { guard } from '../../support/guardian.ts'
import { clientReason } from '../../support/sdk/client-reason.ts'
import { expectStatus, type KeyedOperator, provenOperator } from '../../support/story.ts'

const EXAMPLE = join(import.meta.dirname, '../../../deploy/examples/kubernetes-agents')
const AUDIENCE = 'https://api.example.com'
const platform = newPlatform()
let deployment: Deployment
let operator: KeyedOperator
let tool: Tool
let server: string
let tokenFile: string
let agent: EnrolledAgent

/** Projects a new token of a service account into the file, as the kubelet does. */
const project = (serviceAccount: string) =>
  writeFile(tokenFile, platform.token({ audience: 'auth4agent', namespace: 'orders', serviceAccount }))

/** Runs a command of the operator. */
async function operate(...args: string[]) {
  const pem = String(operator.keys.privateKey.export({ format: 'pem', type: 'pkcs8' }))
  return tool.feed(pem, ...args, '--server', server, '--issuer', ISSUER, '--operator-id', operator.id, '--key', '-')
}

/** The agent of this process, which sees the same file as a pod. */
const enrol = () =>
  createAgent({
    server,
    issuer: ISSUER,
    operator: operator.id,
    enrol: kubernetes({ tokenFile }),
    scopes: ['orders:read'],
    audience: AUDIENCE,
  })

const isValid = async (token: string) => expectStatus(200, await deployment.client.verify(token)).valid

beforeAll(async () => {
  deployment = await startDeployment()
  operator = await provenOperator(deployment.client, deployment.dns, 'pods.example.com')
  tool = await newTool()
  server = deployment.server.baseUrl
  tokenFile = await tool.file('projected-token', '')
})
afterAll(async () => {
  agent?.close()
  await tool?.[Symbol.asyncDispose]()
  await deployment?.stop()
})

it('1. the operator pins the keys of the cluster, and sets the rule of the example', async () => {
  const jwks = await tool.file('jwks.json', JSON.stringify(platform.jwks))
  const settings = [`issuer=${WORKLOAD_ISSUER}`, 'audience=auth4agent', `jwks=@${jwks}`].flatMap((one) => [
    '--setting',
    one,
  ])
  expect(await operate('attestor', 'add', 'kubernetes', '--type', 'kubernetes', ...settings)).toMatchObject({ code: 0 })
  const rule = await operate('enrolment-rule', 'set', 'pods', '--file', join(EXAMPLE, 'pods.json'))
  expect(rule).toMatchObject({ code: 0 })
})

it('2. enrolment-rule test explains which pods would enrol, and uses no token up', async () => {
  await project('other')
  const refused = await operate('enrolment-rule', 'test', '--evidence', tokenFile)
  expect(refused.code).toBe(1)
  expect(refused.stdout).toContain('✓ claims.kubernetes.namespace == "orders": true')
  expect(refused.stdout).toContain('✗ claims.kubernetes.service_account == "orders-agent": false')
  expect(refused.stdout).toContain('saw claims.kubernetes.service_account = "other"')
  expect(refused.stdout).toContain('An agent with this evidence would be refused')
  expect(await clientReason(enrol())).toBe('ENROLMENT_REFUSED')
  await project('orders-agent')
  const good = await operate('enrolment-rule', 'test', '--evidence', tokenFile)
  expect(good).toMatchObject({ code: 0, stdout: expect.stringContaining('would enrol by the rule pods') })
})

it('3. the agent of the example enrols with nothing but the token of its pod, and gets tokens', async () => {
  const settings = { SERVER: server, ISSUER, OPERATOR_ID: operator.id, SCOPES: 'orders:read', AUDIENCE }
  const child = spawn(process.execPath, [join(EXAMPLE, 'agent.mjs')], {
    env: { PATH: process.env.PATH, ...settings, TOKEN_FILE: tokenFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  guard(child, 'SIGKILL')
  const events = []
  for await (const line of createInterface({ input: child.stdout })) {
    events.push(JSON.parse(line))
    if (events.length === 2) break
  }
  expect(events).toMatchObject([
    { event: 'enrolled', rule: 'pods', scopes: ['orders:read'] },
    { event: 'token', scope: 'orders:read' },
  ])
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

it('4. a token of a pod counts once, and the next one makes another agent', async () => {
  expect(await clientReason(enrol())).toBe('EVIDENCE_USED')
  await project('orders-agent')
  agent = await enrol()
  expect(agent.enrolment.results).toMatchObject([{ attestor: 'kubernetes', level: 'bearer' }])
  expect(await isValid(await agent.token())).toBe(true)
})

it('5. an agent whose results are removed loses its tokens, and attests with the next token of its pod', async () => {
  const { publicKey, privateKey } = operator.keys
  const key = { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
  const { attestation } = createOperator({ server, issuer: ISSUER, operatorId: operator.id, key })
  const old = await agent.token()
  expect(await attestation.removeResults(agent.did, 'the node was lost')).toBe(1)
  expect(await isValid(old)).toBe(false)
  expect(await clientReason(agent.token({ ttl: '60s' }))).toBe('EVIDENCE_USED')
  await project('orders-agent')
  expect(await isValid(await agent.token({ ttl: '60s' }))).toBe(true)
  expect(await attestation.results(agent.did)).toMatchObject([{ claims: { service_account: 'orders-agent' } }])
})

it('6. when the rule goes, tokens end when the command ends, and the agent gets no new ones', async () => {
  const token = await agent.token({ ttl: '90s' })
  expect(await isValid(token)).toBe(true)
  expect(await operate('enrolment-rule', 'delete', 'pods')).toMatchObject({ code: 0 })
  expect(await isValid(token)).toBe(false)
  await project('orders-agent')
  expect(await clientReason(agent.token({ ttl: '2m' }))).toBe('ENROLMENT_REFUSED')
})

it('7. a machine enrols with a join token, at the command line', async () => {
  expect(await operate('attestor', 'add', 'join_token', '--type', 'join-token')).toMatchObject({ code: 0 })
  const rule = [
    '--all-of',
    'join_token',
    '--label',
    '{join_token.label}',
    '--scope',
    'orders:read',
    '--max-agents',
    '5',
  ]
  expect(await operate('enrolment-rule', 'set', 'racks', ...rule)).toMatchObject({ code: 0 })
  const made = await operate('attestor', 'create-join-token', 'join_token', '--label', 'rack-7', '--quiet')
  const machine = ['--config', join(tool.folder, 'rack-7')]
  const where = ['--server', server, '--issuer', ISSUER, '--operator-id', operator.id, ...machine]
  const enrolling = ['agent', 'enrol', '--with', 'join-token', '--token-file', '-', ...where]
  const enrolled = await tool.feed(made.stdout, ...enrolling)
  expect(enrolled).toMatchObject({ code: 0, stdout: expect.stringContaining('rule: racks\nscopes: orders:read') })
  const issued = await tool.run('token', 'issue', '--scope', 'orders:read', '--aud', AUDIENCE, '--quiet', ...machine)
  expect(await isValid(issued.stdout.trim())).toBe(true)
  const listed = await operate('attestor', 'list-join-tokens', 'join_token')
  const { did } = JSON.parse(await readFile(join(tool.folder, 'rack-7', 'agent.json'), 'utf8'))
  expect(listed.stdout).toContain(did)
})
