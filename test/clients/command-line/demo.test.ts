import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliProcess, endCli, startCli } from '../../support/cli-process.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import type { Json } from '../../support/protocol-client.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const DOMAIN = 'demo.example.com'

let deployment: Deployment
let issuer: string
let temporary: string

beforeAll(async () => {
  const port = String(await freePort())
  issuer = `http://127.0.0.1:${port}`
  deployment = await startDeployment({ env: { PORT: port, AUTH4AGENT_BASE_URL: issuer } })
  temporary = await mkdtemp(join(tmpdir(), 'a4a-demo-'))
})
afterAll(async () => {
  await deployment?.stop()
  await rm(temporary, { recursive: true, force: true })
})

const start = (server: readonly string[] = ['--server', issuer]) =>
  startCli(['demo', ...server, '--domain', DOMAIN, '--json'], { TMPDIR: temporary })
const next = async (demo: CliProcess): Promise<Json> => JSON.parse(await demo.line())

it('demo runs all steps and cleans up', async () => {
  const demo = start()
  const { operator_id } = await next(demo)
  const wanted = await next(demo)
  expect(wanted).toMatchObject({ step: 'record-wanted', txt_record_name: `_auth4agents.${DOMAIN}` })
  deployment.dns.setTxt(String(wanted.txt_record_name), [String(wanted.txt_record_value)])
  expect(await demo.ended).toBe(0)
  // The verifier of the API warns here if its key is a root key.
  expect(demo.output().stderr).toBe('')
  const told: readonly Json[] = demo
    .output()
    .stdout.trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(told.slice(2)).toMatchObject([
    { step: 'domain-proven', domain: DOMAIN },
    { step: 'agent-registered', status: 'active' },
    { step: 'scopes-granted', allowed_scopes: ['orders:read'] },
    { step: 'api-started', audience: `https://api.${DOMAIN}` },
    { step: 'token-issued', scope: 'orders:read', lifetime_seconds: 300 },
    { step: 'call-accepted', status: 200 },
    { step: 'scope-missing', status: 403 },
    { step: 'token-revoked', refused_after_ms: expect.any(Number) },
    { step: 'agent-suspended', reason: 'AGENT_NOT_ACTIVE' },
    { step: 'cleaned-up' },
  ])
  expect(await deployment.client.getOperator(String(operator_id))).toMatchObject({ body: { status: 'released' } })
  expect(await readdir(temporary)).toEqual([])
})

it('demo removes its folder when it is interrupted', async () => {
  const demo = start()
  await next(demo)
  expect(await next(demo)).toMatchObject({ step: 'record-wanted' })
  expect(await demo.stop()).toBe(130)
  expect(await readdir(temporary)).toEqual([])
})

it('demo releases a proven domain when it is interrupted', async () => {
  const demo = start()
  const { operator_id } = await next(demo)
  const wanted = await next(demo)
  deployment.dns.setTxt(String(wanted.txt_record_name), [String(wanted.txt_record_value)])
  expect(await next(demo)).toMatchObject({ step: 'domain-proven' })
  expect(await demo.stop()).toBe(130)
  expect(await deployment.client.getOperator(String(operator_id))).toMatchObject({ body: { status: 'released' } })
  expect(await readdir(temporary)).toEqual([])
})

it('demo cleans up when the reader of its output disconnects', async () => {
  const demo = start()
  const { operator_id } = await next(demo)
  const wanted = await next(demo)
  demo.hangUp()
  deployment.dns.setTxt(String(wanted.txt_record_name), [String(wanted.txt_record_value)])
  expect(await demo.ended).toBe(0)
  expect(await deployment.client.getOperator(String(operator_id))).toMatchObject({ body: { status: 'released' } })
  expect(await readdir(temporary)).toEqual([])
})

it('demo keeps the key if it cannot release the domain, and prints its folder', async () => {
  const line = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(issuer).port) })
  const there = ['--server', `http://127.0.0.1:${line.port}`, '--issuer', issuer]
  const demo = start(there)
  const { operator_id } = await next(demo)
  expect(await next(demo)).toMatchObject({ step: 'record-wanted' })
  await line.close()
  const { step, folder } = await next(demo)
  expect(step).toBe('still-owned')
  expect(await demo.ended).toBe(3)
  expect(await readdir(join(String(folder), 'keys'))).toEqual(['operator.key'])
  expect(JSON.parse(await readFile(join(String(folder), 'operator.json'), 'utf8'))).toMatchObject({ id: operator_id })
  await rm(String(folder), { recursive: true })
})

it('demo does not start if the issuer of the server differs from its address', async () => {
  const address = issuer.replace('127.0.0.1', 'localhost')
  const { code, stderr } = await endCli(['demo', '--server', address], { TMPDIR: temporary })
  expect({ code, stderr }).toMatchObject({ code: 4, stderr: expect.stringContaining(`is "${issuer}"`) })
})

it('demo refuses an invalid domain and leaves no folder', async () => {
  const { code, stderr } = await endCli(['demo', '--server', issuer, '--domain', 'a b'], { TMPDIR: temporary })
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('"a b" is not a domain') })
  expect(await readdir(temporary)).toEqual([])
})

it.each(['--delegation', '--federation', '--keep', '--domain=x.demo.test'])(
  'demo --people cannot be used together with %s',
  async (flag) => {
    const { code, stderr } = await endCli(['demo', '--people', flag])
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/cannot be used together/) })
  },
)

it('demo passes on why the server refuses the domain that it was given', async () => {
  const { code, stderr } = await endCli(['demo', '--server', issuer, '--domain', 'co.uk'], { TMPDIR: temporary })
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('public suffix') })
  expect(stderr).not.toContain('.test')
})

it('demo says how to start a server if no server answers', async () => {
  const { code, stderr } = await endCli(['demo', '--server', `http://127.0.0.1:${await freePort()}`])
  expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('npm start') })
})

it('demo suggests --domain on a server that does not accept .test names', async () => {
  const { code, stderr } = await endCli(['demo', '--server', issuer], { TMPDIR: temporary })
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('--domain') })
  expect(await readdir(temporary)).toEqual([])
})
