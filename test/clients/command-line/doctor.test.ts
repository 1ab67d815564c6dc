import { randomUUID } from 'node:crypto'
import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CliOptions, runCli } from '../../support/cli.ts'
import { endCli } from '../../support/cli-process.ts'
import { type ConfigFolder, createConfigFolder } from '../../support/config-folder.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import { type AgentParty, newAgentParty, newKeys, operatorAsserter, thumbprintOf } from '../../support/parties.ts'
import { activeAgent, expectStatus, type OperatorParty } from '../../support/story.ts'

const DOMAIN = 'doctor.example.com'
const NAME = `_auth4agents.${DOMAIN}`

let deployment: Deployment
let issuer: string
let folder: ConfigFolder
let operator: OperatorParty
let agent: AgentParty
let record: string
const keys = newKeys()

interface Found {
  readonly check: string
  readonly level: string
  readonly message: string
  readonly cure?: string
}

beforeAll(async () => {
  const port = String(await freePort())
  issuer = `http://127.0.0.1:${port}`
  deployment = await startDeployment({
    env: { PORT: port, AUTH4AGENT_BASE_URL: issuer, AUTH4AGENT_DURABILITY: 'single' },
  })
  const { client, dns } = deployment
  const id = String(expectStatus(201, await client.registerOperator(DOMAIN, keys)).id)
  record = `v=a4a1; iss=${issuer}; op=${id}; rk=${thumbprintOf(keys)}`
  dns.setTxt(NAME, [record])
  expectStatus(200, await client.confirm(id))
  operator = { id, domain: DOMAIN, ...operatorAsserter(keys, id, issuer) }
  agent = await activeAgent(client, operator)
})
afterAll(() => deployment?.stop())

beforeEach(async () => {
  folder = await createConfigFolder()
  await folder.operator({ id: operator.id, domain: DOMAIN, server: issuer }, keys)
  await folder.agent({ operatorId: operator.id, server: issuer }, agent)
  return () => folder.remove()
})

/** Returns all findings by check, except that of this machine's resolver, which no test can know. */
async function examine(options: CliOptions = {}): Promise<{ code: number; found: Map<string, Found> }> {
  const args = ['doctor', '--json', '--config', folder.path, '--resolver', deployment.dns.address, '--timeout', '30']
  const { code, stdout } = await runCli(args, { fetch: globalThis.fetch, ...options })
  const { findings }: { findings: readonly Found[] } = JSON.parse(stdout)
  expect(stdout).not.toContain((await readFile(join(folder.path, 'keys', 'agent.key'), 'utf8')).slice(0, 20))
  const others = findings.filter(({ check }) => check !== 'dns of this machine')
  return { code, found: new Map(others.map((finding) => [finding.check, finding])) }
}

const problemsOf = (found: ReadonlyMap<string, Found>) =>
  [...found.values()].filter(({ level }) => level === 'problem').map(({ check }) => check)

it('doctor finds no problem in a good configuration', async () => {
  const { code, found } = await examine()
  expect([...found.values()].filter(({ level }) => level !== 'ok')).toEqual([])
  expect([...found.keys()]).toEqual([
    'folder',
    'operator key',
    'agent key',
    'server',
    'clock',
    'discovery',
    'keys',
    'durability',
    `dns ${deployment.dns.address}`,
    'operator',
    'key root',
    'policy',
    'agent',
    'token',
  ])
  expect(found.get('agent')?.message).toContain('read')
  expect(code).toBe(0)
})

/** Returns a fetch that answers /ready itself. */
const answeringReady =
  (ready: object): typeof fetch =>
  async (input, init) =>
    new Request(input).url.endsWith('/ready') ? Response.json(ready) : fetch(input, init)

describe('doctor says of the database', () => {
  it.each<[what: string, ready: object, expected: Partial<Found> | undefined]>([
    [
      'what a commit survives',
      { durability: 'quorum' },
      { level: 'ok', message: expect.stringContaining('two have it') },
    ],
    [
      'that nobody has said it',
      { durability: 'unknown' },
      { level: 'warning', cure: expect.stringContaining('quorum') },
    ],
    ['what is missing', { durability: 'quorum', problem: 'no standby' }, { level: 'problem', message: 'no standby' }],
    ['nothing that it does not know', { durability: 'constructor' }, undefined],
    ['nothing if a proxy hides it', { error: 'not found' }, undefined],
  ])('%s', async (_what, ready, expected) => {
    const found = (await examine({ fetch: answeringReady(ready) })).found.get('durability')
    if (expected === undefined) expect(found).toBeUndefined()
    else expect(found).toMatchObject(expected)
  })
})

describe('doctor finds on this machine', () => {
  it('a wrong clock', async () => {
    const { code, found } = await examine({ now: () => Date.now() + 120_000 })
    expect(problemsOf(found)).toEqual(['clock'])
    expect(found.get('clock')?.message).toMatch(/ 1(?:19|20)\.\d s ahead of/)
    expect(code).toBe(1)
  })

  it('a key file and a folder that other users can read', async () => {
    await chmod(join(folder.path, 'keys', 'agent.key'), 0o644)
    await chmod(folder.path, 0o755)
    const { found } = await examine()
    expect(problemsOf(found)).toEqual(['agent key'])
    expect(found.get('folder')).toMatchObject({
      level: 'warning',
      cure: `Deny them access: chmod 700 '${folder.path}'`,
    })
  })

  it('a key of another agent', async () => {
    const other = newAgentParty(DOMAIN)
    await folder.agent({ operatorId: operator.id, server: issuer }, { ...agent, ...other, did: agent.did })
    const { found } = await examine()
    expect(problemsOf(found)).toEqual(['agent key', 'agent', 'token'])
    expect(found.get('token')?.message).toContain('INVALID_SIGNATURE')
  })

  it('another operator id', async () => {
    await folder.operator({ id: randomUUID(), domain: DOMAIN, server: issuer }, keys)
    const { found } = await examine()
    expect(problemsOf(found)).toEqual([`dns ${deployment.dns.address}`, 'operator'])
  })
})

describe('doctor finds in DNS', () => {
  beforeEach(() => () => deployment.dns.setTxt(NAME, [record]))

  it.each([
    ['no proof', () => [], 'no proof for this server'],
    ['two proofs', () => [record, `v=a4a1; iss=${issuer}; op=other; rk=other`], 'several proofs for this server'],
  ])('%s', async (_name, records, message) => {
    deployment.dns.setTxt(NAME, records())
    const { found } = await examine()
    expect(found.get(`dns ${deployment.dns.address}`)).toMatchObject({
      level: 'problem',
      message: expect.stringContaining(message),
    })
  })
})

describe('doctor finds on the server', () => {
  it('a suspended agent, as one problem, and says how to reactivate it', async () => {
    expectStatus(200, await deployment.client.suspendAgent(operator.id, agent.did, operator))
    const { code, found } = await examine()
    expect({ code, problems: problemsOf(found) }).toEqual({ code: 1, problems: ['agent'] })
    expect(found.get('agent')?.cure).toContain('`auth4agent agent reactivate`')
    expect(JSON.stringify([...found])).not.toContain('agent approve')
    expectStatus(200, await deployment.client.reactivateAgent(operator.id, agent.did, operator))
  })

  it('a pending agent, and says how to approve it', async () => {
    const pending = newAgentParty(DOMAIN)
    expectStatus(201, await deployment.client.registerAgent(operator.id, pending))
    await folder.agent({ operatorId: operator.id, server: issuer }, pending)
    const { found } = await examine()
    expect(problemsOf(found)).toEqual(['agent'])
    expect(found.get('agent')?.cure).toContain('scope set')
  })

  it('no problem with an agent whose operator id is missing in agent.json', async () => {
    await folder.agent({ operatorId: '', server: issuer }, agent)
    const { found } = await examine()
    expect(problemsOf(found)).toEqual([])
  })

  it('a port that does not speak TLS', async () => {
    const server = issuer.replace('http:', 'https:')
    await folder.agent({ operatorId: operator.id, server }, agent)
    await folder.operator({ id: operator.id, domain: DOMAIN, server }, keys)
    const { found } = await examine()
    expect(found.get('server')?.cure).toContain('does not speak TLS')
  })

  it('an issuer that differs from the address, and signs nothing for this issuer', async () => {
    const address = issuer.replace('127.0.0.1', 'localhost')
    await folder.agent({ operatorId: operator.id, server: address }, agent)
    await folder.operator({ id: operator.id, domain: DOMAIN, server: address }, keys)
    const { found } = await examine()
    expect(problemsOf(found)).toEqual(['discovery', `dns ${deployment.dns.address}`, 'token'])
    expect(found.get('token')?.message).toContain('ISSUER_MISMATCH')
  })
})

it('doctor says how to start the server if it does not run', async () => {
  const gone = `http://127.0.0.1:${await freePort()}`
  await folder.agent({ operatorId: operator.id, server: gone }, agent)
  await folder.operator({ domain: DOMAIN, server: gone }, keys)
  const { code, stdout } = await endCli(['doctor', '--config', folder.path])
  expect(code).toBe(1)
  expect(stdout).toContain(`${gone} cannot be reached`)
  expect(stdout).toMatch(/npm start[^]*2 problems, 0 warnings\.\n$/)
})

const set = (flags: string) =>
  runCli(`policy set --config ${folder.path} ${flags}`.split(' '), { fetch: globalThis.fetch })

it('doctor finds what the policy no longer demands, and the problem is gone when it is demanded again', async () => {
  const audience = `https://api.${DOMAIN}`
  await set(`--require-body-digest on --audience ${audience} --dpop required`)
  expect((await examine()).found.get('policy')).toMatchObject({ level: 'ok' })
  await set('--require-body-digest off')
  const { code, found } = await examine()
  expect(found.get('policy')).toMatchObject({
    level: 'warning',
    message: expect.stringMatching(/^require_body_digest is off, and was on in the policy of \d{4}-/),
  })
  expect(code).toBe(0)
  await set('--require-body-digest on')
  expect((await examine()).found.get('policy')).toMatchObject({ level: 'ok' })
})
