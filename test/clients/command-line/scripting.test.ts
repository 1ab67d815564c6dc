import { createPublicKey } from 'node:crypto'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { endCli, startCli } from '../../support/cli-process.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import { newKeys } from '../../support/parties.ts'
import { until } from '../../support/until.ts'

const DOMAIN = 'scripting.example.com'
const AUDIENCE = `https://api.${DOMAIN}`
const TTL_S = 7 * 60
const admin = newKeys()

let deployment: Deployment
let issuer: string
let home: string
let folder: string
let adminKey: string
let did: string
let id: string

const run = (...args: readonly string[]) => runCli(args, { home, fetch: globalThis.fetch })

/**
 * Runs a command with --quiet and returns its only line of output. Throws if the command fails, writes another number
 * of lines, or writes on standard error.
 */
async function result(...args: readonly string[]): Promise<string> {
  const lines = await results(...args)
  if (lines.length !== 1) throw new Error(`The tool wrote ${lines.length} lines, not one`)
  return lines[0] ?? ''
}

async function results(...args: readonly string[]): Promise<readonly string[]> {
  const { code, stdout, stderr } = await run(...args, '--quiet')
  if (code !== 0 || stderr !== '' || !(stdout === '' || stdout.endsWith('\n'))) {
    throw new Error(`The command ${args.join(' ')} exited with ${code}:\n${stdout}${stderr}`)
  }
  return stdout === '' ? [] : stdout.slice(0, -1).split('\n')
}

/** Returns the claims of a token. */
function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>
}

const asAdmin = () => ['--server', issuer, '--key', adminKey] as const
const asking = (scope = 'a:read') => ['--scope', scope, '--aud', AUDIENCE] as const

beforeAll(async () => {
  const port = String(await freePort())
  issuer = `http://localhost:${port}`
  const env = {
    PORT: port,
    AUTH4AGENT_BASE_URL: issuer,
    AUTH4AGENT_ADMIN_KEY: admin.publicKey.toString('base64'),
    AUTH4AGENT_TOKEN_TTL: `${TTL_S}s`,
  }
  deployment = await startDeployment({ env })
  home = await mkdtemp(join(tmpdir(), 'a4a-scripting-'))
  folder = join(home, '.auth4agents')
  adminKey = join(home, 'admin.pem')
  await writeFile(adminKey, admin.privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
})
afterAll(async () => {
  await deployment?.stop()
  await rm(home, { recursive: true })
})

describe('--quiet prints only the result', () => {
  it('from init to an active agent', async () => {
    expect(await result('init', '--operator', '--domain', DOMAIN, '--server', issuer)).toMatch(/^[A-Za-z0-9+/]{43}=$/)
    const operatorId = await result('operator', 'register')
    expect(await result('operator', 'status')).toBe('pending')
    expect(await run('operator', 'confirm', '--quiet')).toMatchObject({
      code: 1,
      stdout: 'TXT_RECORD_NOT_FOUND\n',
      stderr: '',
    })
    const [, name = '', value = ''] = /^(\S+)\. IN TXT "(.*)"$/.exec(await result('operator', 'show-proof')) ?? []
    const waiting = startCli(['operator', 'confirm', '--wait'], { HOME: home })
    await until(
      async () => waiting.output().stderr,
      (text) => text.includes('asking again until'),
    )
    deployment.dns.setTxt(name, [value])
    expect(await waiting.line()).toBe('operator verified')
    expect(await waiting.ended).toBe(0)
    expect(await result('operator', 'confirm')).toBe('verified')
    expect(await result('whoami')).toBe(operatorId)
    did = await result('init', '--domain', DOMAIN, '--server', issuer)
    expect(await result('agent', 'register')).toBe(did)
    expect(await result('whoami')).toBe(did)
    const [agent] = JSON.parse((await run('agent', 'list', '--json')).stdout) as { id: string }[]
    id = agent?.id ?? ''
    expect(await results('agent', 'list')).toEqual([did])
    expect(await results('agent', 'list', '--status', 'pending')).toEqual([])
  })

  it('of each command about tokens and agents', async () => {
    expect(await results('scope', 'set', '--scope', 'a:read b:write')).toEqual(['a:read', 'b:write'])
    expect(await results('scope', 'list')).toEqual(['a:read', 'b:write'])
    const token = await result('token', 'issue', ...asking())
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(await result('token', 'verify', '--token', token, '--online')).toBe('valid')
    expect(await result('token', 'revoke', '--token', token)).toBe(claimsOf(token).jti)
    expect(await run('token', 'verify', '--token', token, '--online', '--quiet')).toMatchObject({
      code: 1,
      stdout: 'TOKEN_REVOKED\n',
      stderr: '',
    })
    expect(await result('agent', 'suspend')).toBe(did)
    expect(await results('agent', 'list-revoked')).toEqual([did])
    expect(await result('agent', 'reactivate')).toBe(did)
    expect(await results('agent', 'list-revoked')).toEqual([])
    expect(await result('agent', 'update', '--label', 'x')).toBe(did)
    const output = await result('token', 'issue', ...asking(), '--output', join(folder, 'token'))
    expect(claimsOf(await readFile(output, 'utf8'))).toMatchObject({ sub: did })
  })

  it('of each command about operators, servers and their keys', async () => {
    // The tool demanded it after it had verified the operator.
    expect(await results('policy', 'show')).toContain('require_body_digest: on')
    expect(await result('assertion', 'create')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(Number(await result('operator', 'end-all-tokens'))).toBeGreaterThan(0)
    expect(await result('server', 'status')).toBe('ok')
    expect(await result('context', 'set', '--server', issuer)).toBe(issuer)
    expect(await result('version')).toMatch(/^\d+\.\d+\.\d+$/)
    expect(await result('audit', 'list', '--action', 'operator.register')).toMatch(/ {2}operator\.register {2}/)
    const { keys } = JSON.parse((await run('signing-key', 'list', ...asAdmin(), '--json')).stdout) as {
      keys: { kid: string }[]
    }
    expect(await results('signing-key', 'list', ...asAdmin())).toEqual(keys.map(({ kid }) => kid))
    expect(Number(await result('deployment', 'end-all-tokens', ...asAdmin()))).toBeGreaterThan(0)
  })
})

describe('scopes', () => {
  it.each([
    [['--scope', 'a:read', '--scope', 'b:write']],
    [['--scope', 'b:write,a:read']],
    [['--scopes', ' a:read   b:write ']],
    [['--scopes', 'a:read, b:write', '--scope', 'a:read']],
  ])('given as %j are read alike by scope set, token issue and token verify', async (scopes) => {
    expect(await results('scope', 'set', ...scopes)).toEqual(['a:read', 'b:write'])
    const token = await result('token', 'issue', ...scopes, '--aud', AUDIENCE)
    expect(claimsOf(token).scope).toBe('a:read b:write')
    expect(await result('token', 'verify', '--token', token, ...scopes, '--online')).toBe('valid')
    const narrow = await result('token', 'issue', ...asking())
    expect(await run('token', 'verify', '--token', narrow, ...scopes, '--quiet')).toMatchObject({
      code: 1,
      stdout: 'SCOPE_MISSING\n',
    })
  })

  it('must contain a scope in token verify, scope set and token issue', async () => {
    const token = await result('token', 'issue', ...asking())
    for (const args of [
      ['token', 'verify', '--token', token],
      ['scope', 'set'],
      ['token', 'issue', '--aud', AUDIENCE],
    ]) {
      expect(await run(...args, '--scope', ' , ')).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining('--scope must name a scope'),
      })
    }
    expect(await results('scope', 'list')).toEqual(['a:read', 'b:write'])
  })
})

describe('an agent', () => {
  it('is named by DID, id, self or nothing, as argument or flag, in every command', async () => {
    const ways = [[did], [id], ['self'], [], ['--agent', did], ['--agent', id], ['--agent', 'self']]
    for (const way of [...ways, ['--did', did], ['--agent-id', id], ['--id', did]]) {
      expect(await results('scope', 'list', ...way)).toEqual(['a:read', 'b:write'])
    }
    for (const way of [[id], ['self'], []]) {
      expect(await result('agent', 'suspend', ...way)).toBe(did)
      expect(await result('agent', 'reactivate', ...way)).toBe(did)
      expect(await result('agent', 'update', ...way, '--label', 'y')).toBe(did)
      expect(await results('scope', 'set', ...way, '--scope', 'a:read,b:write')).toEqual(['a:read', 'b:write'])
    }
    expect(await result('audit', 'list', '--agent', id, '--action', 'agent.register')).toContain(did)
  })

  it('is refused if its name is invalid, given twice, unknown, or missing in agent revoke', async () => {
    for (const args of [
      ['scope', 'list', 'x'],
      ['agent', 'approve', did, '--agent', did],
      ['agent', 'revoke'],
    ]) {
      expect(await run(...args)).toMatchObject({ code: 2, stdout: '' })
    }
    const stranger = '0f7e9f3c-62d1-8a55-9b60-5f3d2c1b0a99'
    expect(await run('scope', 'list', stranger)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('AGENT_NOT_FOUND'),
    })
  })
})

it('token issue --quiet writes only a token and a line break', async () => {
  const { code, stdout, stderr } = await endCli(['token', 'issue', '--quiet', ...asking()], { HOME: home })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
})

it("issue uses the server's default lifetime, unless --ttl is given", async () => {
  const { iat, exp } = claimsOf(await result('token', 'issue', ...asking()))
  expect(Number(exp) - Number(iat)).toBe(TTL_S)
  const shorter = claimsOf(await result('token', 'issue', ...asking(), '--ttl', '90s'))
  expect(Number(shorter.exp) - Number(shorter.iat)).toBe(90)
})

it('audit prints a header and accepts durations before now', async () => {
  const { stdout } = await run('audit', 'list', '--since', '1h', '--limit', '2')
  expect(stdout).toMatch(/^TIME +OUTCOME +ACTION\n\d{4}-.*\n(?: {4}.*\n)+\d{4}-.*\n(?: {4}.*\n)+$/)
  expect(await results('audit', 'list', '--since', '1h', '--until', '50m')).toEqual([])
  expect(await run('audit', 'list', '--since', 'yesterday')).toMatchObject({ code: 2 })
})

it('prints JSON only with --json', async () => {
  const { stdout } = await run('server', 'show-jwks')
  expect(stdout).toMatch(/^KID +ALG\n(?:[\w-]{43} +\w+\n)+$/)
  for (const command of [
    ['policy', 'show'],
    ['scope', 'set', '--scope', 'a:read,b:write'],
    ['server', 'show-jwks'],
  ]) {
    const text = (await run(...command)).stdout + (await run(...command, '--quiet')).stdout
    expect(text).not.toMatch(/[{}"]/)
    expect(JSON.parse((await run(...command, '--json')).stdout)).toBeInstanceOf(Object)
  }
})

it('jwks prints the JWKS, and with --pem the same keys as PEM', async () => {
  const set = JSON.parse((await run('server', 'show-jwks', '--json')).stdout) as {
    keys: { kid: string; alg: string; kty: string; use: string }[]
  }
  expect(set).toEqual(await (await fetch(`${issuer}/.well-known/jwks.json`)).json())
  const text = (await results('server', 'show-jwks', '--pem')).join('\n')
  const found = [...text.matchAll(/# kid: (\S+) alg: (\S+)\n(-----BEGIN PUBLIC KEY-----[^#]*)/g)]
  const [jwks, pems] = [
    set.keys.map(({ kid, alg, use: _use, ...jwk }) => ({ kid, alg, jwk })),
    found.map(([, kid, alg, pem = '']) => ({ kid, alg, jwk: createPublicKey(pem).export({ format: 'jwk' }) })),
  ]
  expect(pems).toEqual(jwks)
  expect(new Set(jwks.map(({ jwk }) => jwk.kty))).toEqual(new Set(['OKP', 'EC', 'RSA']))
})

const env = () => ({ HOME: home })
/** Returns the arguments that run a Node program with a token in its environment. */
const program = (source: string, ...flags: readonly string[]) => [
  'token',
  'exec',
  ...asking(),
  ...flags,
  '--',
  process.execPath,
  '-e',
  source,
]

describe('token exec', () => {
  it("runs a program with the token in its environment, prints nothing, and exits with the program's code", async () => {
    const told = await endCli(program('console.log(process.env.AUTH4AGENT_TOKEN); process.exitCode = 7'), env())
    expect(told).toMatchObject({ code: 7, stderr: '' })
    expect(claimsOf(told.stdout)).toMatchObject({ sub: did, scope: 'a:read' })
    const named = await endCli(
      program('console.log(process.env.API_TOKEN, process.env.AUTH4AGENT_TOKEN)', '--env', 'API_TOKEN'),
      env(),
    )
    expect(named.stdout).toMatch(/^\S+\.\S+\.\S+ undefined\n$/)
  })

  it('passes all words after -- to the program unchanged, and fails without a program or with an invalid --env', async () => {
    const words = ['--help', '--json', '--', 'a b', '$HOME']
    const { stdout } = await endCli(
      [...program('console.log(JSON.stringify(process.argv.slice(1)))'), '--', ...words],
      env(),
    )
    expect(JSON.parse(stdout)).toEqual(words)
    expect(await endCli(['token', 'exec', ...asking()], env())).toMatchObject({ code: 2 })
    expect(await endCli(['token', 'exec', ...asking(), 'echo'], env())).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('after `--`'),
    })
    expect(await endCli(['token', 'exec', ...asking(), '--env', 'A=B', '--', 'true'], env())).toMatchObject({ code: 2 })
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)("forwards %s and exits with the program's code", async (signal) => {
    const handled = startCli(
      program(`process.on('${signal}', () => process.exit(9)); console.log('ready'); setTimeout(() => {}, 20_000)`),
      env(),
    )
    expect(await handled.line()).toBe('ready')
    expect(await handled.stop(signal)).toBe(9)
  })

  it('is ended by the signal that ended the program', async () => {
    const plain = startCli(program("console.log('ready'); setTimeout(() => {}, 20_000)"), env())
    expect(await plain.line()).toBe('ready')
    // The exit code is null after a signal.
    expect(await plain.stop('SIGTERM')).toBe(null)
  })

  it('removes private keys from the environment of the program', async () => {
    const keys = join(folder, 'keys')
    const [name = ''] = await readdir(keys)
    const secrets = {
      AGENT_KEY: await readFile(join(keys, name), 'utf8'),
      ADMIN_PEM: await readFile(adminKey, 'utf8'),
      AUTH4AGENT_KEK: Buffer.alloc(32, 1).toString('base64'),
    }
    const { stdout } = await endCli(program('console.log(JSON.stringify(process.env))'), {
      ...env(),
      ...secrets,
      KEPT: 'x',
    })
    const seen = JSON.parse(stdout) as Record<string, string>
    expect(Object.keys(seen).filter((each) => Object.hasOwn(secrets, each))).toEqual([])
    expect(seen).toMatchObject({ KEPT: 'x', AUTH4AGENT_TOKEN: expect.any(String) })
  })

  it('runs nothing without a token, and exits with 127 or 126 for a program that cannot run', async () => {
    expect(await endCli(['token', 'exec', ...asking('admin'), '--', 'echo', 'ran'], env())).toMatchObject({
      code: 1,
      stdout: '',
    })
    expect(await endCli(['token', 'exec', ...asking(), '--', join(folder, 'nothing')], env())).toMatchObject({
      code: 127,
    })
    expect(await endCli(['token', 'exec', ...asking(), '--', folder], env())).toMatchObject({ code: 126, stdout: '' })
  })
})

it('issue works with a folder that was moved', async () => {
  const moved = join(folder, '../moved')
  await rename(folder, moved)
  expect(await result('token', 'issue', ...asking(), '--config', moved)).toMatch(/^\S+$/)
})
