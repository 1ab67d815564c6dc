import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { readKeyFile } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'
import { CHAIN_ISSUER, READ } from '../../../../test/support/grant-chains.ts'
import { claimsOf, TOKEN_PATH } from '../../../../test/support/sdk/exchange-world.ts'
import { type GrantServer, grantServer } from '../../../../test/support/sdk/grant-server.ts'

const API = 'https://api.acme.test'

let home: string
let server: GrantServer
/** The agent of the folder, which holds the chain in the file. */
let own: string
let file: string

const tool = (args: readonly string[]) => runCli(args, { home, fetch: server.fetch })
const exchange = (...args: readonly string[]) => tool(['grant', 'exchange', file, ...args])

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-exchange-'))
  server = grantServer({ wallMs: Date.now })
  own = (await tool(['init', '--domain', 'acme.test', '--server', CHAIN_ISSUER, '--quiet'])).stdout.trim()
  server.know({ did: own, key: await readKeyFile(join(home, '.auth4agents/keys/agent.key')) })
  file = join(home, 'chain.txt')
  await tool(['grant', 'create', own, '--capability', READ, '--ttl', '10m', '--output', file])
})
afterEach(() => rm(home, { recursive: true }))

it('grant exchange prints a token for everything that the chain allows at the service', async () => {
  const { code, stdout, stderr } = await exchange('--aud', API)
  const token = stdout.trim().split('\n').at(-1) ?? ''
  expect(code).toBe(0)
  expect(claimsOf(token)).toMatchObject({ client_id: own, aud: [API], scope: 'orders:read' })
  expect(stdout).toMatch(/^token issued\n\nactor: did:agent:[^]*\ntoken_type: DPoP\n/)
  expect(stderr).toContain('each request with this token needs a proof')
  const form = { subject_token: (await readFile(file, 'utf8')).trim(), resource: [API], scope: 'orders:read' }
  expect(server.seen.at(-1)).toMatchObject({ path: TOKEN_PATH, body: form })
})

it('grant exchange asks only for the scopes of --scope, and writes the token to a file', async () => {
  const output = join(home, 'token')
  const { code, stdout } = await exchange('--aud', API, '--scope', 'orders:read', '--output', output, '--json')
  expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, output, token_type: 'DPoP' })
  expect(claimsOf(await readFile(output, 'utf8'))).toMatchObject({ scope: 'orders:read' })
})

it('grant exchange names the command that makes proofs with the file of the token and the folder of this run', async () => {
  const folder = join(home, '.auth4agents')
  const output = join(home, 'my token')
  const { stderr } = await exchange('--aud', API, '--output', output, '--config', folder)
  const line = `auth4agent dpop-proof create --method METHOD --url URL --token '@${output}' --config ${folder}`
  expect(stderr).toContain(`each request with this token needs a proof: ${line}\n`)
})

it('dpop-proof prints a proof for the chain of the agent, and refuses a chain that another agent holds', async () => {
  const url = `${API}/orders`
  const proofFor = (chain: string) =>
    tool(['dpop-proof', 'create', '--method', 'GET', '--url', url, '--token', `@${chain}`, '--quiet'])
  const { code, stdout } = await proofFor(file)
  expect(code).toBe(0)
  const accessToken = (await readFile(file, 'utf8')).trim()
  const rules = { method: 'GET', url, nowS: Date.now() / 1000, skewS: 0, accessToken }
  expect(checkDpopProof(stdout.trim(), rules)).toMatchObject({ ok: true })
  const other = join(home, 'other.txt')
  await tool([
    'grant',
    'create',
    server.agent('other').did,
    '--capability',
    READ,
    '--expires',
    '10m',
    '--output',
    other,
  ])
  expect(await proofFor(other)).toMatchObject({ code: 1, stderr: expect.stringContaining('bound to another key') })
})

it.each<[string, readonly string[], number, string]>([
  ['no service', [], 2, '--aud'],
  ['an invalid service', ['--aud', 'a b'], 2, 'audience must be up to 8 URLs or host names'],
  ['an empty scope', ['--aud', API, '--scope', ','], 2, '--scope must name a scope'],
  ['a service at which the chain allows nothing', ['--aud', 'https://other.test'], 1, 'must allow something at'],
])('grant exchange refuses %s, and asks the server for no token', async (_name, args, code, message) => {
  expect(await exchange(...args)).toMatchObject({ code, stderr: expect.stringContaining(message) })
  expect(server.count(TOKEN_PATH)).toBe(0)
})
