import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliResult, runCli } from '../../support/cli.ts'
import { type ConfigFolder, createConfigFolder } from '../../support/config-folder.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import { type AgentParty, newKeys, operatorAsserter, thumbprintOf } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken } from '../../support/story.ts'

const DOMAIN = 'governed.example.com'
const AUDIENCE = `https://api.${DOMAIN}`
const keys = newKeys()
const admin = newKeys()

let deployment: Deployment
let folder: ConfigFolder
let issuer: string
let operatorId: string
let agent: AgentParty

beforeAll(async () => {
  const port = String(await freePort())
  issuer = `http://127.0.0.1:${port}`
  const env = {
    PORT: port,
    AUTH4AGENT_BASE_URL: issuer,
    AUTH4AGENT_ADMIN_KEY: admin.publicKey.toString('base64'),
  }
  ;[deployment, folder] = await Promise.all([startDeployment({ env }), createConfigFolder()])
  const { client, dns } = deployment
  operatorId = String(expectStatus(201, await client.registerOperator(DOMAIN, keys)).id)
  dns.setTxt(`_auth4agents.${DOMAIN}`, [`v=a4a1; iss=${issuer}; op=${operatorId}; rk=${thumbprintOf(keys)}`])
  expectStatus(200, await client.confirm(operatorId))
  agent = await activeAgent(client, { id: operatorId, domain: DOMAIN, ...operatorAsserter(keys, operatorId, issuer) })
  await folder.operator({ id: operatorId, domain: DOMAIN, server: issuer }, keys)
  await folder.agent({ operatorId, server: issuer }, agent)
})
afterAll(() => Promise.all([deployment?.stop(), folder?.remove()]))

/** Runs the tool in the operator's folder, with a text on standard input. */
const feed = (input: string, ...args: readonly string[]): Promise<CliResult> =>
  runCli([...args, '--config', folder.path], { fetch: globalThis.fetch, readStdin: async () => input })

const run = (...args: readonly string[]) => feed('', ...args)

/** Runs the tool as the administrator, with the key on standard input. */
const administer = (...args: readonly string[]) =>
  feed(String(admin.privateKey.export({ format: 'pem', type: 'pkcs8' })), ...args, '--key', '-')

/** Returns the JSON of a successful run. */
async function jsonOf(ran: Promise<CliResult>): Promise<unknown> {
  const { code, stdout, stderr } = await ran
  if (code !== 0) throw new Error(`The tool exited with ${code}:\n${stdout}${stderr}`)
  return JSON.parse(stdout)
}

const newToken = async () => String((await issueToken(deployment.client, agent)).token)
const verdictOf = async (token: string) => expectStatus(200, await deployment.client.verify(token))

it('policy get shows the policy, and policy set replaces it and refuses unknown members', async () => {
  const rule = {
    audience: AUDIENCE,
    callers: ['other.example.com'],
    token_signing_alg: 'ES256',
    dpop: 'required',
    token_status: 'status_list',
  }
  const given = { audiences: [rule], require_bound_challenges: true }
  const reset = { require_body_digest: false, hide_allowed_scopes: false, delegate_to: [], max_grant_ttl: 0 }
  const policy = { ...given, ...reset }
  expect(await jsonOf(feed(JSON.stringify(given), 'policy', 'set', '--file', '-', '--json'))).toEqual(policy)
  const { stdout: shown } = await run('policy', 'get')
  expect(JSON.parse(shown)).toEqual(policy)
  expect(await feed('{"audience":[]}', 'policy', 'set', '--file', '-')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('may only have the members'),
  })
  expect(await run('policy', 'set', '--file', `${folder.path}/gone.json`)).toMatchObject({ code: 4 })
  expect(await jsonOf(run('policy', 'get', '--json'))).toEqual(policy)
  expect(await feed(shown.replace('true', 'false'), 'policy', 'set', '--file', '-')).toMatchObject({ code: 0 })
  expect(await jsonOf(run('policy', 'get', '--json'))).toEqual({ ...policy, require_bound_challenges: false })
})

it('policy set changes a single setting and keeps the others, and then accepts changes only with a digest', async () => {
  const set = (...flags: readonly string[]) => jsonOf(run('policy', 'set', ...flags, '--json'))
  const before = await jsonOf(run('policy', 'get', '--json'))
  const demanded = { ...Object(before), require_body_digest: true, hide_allowed_scopes: true }
  expect(await set('--require-body-digest', 'on', '--hide-allowed-scopes', 'on')).toEqual(demanded)
  expect((await deployment.client.getAgent(agent.did)).body).toMatchObject({ allowed_scopes: [] })
  const path = `/v1/operators/${operatorId}/policy`
  const send = async (...flags: readonly string[]) => {
    const rpc = `PUT /v1/operators/{operator}/policy`
    const { stdout } = await run('operator', 'token', '--rpc', rpc, ...flags)
    return deployment.client.send('PUT', path, JSON.stringify(demanded), `Bearer ${stdout.trim()}`)
  }
  expect(await send()).toMatchObject({ status: 401, body: { reason: 'BODY_DIGEST_REQUIRED' } })
  expect(await send('--no-body')).toMatchObject({ status: 401, body: { reason: 'BODY_DIGEST_MISMATCH' } })
  expect(await send('--body', JSON.stringify(demanded))).toMatchObject({ status: 200 })
  expect(await set('--require-body-digest', 'off', '--hide-allowed-scopes', 'off')).toEqual(before)
  expect(await run('policy', 'set')).toMatchObject({ code: 2, stderr: expect.stringContaining('Name what to set') })
})

it('policy set changes who may hold grants, and for how long', async () => {
  const set = (...flags: readonly string[]) => jsonOf(run('policy', 'set', ...flags, '--json'))
  const before = await jsonOf(run('policy', 'get', '--json'))
  const delegate_to = ['partner.example.com', 'other.example.com']
  expect(await set('--delegate-to', delegate_to.join())).toEqual({ ...Object(before), delegate_to })
  const shorter = { ...Object(before), delegate_to, max_grant_ttl: 600 }
  expect(await set('--max-grant-ttl', '10m')).toEqual(shorter)
  expect(await set('--delegate-to', 'none')).toEqual({ ...shorter, delegate_to: [] })
  expect(await set('--max-grant-ttl', '1h')).toEqual({ ...shorter, delegate_to: [], max_grant_ttl: 3600 })
  expect(await run('policy', 'set', '--max-grant-ttl', 'long')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--max-grant-ttl must be a duration, such as 10m'),
  })
})

const setFrom = (json: object, ...flags: readonly string[]) =>
  feed(JSON.stringify(json), 'policy', 'set', '--file', '-', ...flags)

it('policy set --file keeps who may hold grants, and for how long, if the JSON omits it', async () => {
  const narrow = { delegate_to: ['partner.example.com'], max_grant_ttl: 600 }
  await setFrom(narrow)
  const token = await newToken()
  const kept = await setFrom({ audiences: [] })
  expect(kept.stderr).toContain('delegate_to is still partner.example.com, because the JSON omits it')
  expect(kept.stderr).toContain('max_grant_ttl is still 600, because the JSON omits it')
  expect(await jsonOf(run('policy', 'get', '--json'))).toMatchObject(narrow)
  expect(await verdictOf(token)).toMatchObject({ valid: true })
  const { stderr } = await setFrom({ audiences: [] }, '--max-grant-ttl', '20m')
  expect(stderr).not.toContain('max_grant_ttl')
  expect(await jsonOf(run('policy', 'get', '--json'))).toMatchObject({ ...narrow, max_grant_ttl: 1200 })
  await setFrom({ delegate_to: [], max_grant_ttl: 0 })
  expect(await jsonOf(run('policy', 'get', '--json'))).toMatchObject({ delegate_to: [], max_grant_ttl: 0 })
  expect((await setFrom({})).stderr).not.toContain('still')
})

it('policy set --file says if the JSON turns the demand for digests off by omitting it', async () => {
  await jsonOf(run('policy', 'set', '--require-body-digest', 'on', '--json'))
  expect(await feed('{"audiences":[]}', 'policy', 'set', '--file', '-')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('require_body_digest is off, because the JSON omits it'),
  })
})

it('agents update changes the label, the bound challenges and the delegation depth of an agent independently', async () => {
  const update = (...flags: readonly string[]) => jsonOf(run('agents', 'update', agent.did, ...flags, '--json'))
  expect(await update('--label', 'reader')).toMatchObject({ label: 'reader', require_bound_challenges: false })
  const bound = { label: 'reader', require_bound_challenges: true }
  expect(await update('--bound-challenges', 'required')).toMatchObject(bound)
  expect(await update('--max-delegation-depth', '3')).toMatchObject({ ...bound, max_delegation_depth: 3 })
  expect(await update('--max-delegation-depth', '0')).toMatchObject({ ...bound, max_delegation_depth: 0 })
  expect(await update('--bound-challenges', 'optional')).toMatchObject({
    label: 'reader',
    require_bound_challenges: false,
  })
  expect(await run('agents', 'update', agent.did)).toMatchObject({ code: 2 })
  expect(await run('agents', 'update', agent.did, '--bound-challenges', 'yes')).toMatchObject({ code: 2 })
})

it("operator end-all-tokens ends all tokens of the operator's agents", async () => {
  const token = await newToken()
  expect(await verdictOf(token)).toMatchObject({ valid: true })
  expect(await jsonOf(run('operator', 'end-all-tokens', '--reason', 'leaked', '--json'))).toMatchObject({
    id: operatorId,
  })
  expect(await verdictOf(token)).toMatchObject({ valid: false, reason: 'OPERATOR_TOKENS_ENDED' })
  expect(await verdictOf(await newToken())).toMatchObject({ valid: true })
})

it('revoke suspend and reactivate use the agent of the folder, but revoke agent needs a name', async () => {
  expect(await run('revoke', 'suspend')).toMatchObject({ code: 0, stdout: expect.stringContaining(agent.did) })
  expect(await run('revoke', 'reactivate')).toMatchObject({ code: 0, stdout: expect.stringContaining(agent.did) })
  expect(await run('revoke', 'agent')).toMatchObject({ code: 2, stderr: expect.stringContaining('AGENT') })
})

it('the administrator suspends and reinstates an operator, and ends all tokens of the deployment', async () => {
  const token = await newToken()
  expect(await jsonOf(administer('operator', 'suspend', operatorId, '--reason', 'abuse', '--json'))).toMatchObject({
    status: 'suspended',
  })
  expect(await verdictOf(token)).toMatchObject({ valid: false })
  expect(await jsonOf(administer('operator', 'reinstate', operatorId, '--json'))).toMatchObject({ status: 'active' })
  const later = await newToken()
  expect(await administer('deployment', 'end-all-tokens')).toMatchObject({ code: 0 })
  expect(await verdictOf(later)).toMatchObject({ valid: false })
  expect(await administer('operator', 'suspend', DOMAIN)).toMatchObject({ code: 2 })
})

it('operator release gives up the domain only if --yes names it, and otherwise names the mismatch', async () => {
  const refusals: [readonly string[], string][] = [
    [[], '--yes is missing'],
    [['--yes', 'example.com'], `--yes names example.com, but the domain of this operator is ${DOMAIN}`],
  ]
  for (const [meant, message] of refusals) {
    const { code, stderr } = await run('operator', 'release', ...meant)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).toContain(`--yes ${DOMAIN}`)
  }
  expect(await jsonOf(run('verify-operator', 'status', '--json'))).toMatchObject({ status: 'active' })
  expect(await run('operator', 'release', '--yes', DOMAIN)).toMatchObject({ code: 0 })
  expect(await jsonOf(run('verify-operator', 'status', '--json'))).toMatchObject({ status: 'released' })
})
