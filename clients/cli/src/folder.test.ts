import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { generatePrivateKey } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliOptions, runCli } from '../../../test/support/cli.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const DID = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'

let home: string
let folder: string
const { signer, text: keyText } = generatePrivateKey()
const publicKey = Buffer.from(signer.publicKey).toString('base64')
const textOf = (name: string) => readFile(join(folder, name), 'utf8')
const tool = (args: readonly string[], options: CliOptions = {}) => runCli(args, { home, ...options })

/** Returns `operator.json` as version 1 of the tool writes it. */
const operatorJson = (server = 'http://localhost:8080', more = '') => `{
  "id": "${ID}",
  "domain": "example.com",
  "server_url": "${server}",
  "root_public_key": "${publicKey}",
  "key": {
    "provider": "file",
    "ref": "${join(folder, 'keys/operator.key')}"
  }${more}
}`
/** Returns `agent.json` as version 1 of the tool writes it. */
const agentJson = (server = 'http://localhost:8080') => `{
  "did": "${DID}",
  "operator_id": "${ID}",
  "server_url": "${server}",
  "public_key": "${publicKey}",
  "key": {
    "provider": "file",
    "ref": "${join(folder, 'keys/agent.key')}"
  },
  "did_document": {
    "id": "${DID}"
  }
}`

async function existingUser() {
  await mkdir(join(folder, 'keys'), { recursive: true })
  await writeFile(join(folder, 'operator.json'), operatorJson(), { mode: 0o600 })
  await writeFile(join(folder, 'agent.json'), agentJson(), { mode: 0o600 })
  for (const name of ['operator', 'agent']) await writeFile(join(folder, `keys/${name}.key`), keyText, { mode: 0o600 })
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-home-'))
  folder = join(home, '.auth4agents')
})
afterEach(() => rm(home, { recursive: true }))

describe('a folder of version 1', () => {
  beforeEach(existingUser)

  it('is read without any change to its files', async () => {
    const { code, stdout } = await tool(['whoami'])
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Mode: Agent\nDID: ${DID}\nOperator: ${ID}\nServer: http://localhost:8080\n`,
    })
    expect(JSON.parse((await tool(['whoami', '--json'])).stdout)).toMatchObject({
      mode: 'agent',
      did: DID,
      operator: { id: ID, domain: 'example.com' },
    })
    expect((await tool(['whoami', '--verbose'])).stdout).toContain('Mode: Operator\nID: ')
    expect((await tool(['assertion', 'create', '--rpc', 'GET /v1/x'])).code).toBe(0)
    expect(await textOf('agent.json')).toBe(agentJson())
    expect(await textOf('operator.json')).toBe(operatorJson())
    expect(await textOf('keys/agent.key')).toBe(keyText)
  })

  it('is changed by context set only in the address of the server', async () => {
    const { stdout } = await tool(['context', 'set', '--server', 'https://auth.example.com/'])
    expect(stdout).toBe('Server URL updated to: https://auth.example.com\n')
    expect(await textOf('agent.json')).toBe(agentJson('https://auth.example.com'))
    expect(await textOf('operator.json')).toBe(operatorJson('https://auth.example.com'))
  })

  it("keeps the server's issuer until context set changes the server", async () => {
    await tool(['context', 'set', '--server', 'http://127.0.0.1:9', '--issuer', 'https://auth.example.com'])
    expect(JSON.parse(await textOf('operator.json'))).toMatchObject({ issuer: 'https://auth.example.com' })
    const { stdout } = await tool(['assertion', 'create'])
    const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString('utf8')) as unknown
    expect(claims).toMatchObject({ aud: 'https://auth.example.com', iss: ID, sub: ID })
    await tool(['context', 'set', '--server', 'http://127.0.0.1:9'])
    expect(JSON.parse(await textOf('operator.json'))).toMatchObject({ issuer: '' })
  })

  it('is found by --config, also with the path of a file in it, and by AUTH4AGENTS_HOME', async () => {
    const elsewhere = { home: '/nonexistent' }
    expect(await runCli(['whoami', '--config', folder], elsewhere)).toMatchObject({ code: 0 })
    expect(await runCli(['whoami', '--config', join(folder, 'config.json')], elsewhere)).toMatchObject({ code: 0 })
    expect(await runCli(['whoami'], { ...elsewhere, env: { AUTH4AGENTS_HOME: folder } })).toMatchObject({ code: 0 })
    expect(await runCli(['whoami'], elsewhere)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('auth4agent init'),
    })
    expect(await tool(['whoami', '--config', '~/.auth4agents'])).toMatchObject({ code: 0 })
  })

  it('is not overwritten by init, and init --force keeps the old files', async () => {
    const again = ['init', '--domain', 'example.com', '--operator']
    expect(await tool(again)).toMatchObject({ code: 4, stderr: expect.stringContaining('operator.key') })
    expect(await textOf('keys/operator.key')).toBe(keyText)
    expect(await tool([...again, '--force'], { now: () => 1234 })).toMatchObject({ code: 0 })
    expect(await textOf('keys/operator.key.1234')).toBe(keyText)
    expect(await textOf('operator.json.1234')).toBe(operatorJson())
    expect(await textOf('keys/operator.key')).not.toBe(keyText)
    expect(await textOf('agent.json')).toBe(agentJson())
  })

  it('shows no proof for an operator whose key it does not contain', async () => {
    const args = ['operator', 'show-proof', '--operator-id', ID.replaceAll('a', 'b')]
    expect(await tool(args)).toMatchObject({ code: 4, stderr: expect.stringContaining('--config FOLDER') })
  })

  it('is not registered if its key file does not match operator.json', async () => {
    await writeFile(join(folder, 'keys/operator.key'), generatePrivateKey().text)
    const sent: unknown[] = []
    const fetch: typeof globalThis.fetch = (input) => {
      sent.push(input)
      return Promise.resolve(Response.json({}))
    }
    expect(await tool(['operator', 'register'], { fetch })).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('not the one'),
    })
    expect(sent).toEqual([])
  })

  it('accepts a key from another file or from standard input', async () => {
    const args = ['assertion', 'create', '--key']
    expect(await tool([...args, join(folder, 'keys/agent.key')])).toMatchObject({ code: 0 })
    expect(await tool([...args, '-'], { readStdin: () => Promise.resolve(keyText) })).toMatchObject({ code: 0 })
    expect(await tool([...args, '-'])).toMatchObject({ code: 4 })
  })

  it('accepts no key in the command line and does not print the key', async () => {
    for (const args of [
      ['assertion', 'create', '--key', keyText],
      ['token', 'issue', '--scope', 'a', '--aud', 'b.example', '--key', keyText],
      ['signing-key', 'import', keyText, '--key', keyText],
      ['signing-key', 'list', '--key', keyText, '--json'],
    ]) {
      const { code, stdout, stderr } = await tool(args)
      expect(code).toBe(4)
      expect(stdout + stderr).not.toContain(keyText.slice(0, 20))
    }
  })
})

describe('init', () => {
  it('creates files that version 1 of the tool can read', async () => {
    const { code, stdout } = await tool([
      'init',
      '--domain',
      'HTTPS://Bücher.Example/',
      '--server',
      'https://auth.example.com/',
      '--json',
    ])
    expect(code).toBe(0)
    const printed = JSON.parse(stdout) as Record<string, unknown>
    expect(printed).toMatchObject({
      mode: 'agent',
      did: expect.stringMatching(/^did:agent:xn--bcher-kva\.example:[0-9a-f]{32}$/),
      server: 'https://auth.example.com',
    })
    const config = JSON.parse(await textOf('agent.json')) as Record<string, unknown>
    expect(Object.keys(config)).toEqual(['did', 'operator_id', 'server_url', 'public_key', 'key', 'did_document'])
    expect(config).toMatchObject({
      did: printed.did,
      operator_id: '',
      key: { provider: 'file', ref: 'keys/agent.key' },
    })
    expect(config).toMatchObject({ did_document: { id: printed.did, verificationMethod: [{ type: 'Multikey' }] } })
    expect((await stat(join(folder, 'agent.json'))).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect(stdout).not.toContain((await textOf('keys/agent.key')).slice(0, 20))
  })

  it('stores a relative path of the key, so that the folder can be moved', async () => {
    const path = relative(process.cwd(), folder)
    expect(await tool(['init', '--domain', 'example.com', '--config', path])).toMatchObject({ code: 0 })
    const config = JSON.parse(await textOf('agent.json')) as Record<string, unknown>
    expect(config).toMatchObject({ key: { ref: 'keys/agent.key' } })
    const moved = join(home, 'moved')
    await rename(folder, moved)
    const { stdout } = await tool(['doctor', '--config', moved, '--json', '--server', 'http://localhost:1'])
    expect(JSON.parse(stdout)).toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ check: 'agent key', level: 'ok' })]),
    })
  })

  it('prints text for people, and only the DID with --quiet', async () => {
    const said = await tool(['init', '--domain', 'example.com'])
    const { did } = JSON.parse(await textOf('agent.json')) as { did: string }
    expect(said).toEqual({
      code: 0,
      stdout: `agent created\n\ndid: ${did}\nserver: http://localhost:8080\nfolder: ${folder}\n\nnext:\nauth4agent agent register\n`,
      stderr: '',
    })
    const quiet = await tool(['init', '--domain', 'example.com', '--force', '--quiet'])
    expect(quiet.stdout).toBe(`${(JSON.parse(await textOf('agent.json')) as { did: string }).did}\n`)
  })

  it.each([
    ['--config', () => ['--config', join(home, 'other')], () => ` --config ${join(home, 'other')}`],
    ['--context', () => ['--context', 'staging'], () => ' --context staging'],
  ])('keeps %s in the command to paste next', async (_name, flags, kept) => {
    const { stdout } = await tool(['init', '--domain', 'example.com', ...flags()])
    expect(stdout).toMatch(new RegExp(`\\n\\nnext:\\nauth4agent agent register${kept()}\\n$`))
  })

  it('writes the public data to the file of --output', async () => {
    const output = join(home, 'identity.json')
    const { stdout } = await tool(['init', '--operator', '--domain', 'example.com', '--output', output])
    expect(stdout).toBe(`identity written to ${output}\n`)
    expect(JSON.parse(await readFile(output, 'utf8'))).toMatchObject({ mode: 'operator', domain: 'example.com' })
  })

  it.each(['', 'localhost', 'example.com/path', 'a b.example', 'example.com:80', '1.2.3.4', 'user@example.com'])(
    'refuses the domain %j and creates no file',
    async (domain) => {
      expect(await tool(['init', `--domain=${domain}`])).toMatchObject({ code: 2 })
      expect(await readdir(home)).toEqual([])
    },
  )
})

describe('assertion create', () => {
  beforeEach(existingUser)

  it.each([
    [['--rpc', 'GET /v1/operators/{operator}/audit'], `GET /v1/operators/${ID}/audit`],
    [['--rpc', 'auth4agent.v1.IdentityService/ListAgents'], 'auth4agent.v1.IdentityService/ListAgents'],
    [['--method', 'PATCH', '--path', '/v1/x'], 'PATCH /v1/x'],
    [[], undefined],
  ])('with %j prints an assertion for the named call, or without rpc if no call is named', async (args, rpc) => {
    const { stdout } = await tool(['assertion', 'create', '--json', ...args])
    const answer = JSON.parse(stdout) as { assertion: string; rpc?: string }
    expect(answer.rpc).toBe(rpc)
    const claims = JSON.parse(
      Buffer.from(answer.assertion.split('.')[1] ?? '', 'base64url').toString('utf8'),
    ) as Record<string, unknown>
    expect(claims.rpc).toBe(rpc)
  })

  it.each([
    [['--rpc', 'GET /v1/x?page=1']],
    [['--rpc', 'get /v1/x']],
    [['--rpc', '/v1/x']],
    [['--method', 'GET']],
    [['--rpc', 'GET /x', '--method', 'GET', '--path', '/x']],
  ])('refuses %j', async (args) => {
    expect(await tool(['assertion', 'create', ...args])).toMatchObject({ code: 2, stdout: '' })
  })
})

async function both(operator: string, agent: string) {
  await tool(['init', '--operator', '--domain', operator])
  await tool(['init', '--domain', agent])
}

describe('agent register in the folder of an operator that cannot be the operator of the agent', () => {
  it('says that the operator is not registered yet, and how to register it', async () => {
    await both('example.com', 'example.com')
    const { code, stderr } = await tool(['agent', 'register', '--config', folder])
    expect(code).toBe(2)
    expect(stderr).toContain('The operator of this folder, example.com, is not registered yet')
    expect(stderr).toContain(`\`auth4agent operator register --config ${folder}\``)
  })

  it('names both domains if they differ', async () => {
    await both('example.com', 'agents.example.net')
    const { code, stderr } = await tool(['agent', 'register'])
    expect(code).toBe(2)
    expect(stderr).toContain(
      '--operator-id ID is missing: the agent is of the domain agents.example.net, but the operator of this folder is example.com',
    )
    expect(stderr).toContain('Name the operator of agents.example.net, or create an agent of example.com.')
  })

  it('asks only for the id where there is no operator', async () => {
    await tool(['init', '--domain', 'example.com'])
    const { code, stderr } = await tool(['agent', 'register'])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('--operator-id ID is missing\n') })
  })
})
