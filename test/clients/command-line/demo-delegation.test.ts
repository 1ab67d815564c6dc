import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliProcess, endCli, startCli } from '../../support/cli-process.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import type { Json } from '../../support/protocol-client.ts'

const DOMAIN = 'demo.example.com'
const PARTNER = `partner.${DOMAIN}`

let deployment: Deployment
let issuer: string
let temporary: string

beforeAll(async () => {
  const port = String(await freePort())
  issuer = `http://127.0.0.1:${port}`
  deployment = await startDeployment({ env: { PORT: port, AUTH4AGENT_BASE_URL: issuer } })
  temporary = await mkdtemp(join(tmpdir(), 'a4a-demo-delegation-'))
})
afterAll(async () => {
  await deployment?.stop()
  await rm(temporary, { recursive: true, force: true })
})

const start = (...flags: readonly string[]) =>
  startCli(['demo', '--delegation', '--server', issuer, '--domain', DOMAIN, '--json', ...flags], { TMPDIR: temporary })
const next = async (demo: CliProcess): Promise<Json> => JSON.parse(await demo.line())

/** Publishes the proofs that the demo wants, of the shop and of its partner. */
async function prove(demo: CliProcess): Promise<void> {
  for (const domain of [DOMAIN, PARTNER]) {
    const wanted = await next(demo)
    expect(wanted).toMatchObject({ step: 'record-wanted', txt_record_name: `_auth4agents.${domain}` })
    deployment.dns.setTxt(String(wanted.txt_record_name), [String(wanted.txt_record_value)])
  }
}

const statusOf = async (id: unknown) => (await deployment.client.getOperator(String(id))).body

it('demo --delegation runs all steps, shows who acted for whom, and cleans up', async () => {
  const demo = start()
  await prove(demo)
  expect(await demo.ended, demo.output().stderr).toBe(0)
  // The verifier of the API warns here if its key is a root key.
  expect(demo.output().stderr).toBe('')
  const told: readonly Json[] = demo
    .output()
    .stdout.trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const [proven = {}, agents = {}, ...steps] = told.slice(2)
  const [orchestrator, planner, worker] = [agents.orchestrator, agents.planner, agents.worker].map(String)
  const who = new RegExp(`^actor ${worker}; principal ${orchestrator}; grants .*; through \\["${planner}"\\]; `)
  const exchanged = { action: 'token.exchange', reason: expect.stringMatching(who) }
  expect(proven).toMatchObject({ step: 'operators-proven', domains: [DOMAIN, PARTNER] })
  expect(agents).toMatchObject({ step: 'agents-registered' })
  expect(steps).toMatchObject([
    { step: 'delegation-allowed', max_delegation_depth: 2, delegate_to: [PARTNER] },
    { step: 'api-started', audience: `https://pay.${DOMAIN}` },
    { step: 'root-granted', max: 500 },
    { step: 'planner-granted', to: planner, max: 100 },
    { step: 'worker-granted', to: worker, max: 50 },
    { step: 'payment-accepted', amount: 40, status: 200, principal: orchestrator, actor: worker },
    {
      step: 'chain-exchanged',
      principal: orchestrator,
      actor: worker,
      through: [planner],
      lifetime_seconds: expect.any(Number),
      status: 200,
    },
    { step: 'amount-refused', status: 403, reason: 'ARGUMENT_REFUSED' },
    { step: 'scope-refused', status: 403, reason: 'CAPABILITY_MISSING' },
    { step: 'wider-grant-refused', sdk_reason: 'CONSTRAINT_WIDENED', status: 401, reason: 'CONSTRAINT_WIDENED' },
    { step: 'theft-refused', status: 401, reason: 'PROOF_INVALID' },
    { step: 'middle-suspended', did: planner, refused_after_ms: expect.any(Number), orchestrator_status: 200 },
    {
      step: 'audit-shown',
      domain: DOMAIN,
      records: [{ action: 'grant.issue', actor: `agent:${orchestrator}` }, exchanged],
    },
    { step: 'audit-shown', domain: PARTNER, records: [exchanged, { action: 'agent.suspend', subject: planner }] },
    { step: 'cleaned-up' },
  ])
  for (const id of Object.values(Object(proven.operator_ids)))
    expect(await statusOf(id)).toMatchObject({ status: 'released' })
  expect(await readdir(temporary)).toEqual([])
})

it('demo --delegation --keep keeps both operators, and reactivates the planner', async () => {
  const demo = start('--keep')
  await prove(demo)
  expect(await demo.ended, demo.output().stderr).toBe(0)
  const told: readonly Json[] = demo
    .output()
    .stdout.trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const folder = String(told.at(-1)?.folder)
  for (const id of Object.values(Object(told[2]?.operator_ids)))
    expect(await statusOf(id)).toMatchObject({ status: 'active' })
  const env = { TMPDIR: temporary }
  const release = async (domain: string, of: string) =>
    endCli(['operator', 'release-domain', '--confirm-name', domain, '--config', of], env)
  const { stdout } = await endCli(['agent', 'list', '--config', join(folder, 'partner'), '--json'], env)
  expect(JSON.parse(stdout)).toMatchObject([{ status: 'active' }, { status: 'active' }])
  expect(await release(PARTNER, join(folder, 'partner'))).toMatchObject({ code: 0 })
  expect(await release(DOMAIN, folder)).toMatchObject({ code: 0 })
  await rm(folder, { recursive: true })
})

it('demo --delegation releases the first domain when it is interrupted before the second is proven', async () => {
  const demo = start()
  const wanted = await next(demo)
  deployment.dns.setTxt(String(wanted.txt_record_name), [String(wanted.txt_record_value)])
  expect(await next(demo)).toMatchObject({ step: 'record-wanted', txt_record_name: `_auth4agents.${PARTNER}` })
  expect(await demo.stop()).toBe(130)
  expect(await readdir(temporary)).toEqual([])
  const again = start()
  expect(await next(again)).toMatchObject({ step: 'record-wanted', txt_record_name: `_auth4agents.${DOMAIN}` })
  await again.stop()
})

it('demo --delegation says how to start a server if no server answers', async () => {
  const gone = await endCli(['demo', '--delegation', '--server', `http://127.0.0.1:${await freePort()}`])
  expect(gone).toMatchObject({ code: 3, stderr: expect.stringContaining('npm start') })
})
