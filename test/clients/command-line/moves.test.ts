import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCalls } from '@auth4agent/sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OAuthWorld, startOAuthWorld } from '../../e2e/oauth-clients/oauth-world.ts'
import { runCli } from '../../support/cli.ts'
import { until } from '../../support/until.ts'

/** The server of acme and bravo, and the server of another company, which has charlie. */
let here: OAuthWorld
let there: OAuthWorld
let home: string
/** The ids of the operators by their contexts, and the DIDs of the agent in the order of its moves. */
const ids: Record<string, string> = {}
const dids: string[] = []
/** When the operator has objected to the first move, in seconds. */
let objectedS = 0
const nowS = () => Math.floor(Date.now() / 1000)

beforeAll(async () => {
  ;[here, there] = await Promise.all([startOAuthWorld(), startOAuthWorld()])
  home = await mkdtemp(join(tmpdir(), 'a4a-moves-'))
  await operator('acme', 'acme.example.net', here)
  await operator('bravo', 'bravo.example.com', here)
  await operator('charlie', 'charlie.example.org', there)
})
afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()])
  await rm(home, { recursive: true, force: true })
})

const file = (name: string) => join(home, name)
const folderOf = (context: string) => file(`.auth4agents/contexts/${context}`)
const agentJson = (folder = folderOf('agent')) => readFile(join(folder, 'agent.json'), 'utf8')
/** Runs the tool with the words of a line, in a context. */
const tool = (context: string, line: string) =>
  runCli([...line.split(' '), '--context', context], { home, fetch: globalThis.fetch })

/** Runs the tool, expects success, and returns the JSON that it prints. */
async function json(context: string, line: string): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await tool(context, `${line} --json`)
  expect([code, code === 0 ? '' : stdout + stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

/** Runs the tool, and expects exit code 1 and this reason. */
async function expectRefused(reason: string, context: string, line: string): Promise<void> {
  const { code, stdout } = await tool(context, `${line} --json`)
  expect([code, JSON.parse(stdout)]).toMatchObject([1, { error: { reason } }])
}

async function operator(context: string, domain: string, { issuer, deployment }: OAuthWorld): Promise<void> {
  await json(context, `init --operator --domain ${domain} --server ${issuer}`)
  ids[context] = String((await json(context, 'operator register')).id)
  const proof = await json(context, 'operator show-proof')
  deployment.dns.setTxt(String(proof.txt_record_name), [String(proof.txt_record_value)])
  expect(await json(context, 'operator confirm')).toMatchObject({ verified: true })
}

const ISSUE = 'token issue --scope orders:read --aud https://api.example.com'
const issue = () => json('agent', ISSUE)
const isValid = async ({ issuer }: OAuthWorld, token: unknown) =>
  (await openCalls({ server: issuer }).verifyToken(String(token))).valid
const toBravo = () => `--to bravo.example.com --operator-id ${ids.bravo}`
const toCharlie = () => `--to charlie.example.org --operator-id ${ids.charlie} --to-issuer ${there.issuer}`

it('1. agent move asks for a move, which the agent and its operator see', async () => {
  const did = String((await json('agent', `init --domain acme.example.net --server ${here.issuer}`)).did)
  dids.push(did)
  await json('agent', `agent register --pre-rotation --operator-id ${ids.acme}`)
  await json('acme', `scope set --scope orders:read ${did}`)
  await expectRefused('NOTHING_PENDING', 'agent', 'agent finish-move')
  const asked = await tool('agent', `agent move ${toBravo()}`)
  const to = did.replace('acme.example.net', 'bravo.example.com')
  expect(asked).toMatchObject({ code: 0, stderr: '' })
  expect(asked.stdout).toContain(`auth4agent agent release ${did} --new-did ${to}\n`)
  expect((await tool('acme', 'agent list')).stdout).toContain(
    `a move of ${did} waits for a release, or on this server until `,
  )
  for (const command of ['agent-key list', 'agent-key list-events', 'whoami --keys'])
    expect((await tool('agent', command)).stdout).toContain(
      `new did: ${to}\noperator: ${ids.bravo}\nserver: ${here.issuer}`,
    )
  expect((await tool('agent', 'doctor')).stdout).toContain('a move of the agent waits')
})

it('2. agent move with a copy of the identity key alone is refused, because the agent has committed to a key', async () => {
  await cp(join(folderOf('agent'), 'keys/agent.key'), file('stolen.key'))
  const stolen = `agent move ${toBravo()} --key ${file('stolen.key')}`
  await expectRefused('KEY_NOT_COMMITTED', 'agent', stolen)
  const next = join(folderOf('agent'), 'keys/agent.key.next')
  expect(await json('agent', `${stolen} --new-key ${next}`)).toMatchObject({ did: dids[0] })
})

it('3. agent object-to-move ends the move, and the agent keeps its DID', async () => {
  const [did] = dids
  objectedS = nowS()
  await expectRefused('AGENT_NOT_ACTIVE', 'agent', 'agent finish-move')
  expect(await json('acme', `agent object-to-move ${did} --reason no`)).toMatchObject({ agent_did: did })
  await expectRefused('NOTHING_PENDING', 'bravo', `agent admit ${did}`)
  await expectRefused('NOTHING_PENDING', 'acme', `agent object-to-move ${did}`)
  expect(await json('agent', 'agent-key list')).toMatchObject({ pending: [] })
  expect(await isValid(here, (await issue()).token)).toBe(true)
})

it('4. the agent asks again, acme releases exactly this move, and bravo admits the agent', async () => {
  const [did = ''] = dids
  const { token } = await issue()
  // A move must be newer, in whole seconds, than the one to which the operator has objected.
  await until(
    async () => nowS(),
    (now) => now > objectedS,
  )
  const asked = await json('agent', `agent move ${toBravo()}`)
  expect(asked).toMatchObject({ issuer: here.issuer, effective_at: expect.stringMatching(/Z$/) })
  const to = String(asked.to)
  dids.push(to)
  await expectRefused('MOVE_NOT_RELEASED', 'bravo', `agent admit ${did}`)
  await expectRefused('NOTHING_PENDING', 'acme', `agent release ${did} --new-did ${did}`)
  expect(await tool('acme', `agent release ${did} --new-did ${to} --to-issuer ${there.issuer}`)).toMatchObject({
    code: 2,
  })
  expect(await json('acme', `agent release ${did} --new-did ${to}`)).toMatchObject({ agent_did: did, moves_to: to })
  expect((await tool('agent', 'agent-key list')).stdout).toContain('the other operator can admit the agent now')
  const admitted = await tool('bravo', `agent admit ${did} --label reader`)
  expect(admitted.stdout).toContain(`auth4agent scope set --scope SCOPES ${to}`)
  expect(await isValid(here, token)).toBe(false)
  expect((await tool('acme', 'agent list')).stdout).toContain(`${did} has moved to ${to}`)
})

it('5. agent finish-move makes the agent use the new DID with its old key files, and can run again', async () => {
  const [did, to] = dids
  await expectRefused('AGENT_NOT_ACTIVE', 'agent', ISSUE)
  expect((await tool('agent', 'doctor')).stdout).toMatch(/has moved to .*[^]*agent finish-move/)
  const key = await readFile(join(folderOf('agent'), 'keys/agent.key'), 'utf8')
  for (const _ of [1, 2]) expect(await json('agent', 'agent finish-move')).toMatchObject({ did: to, from: did })
  expect(await readFile(join(folderOf('agent'), 'keys/agent.key'), 'utf8')).toBe(key)
  expect(JSON.parse(await agentJson())).toMatchObject({ did: to, operator_id: ids.bravo, server_url: here.issuer })
  await json('bravo', `scope set --scope orders:read ${to}`)
  expect(await isValid(here, (await issue()).token)).toBe(true)
  expect(await json('agent', `agent-key list ${did}`)).toMatchObject({ did, pending: [] })
})

it('6. agent move to another server sends nothing if the operator there has another domain', async () => {
  const wrong = toCharlie().replace('charlie.example.org', 'chalie.example.org')
  await expectRefused('DID_MISMATCH', 'agent', `agent move ${wrong}`)
  await expectRefused('OPERATOR_NOT_FOUND', 'agent', `agent move ${toBravo()} --to-issuer ${there.issuer}`)
  expect(await json('agent', 'agent-key list')).toMatchObject({ pending: [] })
})

it('7. a release to another server needs the name of this server, and then the bundle can be exported', async () => {
  const [, did = ''] = dids
  const asked = await json('agent', `agent move ${toCharlie()}`)
  expect(asked).toMatchObject({ did, issuer: there.issuer })
  expect(asked).not.toHaveProperty('effective_at')
  const to = String(asked.to)
  dids.push(to)
  await expectRefused('MOVE_NOT_RELEASED', 'agent', 'agent export-bundle')
  const unnamed = await tool('bravo', `agent release ${did} --new-did ${to}`)
  expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringContaining(`add --to-issuer ${there.issuer}`) })
  const released = await json('bravo', `agent release ${did} --new-did ${to} --to-issuer ${there.issuer}`)
  expect(released).toMatchObject({ agent_did: did, issuer: there.issuer })
  const exported = await json('agent', `agent export-bundle ${did} --output ${file('agent.bundle')}`)
  expect(exported).toMatchObject({ did, to, issuer: there.issuer, events: 3 })
  expect(JSON.parse((await tool('agent', 'agent export-bundle')).stdout)).toEqual(
    JSON.parse(await readFile(file('agent.bundle'), 'utf8')),
  )
})

it('8. agent verify-bundle shows who moves and who has released the agent, without a server', async () => {
  const [first, did, to] = dids
  const offline = (line: string) => runCli(line.split(' '), { home: file('nowhere') })
  const { stdout } = await offline(`agent verify-bundle ${file('agent.bundle')} --json`)
  expect(JSON.parse(stdout)).toMatchObject({
    valid: true,
    did,
    to,
    issuer: there.issuer,
    operator_id: ids.charlie,
    released_by: { operator_id: ids.bravo, domain: 'bravo.example.com', issuer: here.issuer },
    events: 3,
    previous_dids: [first, did],
  })
  const bundle = JSON.parse(await readFile(file('agent.bundle'), 'utf8'))
  await writeFile(file('shorter.bundle'), JSON.stringify({ ...bundle, events: bundle.events.slice(0, 2) }))
  await expectRefused('INVALID_BUNDLE', 'charlie', `agent verify-bundle ${file('shorter.bundle')}`)
  await expectRefused('INVALID_BUNDLE', 'charlie', `agent admit --bundle ${file('shorter.bundle')}`)
  await writeFile(file('no.bundle'), '{}')
  expect(await offline(`agent verify-bundle ${file('no.bundle')}`)).toMatchObject({ code: 2 })
  expect(await offline(`agent verify-bundle ${file('none.bundle')}`)).toMatchObject({ code: 4 })
})

it('9. charlie admits the agent from the bundle, and the agent goes on there, with or without the old server', async () => {
  const [, did, to = ''] = dids
  const before = await agentJson()
  await expectRefused('AGENT_NOT_ACTIVE', 'agent', 'agent finish-move')
  expect(await agentJson()).toBe(before)
  expect(await json('charlie', `agent admit --bundle ${file('agent.bundle')}`)).toMatchObject({ did: to })
  await expectRefused('AGENT_EXISTS', 'charlie', `agent admit --bundle ${file('agent.bundle')}`)
  await json('charlie', `agent suspend ${to}`)
  await expectRefused('AGENT_NOT_ACTIVE', 'agent', 'agent finish-move')
  await json('charlie', `agent reactivate ${to}`)
  await cp(folderOf('agent'), folderOf('copy'), { recursive: true })
  expect(await json('copy', 'agent finish-move')).toMatchObject({ did: to, from: did, server_url: there.issuer })
  await here.stop()
  expect(await tool('agent', 'agent finish-move')).toMatchObject({ code: 3 })
  expect(await agentJson()).toBe(before)
  await json('agent', `agent finish-move --new-did ${to} --to-issuer ${there.issuer}`)
  expect(JSON.parse(await agentJson())).toEqual(JSON.parse(await agentJson(folderOf('copy'))))
  await json('charlie', `scope set --scope orders:read ${to}`)
  await json('agent', 'agent-key rotate')
  expect(await isValid(there, (await issue()).token)).toBe(true)
})

it('10. agent finish-move refuses a DID whose log does not continue the one of the folder, and another key', async () => {
  const [, , to = ''] = dids
  const before = await agentJson(folderOf('copy'))
  await operator('delta', 'delta.example.org', there)
  const stranger = String((await json('stranger', `init --domain delta.example.org --server ${there.issuer}`)).did)
  await json('stranger', `agent register --operator-id ${ids.delta}`)
  await json('delta', `agent approve ${stranger}`)
  await expectRefused('INVALID_KEY_EVENT', 'copy', `agent finish-move --new-did ${stranger}`)
  const { to: moved } = await json('stranger', `agent move ${toCharlie()}`)
  await json('delta', `agent release ${stranger} --new-did ${String(moved)}`)
  await json('charlie', `agent admit ${stranger}`)
  await expectRefused('INVALID_KEY_EVENT', 'copy', `agent finish-move --new-did ${String(moved)}`)
  await expectRefused('WRONG_KEY', 'copy', `agent finish-move --new-did ${to}`)
  expect(await agentJson(folderOf('copy'))).toBe(before)
})

it('11. agent finish-move refuses a server to which the agent has not asked to move', async () => {
  const [, , to = ''] = dids
  const other = 'http://localhost:1'
  // A server that copies the answers of another one, and reports its own issuer.
  const copying: typeof globalThis.fetch = async (input, init) => {
    const { href: url } = new URL(input instanceof Request ? input.url : input)
    return url.endsWith('/.well-known/auth4agent')
      ? Response.json({ issuer: other })
      : fetch(url.replace(other, there.issuer), init)
  }
  const args = ['agent', 'finish-move', '--new-did', to, '--to-issuer', other, '--context', 'agent', '--json']
  const { code, stdout } = await runCli(args, { home, fetch: copying })
  expect([code, JSON.parse(stdout)]).toMatchObject([1, { error: { reason: 'INVALID_KEY_EVENT' } }])
})
