import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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

const RULE = {
  audience: AUDIENCE,
  callers: ['other.example.com'],
  token_signing_alg: 'ES256',
  dpop: 'required',
  token_status: 'status_list',
}
const policyNow = async (): Promise<object> => Object(await jsonOf(run('policy', 'show', '--json')))
const setFrom = (json: object, ...flags: readonly string[]) =>
  feed(JSON.stringify(json), 'policy', 'set', '--file', '-', ...flags)

const set = async (...flags: readonly string[]): Promise<object> =>
  Object(await jsonOf(run('policy', 'set', ...flags, '--json')))
const answer = (text: string) => ({ ask: async () => text })

it('operator show-proof names the next command with the folder of this run', async () => {
  const { code, stdout } = await run('operator', 'show-proof')
  expect(code).toBe(0)
  const next = `auth4agent operator confirm --config ${folder.path}`
  expect(stdout.endsWith(`\n\nafter propagation run:\n${next}\n`)).toBe(true)
})

it('policy show shows the policy in words, and as JSON only with --json', async () => {
  const { stdout } = await run('policy', 'show')
  expect(stdout).toMatch(/^require_bound_challenges: off\nrequire_body_digest: \w+\nhide_allowed_scopes: off\n/)
  expect(await policyNow()).toMatchObject({ audiences: [], etag: expect.any(String) })
})

it('policy set --file changes only what the JSON names, and refuses unknown members', async () => {
  await run('policy', 'set', '--require-body-digest', 'on')
  const before = await policyNow()
  const { code, stdout } = await setFrom({ audiences: [RULE], require_bound_challenges: true })
  expect(code).toBe(0)
  expect(stdout).toBe(
    `policy set\n\nrequire_bound_challenges: off -> on\nrule for ${AUDIENCE}: none -> there\n${AUDIENCE} callers: none -> other.example.com\n${AUDIENCE} token_signing_alg: EdDSA -> ES256\n${AUDIENCE} dpop: none -> required\n${AUDIENCE} token_status: none -> status_list\n`,
  )
  const changed = { ...before, audiences: [RULE], require_bound_challenges: true, etag: expect.any(String) }
  expect(await policyNow()).toEqual(changed)
  expect(await setFrom({ audiences: [] })).toMatchObject({ code: 0, stdout: 'policy unchanged\n' })
  expect(await feed('{"audience":[]}', 'policy', 'set', '--file', '-')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('may only have the members'),
  })
  expect(await run('policy', 'set', '--file', `${folder.path}/gone.json`)).toMatchObject({ code: 4 })
  expect(await policyNow()).toEqual(changed)
})

it('policy set --audience changes one member of a rule, and --remove-audience removes the rule', async () => {
  const audience = ['--audience', AUDIENCE]
  const before = await policyNow()
  const steps: [readonly string[], object][] = [
    [[...audience, '--add-caller', 'third.example.com'], { callers: ['other.example.com', 'third.example.com'] }],
    [[...audience, '--remove-caller', 'other.example.com'], { callers: ['third.example.com'] }],
    [[...audience, '--callers', 'none'], { callers: [] }],
    [[...audience, '--dpop-rule', 'none', '--token-signing-alg', 'RS256'], { dpop: '', token_signing_alg: 'RS256' }],
    [[...audience, '--token-status', 'none'], { token_status: '' }],
  ]
  const rule: object = { ...RULE }
  for (const [flags, change] of steps) {
    Object.assign(rule, change)
    expect(await set(...flags)).toEqual({ ...before, audiences: [rule], etag: expect.any(String) })
  }
  expect(await set('--remove-audience', AUDIENCE)).toMatchObject({ require_body_digest: true, audiences: [] })
  for (const [flags, message] of [
    [['--dpop-rule', 'required'], 'Name the audience'],
    [audience, 'Name what to change'],
    [['--replace'], '--replace needs --file'],
    [[], 'Name what to set'],
  ] as const)
    expect(await run('policy', 'set', ...flags)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
})

it('policy set --replace shows what it resets, and changes nothing without a yes', async () => {
  await setFrom({ audiences: [RULE], require_body_digest: true })
  const before = await policyNow()
  const file = join(folder.path, 'policy.json')
  await writeFile(file, JSON.stringify({ delegate_to: ['partner.example.com'] }))
  const replace = (options: object, ...flags: readonly string[]) =>
    runCli(['policy', 'set', '--file', file, '--replace', '--config', folder.path, ...flags], {
      fetch: globalThis.fetch,
      ...options,
    })
  for (const ran of [
    await replace({}),
    await replace(answer('')),
    await replace(answer('no')),
    await replace(answer('y'), '--json'),
  ]) {
    expect(ran.code).toBe(2)
    expect(ran.stdout + ran.stderr).toMatch(/--yes is missing|the answer was not yes/)
    expect(await policyNow()).toEqual(before)
  }
  expect((await replace({})).stderr).toContain('require_body_digest: on -> off (weaker)')
  const asked = await replace(answer('y'))
  expect(asked).toMatchObject({ code: 0, stderr: expect.stringContaining(`rule for ${AUDIENCE}: there -> none`) })
  expect(await policyNow()).toMatchObject({ audiences: [], delegate_to: ['partner.example.com'] })
  await setFrom({ audiences: [RULE] })
  expect(await replace({}, '--yes')).toMatchObject({ code: 0 })
  expect(await policyNow()).toMatchObject({ audiences: [], require_body_digest: false })
  await run('policy', 'set', '--delegate-to', 'none')
})

it('policy set changes nothing if somebody else has changed the policy in between', async () => {
  const old = await policyNow()
  await run('policy', 'set', '--hide-allowed-scopes', 'on')
  const now = await policyNow()
  expect(await setFrom({ ...old, require_bound_challenges: false })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/POLICY_CHANGED\)\nSomebody has changed the policy since/),
  })
  let isFirst = true
  /** Changes the policy before the first change of the tool arrives. */
  const racing: typeof globalThis.fetch = async (input, init) => {
    if (init?.method === 'PUT' && isFirst) {
      isFirst = false
      await run('policy', 'set', '--max-grant-ttl', '10m')
    }
    return fetch(input, init)
  }
  const args = ['policy', 'set', '--hide-allowed-scopes', 'off', '--config', folder.path]
  expect(await runCli(args, { fetch: racing })).toMatchObject({ code: 1 })
  expect(await policyNow()).toEqual({ ...now, max_grant_ttl: 600, etag: expect.any(String) })
  await setFrom({ max_grant_ttl: 0, hide_allowed_scopes: false })
})

it('policy set changes a single setting and keeps the others, and then accepts changes only with a digest', async () => {
  const before = await policyNow()
  const policy = { require_body_digest: true, hide_allowed_scopes: true }
  const demanded = { ...before, ...policy, etag: expect.any(String) }
  expect(await set('--require-body-digest', 'on', '--hide-allowed-scopes', 'on')).toEqual(demanded)
  expect((await deployment.client.getAgent(agent.did)).body).toMatchObject({ allowed_scopes: [] })
  const path = `/v1/operators/${operatorId}/policy`
  const send = async (...flags: readonly string[]) => {
    const rpc = `PUT /v1/operators/{operator}/policy`
    const { stdout } = await run('assertion', 'create', '--rpc', rpc, ...flags)
    return deployment.client.send('PUT', path, JSON.stringify(policy), `Bearer ${stdout.trim()}`)
  }
  expect(await send()).toMatchObject({ status: 401, body: { reason: 'BODY_DIGEST_REQUIRED' } })
  expect(await send('--no-body')).toMatchObject({ status: 401, body: { reason: 'BODY_DIGEST_MISMATCH' } })
  expect(await send('--body', JSON.stringify(policy))).toMatchObject({ status: 200 })
  expect(await set('--require-body-digest', 'off', '--hide-allowed-scopes', 'off')).toEqual(before)
})

it('policy set changes who may hold grants, and for how long', async () => {
  const before = { ...(await policyNow()), etag: expect.any(String) }
  const delegate_to = ['partner.example.com', 'other.example.com']
  expect(await set('--delegate-to', delegate_to.join())).toEqual({ ...before, delegate_to })
  const shorter = { ...before, delegate_to, max_grant_ttl: 600 }
  expect(await set('--max-grant-ttl', '10m')).toEqual(shorter)
  expect(await set('--delegate-to', 'none')).toEqual({ ...shorter, delegate_to: [] })
  expect(await set('--max-grant-ttl', '1h')).toEqual({ ...shorter, delegate_to: [], max_grant_ttl: 3600 })
  expect(await run('policy', 'set', '--max-grant-ttl', 'long')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--max-grant-ttl must be a duration, such as 10m'),
  })
})

it('policy set --file keeps who may hold grants, and so the tokens, if the JSON omits it', async () => {
  const narrow = { delegate_to: ['partner.example.com'], max_grant_ttl: 600 }
  await setFrom(narrow)
  const token = await newToken()
  expect(await setFrom({ hide_allowed_scopes: true })).toMatchObject({ code: 0 })
  expect(await policyNow()).toMatchObject(narrow)
  expect(await verdictOf(token)).toMatchObject({ valid: true })
  await setFrom({ delegate_to: [], max_grant_ttl: 0, hide_allowed_scopes: false })
  expect(await policyNow()).toMatchObject({ delegate_to: [], max_grant_ttl: 0 })
})

it('agent update changes label, bound challenges, delegation depth and redirect URIs of an agent independently', async () => {
  const update = (...flags: readonly string[]) => jsonOf(run('agent', 'update', agent.did, ...flags, '--json'))
  expect(await update('--label', 'reader')).toMatchObject({ label: 'reader', require_bound_challenges: false })
  const bound = { label: 'reader', require_bound_challenges: true }
  expect(await update('--bound-challenges', 'required')).toMatchObject(bound)
  expect(await update('--max-delegation-depth', '3')).toMatchObject({ ...bound, max_delegation_depth: 3 })
  expect(await update('--max-delegation-depth', '0')).toMatchObject({ ...bound, max_delegation_depth: 0 })
  expect(await update('--bound-challenges', 'optional')).toMatchObject({
    label: 'reader',
    require_bound_challenges: false,
  })
  const uris = ['https://app.example.com/callback', 'http://127.0.0.1/callback']
  expect(await update(...uris.flatMap((uri) => ['--redirect-uri', uri]))).toMatchObject({ redirect_uris: uris })
  expect(await update('--label', 'kept')).toMatchObject({ redirect_uris: uris })
  expect(await update('--no-redirect-uris')).not.toHaveProperty('redirect_uris')
  const both = ['--redirect-uri', 'https://app.example.com/callback', '--no-redirect-uris']
  expect(await run('agent', 'update', agent.did, ...both)).toMatchObject({ code: 2 })
  expect(await run('agent', 'update', agent.did)).toMatchObject({ code: 2 })
  expect(await run('agent', 'update', agent.did, '--bound-challenges', 'yes')).toMatchObject({ code: 2 })
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

it('agent suspend and reactivate use the agent of the folder, but agent revoke needs a name', async () => {
  expect(await run('agent', 'suspend')).toMatchObject({ code: 0, stdout: expect.stringContaining(agent.did) })
  expect(await run('agent', 'reactivate')).toMatchObject({ code: 0, stdout: expect.stringContaining(agent.did) })
  expect(await run('agent', 'revoke')).toMatchObject({ code: 2, stderr: expect.stringContaining('AGENT') })
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

it('operator release-domain gives up the domain only if --confirm-name names it, and otherwise names the mismatch', async () => {
  const refusals: [readonly string[], string][] = [
    [[], '--confirm-name is missing'],
    [
      ['--confirm-name', 'example.com'],
      `--confirm-name names example.com, but the domain of this operator is ${DOMAIN}`,
    ],
  ]
  for (const [meant, message] of refusals) {
    const { code, stderr } = await run('operator', 'release-domain', ...meant)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).toContain(`--confirm-name ${DOMAIN}`)
  }
  expect(await jsonOf(run('operator', 'status', '--json'))).toMatchObject({ status: 'active' })
  expect(await run('operator', 'release-domain', '--confirm-name', DOMAIN)).toMatchObject({ code: 0 })
  expect(await jsonOf(run('operator', 'status', '--json'))).toMatchObject({ status: 'released' })
})
