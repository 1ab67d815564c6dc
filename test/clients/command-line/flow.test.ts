import { chmod, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exitCodes } from '../../../clients/cli/src/exit-codes.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import { newKeys } from '../../support/parties.ts'
import type { Json } from '../../support/protocol-client.ts'
import { pasteReadme, readReadme } from './readme.ts'
import { newTool, type Ran, type Tool } from './tool.ts'

const DOMAIN = 'tool.example.com'
const AUDIENCE = `https://api.${DOMAIN}`
const admin = newKeys()

let deployment: Deployment
/** The server's issuer. The stories use another address of the server; the README uses the issuer as the address. */
let issuer: string
let operator: Tool
let agent: Tool
let adminKey: string
let operatorId: string
let did: string
let token: string

beforeAll(async () => {
  const port = await freePort()
  issuer = `http://localhost:${port}`
  ;[deployment, operator, agent] = await Promise.all([
    startDeployment({
      env: {
        PORT: String(port),
        AUTH4AGENT_BASE_URL: issuer,
        AUTH4AGENT_ADMIN_KEY: admin.publicKey.toString('base64'),
      },
    }),
    newTool(),
    newTool(),
  ])
  adminKey = await operator.file('admin.pem', String(admin.privateKey.export({ format: 'pem', type: 'pkcs8' })))
})
afterAll(() => Promise.all([deployment?.stop(), operator?.[Symbol.asyncDispose](), agent?.[Symbol.asyncDispose]()]))

/** Returns the output of a successful run. Throws with all output for any other run. */
function ok({ code, stdout, stderr }: Ran): string {
  if (code !== 0) throw new Error(`The tool exited with ${code}:\n${stdout}${stderr}`)
  return stdout
}

function object(value: unknown): Json {
  if (typeof value !== 'object' || value === null) throw new TypeError('The value is not an object')
  return Object.fromEntries(Object.entries(value))
}

const readJson = async (path: string) => object(JSON.parse(await readFile(path, 'utf8')))
const init = (tool: Tool, ...more: string[]) =>
  tool.run('init', '--domain', DOMAIN, '--server', deployment.server.baseUrl, '--issuer', issuer, ...more)

describe('the README of the tool', () => {
  it('has commands that work when pasted in order', async () => {
    const output = await pasteReadme({
      server: issuer,
      domain: 'readme.example.com',
      publish: (name, value) => deployment.dns.setTxt(name, [value]),
    })
    expect(output).toMatch(
      /operator verified[\s\S]*status: active[\s\S]*valid: true[\s\S]*online verification: success/,
    )
    expect(output).toMatch(
      /TOKEN_REVOKED[\s\S]*refused, as it should be[\s\S]*pending[\s\S]*agent approved[\s\S]*"audiences":\[\]/,
    )
  })

  it('lists all exit codes', async () => {
    const rows = [...(await readReadme()).matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, means]) => [
      Number(code),
      means,
    ])
    expect(rows).toEqual(Object.values(exitCodes).map(({ code, means }) => [code, means]))
  })
})

describe('the command line tool, from an operator to a token and back', () => {
  it('1. init makes an operator with a private key file and does not overwrite it', async () => {
    expect(JSON.parse(ok(await init(operator, '--operator', '--json')))).toEqual({
      mode: 'operator',
      domain: DOMAIN,
      root_public_key: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      server: deployment.server.baseUrl,
    })
    const key = join(operator.folder, 'keys/operator.key')
    expect((await stat(key)).mode & 0o777).toBe(0o600)
    const text = await readFile(key, 'utf8')
    expect(Buffer.from(text, 'base64').length).toBe(64)
    const again = await init(operator, '--operator', '--json')
    expect(again.code).toBe(4)
    expect(again.json()).toMatchObject({ error: { reason: 'CONFIGURATION', hint: expect.stringContaining('--force') } })
    expect(await readFile(key, 'utf8')).toBe(text)
  })

  it('2. the operator registers and proves its domain', async () => {
    expect(await operator.run('assertion', 'create')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('auth4agent operator register'),
    })
    expect(ok(await operator.run('operator', 'register'))).toMatch(
      /^operator registered\n\nid: .*\ndomain: tool.example.com\nstatus: pending\n/,
    )
    operatorId = String((await readJson(join(operator.folder, 'operator.json'))).id)
    const told = object((await operator.run('operator', 'show-proof', '--json')).json())
    const unproven = await operator.run('operator', 'confirm', '--json')
    expect(unproven.code).toBe(1)
    expect(unproven.json()).toMatchObject({ verified: false, reason: 'TXT_RECORD_NOT_FOUND' })
    deployment.dns.setTxt(String(told.txt_record_name), [String(told.txt_record_value)])
    expect(ok(await operator.run('operator', 'confirm'))).toMatch(/^operator verified\n\nverified_at: \d{4}/)
    expect(ok(await operator.run('operator', 'status'))).toContain('status: active')
    expect(await readJson(join(operator.folder, 'operator.json'))).toMatchObject({
      domain_verified_at: expect.any(String),
    })
  })

  it('3. an agent in another folder is pending until its operator approves it', async () => {
    did = ok(await init(agent, '--quiet')).trim()
    const registered = await agent.run('agent', 'register', '--operator-id', operatorId, '--json')
    expect(registered.json()).toMatchObject({ did, status: 'pending' })
    expect(ok(await agent.run('whoami'))).toBe(
      `Mode: Agent\nDID: ${did}\nOperator: ${operatorId}\nServer: ${deployment.server.baseUrl}\n`,
    )
    const early = await agent.run('token', 'issue', '--scope', 'orders:read', '--aud', AUDIENCE, '--json')
    expect(early.code).toBe(1)
    expect(early.json()).toMatchObject({
      error: { reason: 'AGENT_NOT_ACTIVE', hint: expect.stringContaining('agent approve') },
    })
    expect((await operator.run('agent', 'list', '--status', 'pending', '--json')).json()).toMatchObject([{ did }])
    expect(ok(await operator.run('agent', 'approve', did))).toContain('status: active')
  })

  it('init writes the DID document that the server publishes for an active agent', async () => {
    const headers = { accept: 'application/did+json' }
    const published = await fetch(`${deployment.server.baseUrl}/v1/agent/${did}`, { headers })
    const { did_document } = await readJson(join(agent.folder, 'agent.json'))
    expect(did_document).toEqual(await published.json())
  })

  it('4. the operator grants scopes, and the tool lists them', async () => {
    const scopes = 'orders:write,orders:read'
    const set = ['scope', 'set', '--scopes', scopes, '--did', did]
    expect(ok(await operator.run(...set))).toBe(`scopes set\n\nagent: ${did}\nscopes: orders:read orders:write\n`)
    expect((await operator.run(...set, '--json')).json()).toEqual({
      updated: true,
      did,
      allowed_scopes: ['orders:read', 'orders:write'],
    })
    expect(ok(await agent.run('scope', 'list'))).toBe(`Allowed scopes for ${did}:\n  - orders:read\n  - orders:write\n`)
  })

  it('5. the agent gets a token only for granted scopes', async () => {
    const issued = object(
      JSON.parse(
        ok(await agent.run('token', 'issue', '--scope', 'orders:read', '--aud', AUDIENCE, '--ttl', '10m', '--json')),
      ),
    )
    expect(issued).toEqual({
      token: expect.any(String),
      token_type: 'Bearer',
      expires_at: expect.stringMatching(/^[\d-]+T[\d:]+Z$/),
    })
    token = String(issued.token)
    const more = await agent.run('token', 'issue', '--scope', 'admin', '--aud', AUDIENCE)
    expect(more).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('scope set') })
    const form = await agent.run('token', 'issue', '--scope', 'orders:read', '--aud', 'not an audience')
    expect(form).toMatchObject({ code: 2, stderr: expect.stringContaining('audience') })
  })

  it('6. verify reads a token from an argument, a file and a pipe, and says that offline it cannot see revocations', async () => {
    const text = ok(await agent.run('token', 'verify', '--token', token))
    expect(text).toContain(
      `valid: true\nexpired: false\nissuer: ${issuer}\nsubject: ${did}\naudience: [${AUDIENCE}]\nscope: orders:read\n`,
    )
    expect(text).toContain('cannot see revocations')
    const path = await agent.file('token.txt', `${token}\n`)
    expect((await agent.run('token', 'verify', '--token', `@${path}`, '--json')).json()).toMatchObject({
      valid: true,
      subject: did,
      revocation: 'not checked',
    })
    const wanted = ['--aud', AUDIENCE, '--scope', 'orders:read', '--operator', DOMAIN]
    const online = await agent.feed(token, 'verify', '--token', '-', '--online', '--json', ...wanted)
    expect(online.json()).toMatchObject({ valid: true, revocation: 'checked', online: { valid: true } })
    for (const [flag, value, reason] of [
      ['--aud', 'https://other.example.com', 'AUDIENCE_MISMATCH'],
      ['--scope', 'orders:write', 'SCOPE_MISSING'],
      ['--operator', 'other.example.com', 'OPERATOR_NOT_TRUSTED'],
    ] as const) {
      const refused = await agent.run('token', 'verify', '--token', token, flag, value, '--json')
      expect(refused.code).toBe(1)
      expect(refused.json()).toMatchObject({ valid: false, reason, wanted: expect.stringContaining(value) })
      expect((await agent.run('token', 'verify', '--token', token, flag, value)).stdout).toMatch(
        new RegExp(`^reason: ${reason}: .*\\nwanted: \\w+ ${value}\\nthe token has: \\S`, 'm'),
      )
    }
    for (const command of [
      ['token', 'verify', '--token'],
      ['token', 'revoke', '--token'],
    ])
      expect(await agent.run(...command, path)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`Did you mean @${path}?`),
      })
    const forged = `${token.slice(0, -8)}AAAAAAAA`
    expect(await agent.run('token', 'verify', '--token', forged)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('SIGNATURE_INVALID'),
    })
  })

  it('7. token revoke ends the token, and only token verify --online reports that', async () => {
    expect(ok(await agent.feed(token, 'token', 'revoke', '--token', '-', '--reason', 'leaked'))).toMatch(
      /^token revoked\n\njti: /,
    )
    const online = await agent.run('token', 'verify', '--token', token, '--online', '--json')
    expect(online.code).toBe(1)
    expect(online.json()).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED', online: { revoked: true } })
    expect(await agent.run('token', 'verify', '--token', token)).toMatchObject({ code: 0 })
  })

  it('8. the operator suspends, reactivates and revokes the agent', async () => {
    ok(await operator.run('agent', 'suspend', '--agent-id', did, '--reason', 'investigating'))
    expect(await agent.run('token', 'issue', '--scope', 'orders:read', '--aud', AUDIENCE)).toMatchObject({ code: 1 })
    expect((await operator.run('agent', 'list-revoked', '--json')).json()).toMatchObject([{ did, status: 'suspended' }])
    ok(await operator.run('agent', 'reactivate', '--agent-id', did))
    ok(await agent.run('token', 'issue', '--scope', 'orders:read', '--aud', AUDIENCE))
    ok(await operator.run('agent', 'revoke', '--id', did, '--reason', 'decommissioned'))
    expect(ok(await operator.run('agent', 'list-revoked'))).toMatch(new RegExp(`^${did} {2}revoked {2}`))
  })

  it('9. audit list shows the revocation, and assertion create makes an assertion for one call', async () => {
    const records = (await operator.run('audit', 'list', '--action', 'agent.revoke', '--json')).json()
    expect(records).toMatchObject([{ action: 'agent.revoke', subject: did, outcome: 'done', reason: 'decommissioned' }])
    const path = `/v1/operators/${operatorId}/policy`
    const assertion = ok(
      await operator.run('assertion', 'create', '--rpc', 'GET /v1/operators/{operator}/policy'),
    ).trim()
    const { client } = deployment
    expect(await client.send('GET', path, undefined, `Bearer ${assertion}`)).toMatchObject({ status: 200 })
    expect(
      await client.send('GET', `/v1/operators/${operatorId}/audit`, undefined, `Bearer ${assertion}`),
    ).toMatchObject({ status: 401 })
  })

  it('10. the administrator lists signing keys, and the tool refuses wrong key files and those that others can read', async () => {
    const args = ['--server', deployment.server.baseUrl, '--issuer', issuer, '--key', adminKey]
    expect((await operator.run('signing-key', 'list', ...args, '--json')).json()).toMatchObject({
      keys: expect.arrayContaining([expect.objectContaining({ state: 'active', alg: 'EdDSA' })]),
    })
    expect(await operator.run('signing-key', 'rotate', ...args)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('KEY_NOT_READY'),
    })
    const wrong = await operator.run(
      'signing-key',
      'list',
      '--server',
      deployment.server.baseUrl,
      '--issuer',
      issuer,
      '--key',
      join(operator.folder, 'keys/operator.key'),
    )
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('INVALID_ASSERTION') })
    await chmod(adminKey, 0o644)
    expect(await operator.run('signing-key', 'list', ...args)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(`chmod 600 '${adminKey}'`),
    })
  })

  it('11. issue signs nothing for a server with another issuer', async () => {
    const other = await agent.run(
      'token',
      'issue',
      '--scope',
      'orders:read',
      '--aud',
      AUDIENCE,
      '--server',
      deployment.server.baseUrl,
      '--json',
    )
    expect(other.code).toBe(1)
    expect(other.json()).toMatchObject({ error: { reason: 'ISSUER_MISMATCH' } })
  })
})
