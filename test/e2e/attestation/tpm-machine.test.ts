import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgent, generateKey, type SeedSigner } from '@auth4agent/sdk'
import { joinToken, tpm } from '@auth4agent/sdk/enrol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newTool, type Tool } from '../../clients/command-line/tool.ts'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { clientReason } from '../../support/sdk/client-reason.ts'
import { type SoftwareTpm, startSoftwareTpm } from '../../support/software-tpm.ts'
import { expectStatus, type KeyedOperator, provenOperator } from '../../support/story.ts'
import { createTpmAuthority, type TpmAuthority } from '../../support/tpm/tpm-authority.ts'

let deployment: Deployment
let operator: KeyedOperator
let tool: Tool
let authority: TpmAuthority
let machine: SoftwareTpm
let folder: string
let key: SeedSigner
let did: string
const started = new AsyncDisposableStack()

beforeAll(async () => {
  deployment = await startDeployment()
  started.defer(() => deployment.stop())
  operator = await provenOperator(deployment.client, deployment.dns, 'machines.example.com')
  tool = started.use(await newTool())
  folder = await mkdtemp(join(tmpdir(), 'a4a-machine-'))
  started.defer(() => rm(folder, { recursive: true }))
  authority = await createTpmAuthority()
  started.defer(() => authority.close())
  machine = await startSoftwareTpm(authority)
  started.defer(() => machine.close())
  key = await generateKey()
})
afterAll(() => started.disposeAsync())

/** Runs a command of the operator, which must succeed. Returns what it wrote. */
async function operate(...args: string[]): Promise<string> {
  const pem = String(operator.keys.privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const where = ['--server', deployment.server.baseUrl, '--issuer', ISSUER, '--operator-id', operator.id, '--key', '-']
  const { code, stdout, stderr } = await tool.feed(pem, ...args, ...where)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return stdout
}

/** The options of an agent at this deployment. */
const there = () => ({ server: deployment.server.baseUrl, issuer: ISSUER, operator: operator.id })

/** The agent of the key, on a machine with this TPM. */
async function agentOn({ tcti }: SoftwareTpm, name: string) {
  const ekChainFile = await tool.file('ek-chain.pem', pemOf(authority.intermediate))
  const attest = tpm({ tcti, folder: join(folder, name), pcrs: [0, 7], ekChainFile })
  return createAgent({ ...there(), did, key, attest })
}

const pemOf = (der: Uint8Array) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`

it('1. the operator lets machines enrol, and demands a TPM for payments', async () => {
  const roots = await tool.file('roots.pem', authority.root)
  await operate(
    'attestor',
    'add',
    'tpm',
    '--type',
    'tpm',
    '--setting',
    `ek_roots=@${roots}`,
    '--setting',
    'required_pcrs=[0,7]',
  )
  await operate('attestor', 'add', 'join_token', '--type', 'join-token')
  const scopes = ['--scope', 'orders:read,payments:send']
  await operate(
    'enrolment-rule',
    'set',
    'machines',
    '--all-of',
    'join_token',
    '--label',
    'machine',
    '--max-agents',
    '9',
    ...scopes,
  )
  const demand = ['--scope', 'payments:*', '--all-of', 'tpm', '--level', 'hardware', '--at', 'token']
  await operate('requirement', 'set', 'payments', ...demand)
})

it('2. a key without a TPM enrols and reads orders, but sends no payments', async () => {
  const secret = await operate('attestor', 'create-join-token', 'join_token', '--label', 'machine', '--quiet')
  const enrolled = await createAgent({ ...there(), enrol: joinToken(secret), key })
  did = enrolled.did
  expect((await enrolled.issued({ scopes: ['orders:read'] })).scope).toBe('orders:read')
  enrolled.close()
  const { operator: _, ...without } = there()
  const agent = createAgent({ ...without, did, key })
  expect(await clientReason(agent.token({ scopes: ['payments:send'] }))).toBe('ATTESTATION_REQUIRED')
  agent.close()
})

it('3. a TPM of an authority that nobody has pinned does not help', async () => {
  await using stack = new AsyncDisposableStack()
  const stranger = await createTpmAuthority()
  stack.defer(() => stranger.close())
  const other = await startSoftwareTpm(stranger)
  stack.defer(() => other.close())
  const agent = await agentOn(other, 'other')
  expect(await clientReason(agent.token({ scopes: ['payments:send'] }))).toBe('EVIDENCE_REFUSED')
  agent.close()
})

it('4. the same key on the machine with the TPM sends payments, and its token says so', async () => {
  const agent = await agentOn(machine, 'machine')
  const token = await agent.token({ scopes: ['payments:send'] })
  const verified = expectStatus(200, await deployment.client.verify(token))
  expect(verified).toMatchObject({ valid: true, claims: { scope: 'payments:send' } })
  expect(Object(verified.claims).attestation).toContainEqual(
    expect.objectContaining({ type: 'tpm', level: 'hardware' }),
  )
  agent.close()
})
