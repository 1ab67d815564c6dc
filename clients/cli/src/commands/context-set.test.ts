import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliOptions, runCli } from '../../../../test/support/cli.ts'
import { newKeys } from '../../../../test/support/parties.ts'

const pem = String(newKeys().privateKey.export({ format: 'pem', type: 'pkcs8' }))
const SERVER = 'https://auth.example.com'

let home: string
let folder: string
let keyFile: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-context-set-'))
  folder = join(home, '.auth4agents')
  keyFile = join(home, 'admin-key.pem')
  await writeFile(keyFile, pem, { mode: 0o600 })
})
afterEach(() => rm(home, { recursive: true }))

const tool = (line: string, options: CliOptions = {}) =>
  runCli(line.replaceAll('#', `${home}/`).split(' '), { home, ...options })
const json = async (name: string) => JSON.parse(await readFile(join(folder, name), 'utf8')) as unknown

/** A server that remembers each request. */
function listening(answer: unknown) {
  const seen: { readonly url: string; readonly authorization: string | null }[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    seen.push({ url: request.url, authorization: request.headers.get('authorization') })
    return Response.json(answer)
  }
  return { fetch, seen }
}

/** The claims of the assertion of a request. */
function claimsOf(authorization: string | null | undefined): unknown {
  return JSON.parse(Buffer.from(authorization?.split('.')[1] ?? '', 'base64url').toString())
}

describe('context set', () => {
  it('gives a folder without agent and operator a server, which every command uses', async () => {
    expect(await tool(`context set --server ${SERVER}/`)).toMatchObject({
      code: 0,
      stdout: `Server URL updated to: ${SERVER}\n`,
    })
    expect(await json('server.json')).toEqual({ server_url: SERVER })
    const { fetch, seen } = listening({ status: 'ok' })
    expect((await tool('server status', { fetch })).code).toBe(0)
    expect(seen.map(({ url }) => url)).toEqual([`${SERVER}/health`])
  })

  it('gives a context the administrator key, which signs for the issuer of the context', async () => {
    await tool(
      `context set --context admin --server http://127.0.0.1:9 --issuer ${SERVER} --administrator-key #admin-key.pem`,
    )
    const { fetch, seen } = listening({ keys: [] })
    const { code } = await tool('signing-key list --context admin --json', { fetch })
    expect([code, seen[0]?.url]).toEqual([0, 'http://127.0.0.1:9/v1/keys'])
    expect(claimsOf(seen[0]?.authorization)).toMatchObject({ iss: 'admin', aud: SERVER })
    const { stdout } = await tool(`assertion create --admin --context admin --quiet`)
    expect(claimsOf(stdout)).toMatchObject({ iss: 'admin', aud: SERVER })
  })

  it('stores the path of the key, not the key, and relative inside the folder', async () => {
    await tool(`context set --server ${SERVER} --administrator-key #admin-key.pem`)
    expect(await json('server.json')).toEqual({ server_url: SERVER, administrator_key: keyFile })
    await mkdir(join(folder, 'keys'), { recursive: true })
    await writeFile(join(folder, 'keys/admin.pem'), pem, { mode: 0o600 })
    await tool('context set --administrator-key #.auth4agents/keys/admin.pem')
    expect(await json('server.json')).toEqual({ server_url: SERVER, administrator_key: 'keys/admin.pem' })
    expect((await tool('context show --json')).stdout).toContain('"administrator_key":"keys/admin.pem"')
  })

  it('forgets the key with none, and a command of the administrator then says how to name it', async () => {
    await tool(`context set --server ${SERVER} --administrator-key #admin-key.pem`)
    await tool('context set --administrator-key none')
    expect(await json('server.json')).toEqual({ server_url: SERVER, administrator_key: '' })
    expect(await tool('signing-key list')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(
        /No administrator key is configured.*\n.*auth4agent context set --administrator-key/,
      ),
    })
  })

  it('changes the server of agent and operator, and writes no server.json beside them', async () => {
    await tool(`init --operator --domain example.com`)
    await tool('init')
    const { stdout } = await tool(`context set --server ${SERVER} --json`)
    expect(JSON.parse(stdout)).toEqual({ server_url: SERVER, updated: ['agent', 'operator'] })
    expect([await json('agent.json'), await json('operator.json')]).toMatchObject([
      { server_url: SERVER },
      { server_url: SERVER },
    ])
    await expect(json('server.json')).rejects.toThrow('ENOENT')
  })

  it.each([
    ['nothing to change', '', 2, 'Name what to change'],
    ['an issuer without a server', '--issuer https://a.example', 2, '--issuer needs --server'],
    ['a key from standard input', '--administrator-key -', 2, 'must name a file'],
    ['a key file that is missing', '--administrator-key #none.pem', 4, 'There is no key file'],
    ['a server without TLS', '--server http://auth.example.com', 2, 'is not a valid address'],
  ])('refuses %s, and writes nothing', async (_name, flags, code, message) => {
    expect(await tool(`context set ${flags}`.trim())).toMatchObject({ code, stderr: expect.stringContaining(message) })
    await expect(json('server.json')).rejects.toThrow('ENOENT')
  })

  it('refuses a server.json that is no object or has no texts', async () => {
    await mkdir(folder, { recursive: true })
    for (const text of ['[]', '{"server_url": 1}', 'x']) {
      await writeFile(join(folder, 'server.json'), text)
      expect(await tool('server status')).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('server.json must be'),
      })
    }
  })
})

describe('init', () => {
  it('gives an agent the domain, server and issuer of the operator in the folder', async () => {
    await tool(`init --operator --domain example.com --server http://127.0.0.1:9 --issuer ${SERVER}`)
    expect((await tool('init')).code).toBe(0)
    expect(await json('agent.json')).toMatchObject({
      did: expect.stringMatching(/^did:agent:example\.com:/),
      server_url: 'http://127.0.0.1:9',
      issuer: SERVER,
    })
  })

  it('needs a domain for an operator, and for an agent without an operator', async () => {
    for (const line of ['init', 'init --operator'])
      expect(await tool(line)).toMatchObject({ code: 2, stderr: expect.stringContaining('Missing: --domain DOMAIN') })
  })

  it('uses the server of --server, or of the context, or the one on this machine', async () => {
    await tool(`context set --context a --server ${SERVER}`)
    await tool('init --context a --domain a.example')
    await tool('init --context b --domain b.example')
    expect(await json('contexts/a/agent.json')).toMatchObject({ server_url: SERVER })
    expect(await json('contexts/b/agent.json')).toMatchObject({ server_url: 'http://localhost:8080' })
  })
})
