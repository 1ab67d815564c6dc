import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliResult, runCli } from '../../support/cli.ts'
import { type ConfigFolder, createConfigFolder } from '../../support/config-folder.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import { newKeys, thumbprintOf } from '../../support/parties.ts'
import { expectStatus } from '../../support/story.ts'

const DOMAIN = 'people.example.com'
const AUDIENCE = `https://api.${DOMAIN}`
const keys = newKeys()

let deployment: Deployment
let folder: ConfigFolder

beforeAll(async () => {
  const port = String(await freePort())
  const issuer = `http://127.0.0.1:${port}`
  const env = { PORT: port, AUTH4AGENT_BASE_URL: issuer }
  ;[deployment, folder] = await Promise.all([startDeployment({ env }), createConfigFolder()])
  const { client, dns } = deployment
  const id = String(expectStatus(201, await client.registerOperator(DOMAIN, keys)).id)
  dns.setTxt(`_auth4agents.${DOMAIN}`, [`v=a4a1; iss=${issuer}; op=${id}; rk=${thumbprintOf(keys)}`])
  expectStatus(200, await client.confirm(id))
  await folder.operator({ id, domain: DOMAIN, server: issuer }, keys)
})
afterAll(() => Promise.all([deployment?.stop(), folder?.remove()]))

const set = (...flags: readonly string[]): Promise<CliResult> =>
  runCli(['policy', 'set', ...flags, '--config', folder.path], { fetch: globalThis.fetch })
const ofApi = (...flags: readonly string[]) => set('--audience', AUDIENCE, ...flags)

it('policy set lets users in step by step, and says what ends tokens', async () => {
  const first = await ofApi('--user-domains', `${DOMAIN},partner.example.com`, '--user-scope', 'read=Read all = any')
  expect(first).toMatchObject({ code: 0 })
  const users = `of ${DOMAIN} partner.example.com; by listed clients; for at most 30 days; read "Read all = any"`
  expect(first.stdout).toContain(`${AUDIENCE} users: none -> ${users}\n`)
  const second = await ofApi('--user-clients', 'any', '--user-days', '7', '--user-scope', 'write=Write')
  expect(second.stdout).toContain(
    `-> of ${DOMAIN} partner.example.com; by any client; for at most 7 days; read "Read all = any"; write "Write" (weaker; ends the tokens for users if it allows less)`,
  )
  const third = await ofApi('--remove-user-scope', 'write', '--user-domains', 'none', '--user-devices', 'on')
  expect(third.stdout).toContain('-> of none; by any client; for at most 7 days; also from devices; read')
  const fourth = await ofApi('--user-devices', 'off')
  expect(fourth.stdout).toContain('-> of none; by any client; for at most 7 days; read "Read all = any" (')
})

it('policy set --users-to replaces where the users of the operator may go', async () => {
  expect(await set('--users-to', `other.example.com,${DOMAIN}`)).toMatchObject({
    stdout: 'policy set\n\nusers_to: none -> other.example.com\n',
  })
  expect(await set('--users-to', 'none')).toMatchObject({
    stdout: 'policy set\n\nusers_to: other.example.com -> none (ends the tokens of your users there)\n',
  })
  expect(await set('--users-to', '*')).toMatchObject({ code: 1, stderr: expect.stringContaining('INVALID_DOMAIN') })
})

it.each([
  [['--user-scope', 'read'], '--user-scope must be NAME=WORDS'],
  [['--user-scope', '=Read'], '--user-scope must be NAME=WORDS'],
  [['--user-days', '0'], '--user-days must be a number from 1 to 90'],
  [['--user-days', 'x'], '--user-days must be a number from 1 to 90'],
  [['--user-clients', 'all'], 'listed'],
  [['--user-devices', 'yes'], 'off'],
] as const)('policy set refuses %j', async (flags, message) => {
  expect(await ofApi(...flags)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  expect(await set(...flags)).toMatchObject({ code: 2 })
})
