import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliProcess, endCli, startCli } from '../../support/cli-process.ts'
import { type ConfigFolder, createConfigFolder } from '../../support/config-folder.ts'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, newKeys, operatorAsserter } from '../../support/parties.ts'
import type { Json } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty } from '../../support/story.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import { until } from '../../support/until.ts'

const DOMAIN = 'watched.example.com'

let deployment: Deployment
let config: ConfigFolder
let operator: OperatorParty
let agent: AgentParty
let line: TcpProxy
let watching: CliProcess
let first: Json
const keys = newKeys()

beforeAll(async () => {
  deployment = await startDeployment()
  const { client, dns, server } = deployment
  const { id } = expectStatus(201, await client.registerOperator(DOMAIN, keys))
  const { txt_record_name, txt_record_value } = expectStatus(200, await client.instructions(String(id)))
  dns.setTxt(String(txt_record_name), [String(txt_record_value)])
  expectStatus(200, await client.confirm(String(id)))
  operator = { id: String(id), domain: DOMAIN, ...operatorAsserter(keys, String(id), ISSUER) }
  agent = await activeAgent(client, operator)
  config = await createConfigFolder()
  await config.operator({ id: operator.id, domain: DOMAIN }, keys)
  const { hostname, port } = new URL(server.baseUrl)
  line = await startTcpProxy({ host: hostname, port: Number(port) })
  watching = watch('--all', '--json')
})
afterAll(async () => {
  await watching?.stop()
  await line?.close()
  await deployment?.stop()
  await config?.remove()
})

const argumentsOf = (...args: readonly string[]) => {
  const place = ['--config', config.path, '--server', `http://127.0.0.1:${line.port}`, '--issuer', ISSUER]
  return ['revocation', 'watch', ...place, ...args]
}
const watch = (...args: readonly string[]) => startCli(argumentsOf(...args))
const record = async (): Promise<Json> => JSON.parse(await watching.line())

async function revokeOne(): Promise<string> {
  const { jti } = await issueToken(deployment.client, agent)
  expectStatus(200, await deployment.client.revokeJti(jti, operator))
  return String(jti)
}

it('1. watch shows a revoked token', async () => {
  const jti = await revokeOne()
  first = await record()
  expect(first).toMatchObject({ kind: 'token', subject: jti, operator_id: operator.id, position: expect.any(String) })
})

it('2. watch shows a suspended agent', async () => {
  expectStatus(200, await deployment.client.suspendAgent(operator.id, agent.did, operator))
  expect(await record()).toMatchObject({ kind: 'agent', subject: agent.did, minimum_epoch: expect.any(Number) })
  expectStatus(200, await deployment.client.reactivateAgent(operator.id, agent.did, operator))
})

it('3. watch reconnects and shows each missed revocation once', async () => {
  await line.cut()
  const missed = await revokeOne()
  await line.pass()
  expect(await record()).toMatchObject({ subject: missed })
  const next = await revokeOne()
  expect(await record()).toMatchObject({ subject: next })
  expect(watching.output().stderr).toBe('')
})

it('4. watch --after continues after the position of an earlier run', async () => {
  const other = watch('--json', '--after', String(first.position))
  expect(JSON.parse(await other.line())).toMatchObject({ kind: 'agent', sequence: Number(first.sequence) + 1 })
  expect(await other.stop()).toBe(0)
})

it('5. watch without --json prints one line a record for people', async () => {
  const other = watch('--all')
  expect(await other.line()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}token {7}[\w-]+ {2}of [\w-]{36}$/)
  expect(await other.line()).toMatch(/ agent {7}did:agent:watched\.example\.com:\w+: tokens before epoch \d+ /)
  expect(await other.stop()).toBe(0)
})

it('6. watch without --all omits older revocations', async () => {
  const other = watch('--json')
  const news = other.line()
  // The first line is a new revocation, so no older one was shown.
  const jti = await until(revokeOne, () => other.output().stdout !== '')
  const { subject } = JSON.parse(await news)
  expect(subject).not.toBe(first.subject)
  expect(jti).not.toBe(first.subject)
  await other.stop()
})

it('7. watch fails with a reason if the server refuses the operator', async () => {
  const stranger = await createConfigFolder()
  await stranger.operator({ domain: 'nobody.example.com' }, newKeys())
  const { code, stderr } = await endCli([...argumentsOf(), '--config', stranger.path].toSpliced(2, 2))
  await stranger.remove()
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/INVALID_ASSERTION[^]*doctor/) })
})

it('8. watch ends on Ctrl-C', async () => {
  expect(await watching.stop()).toBe(0)
})
