import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generatePrivateKey, readKeyFile } from '@auth4agent/sdk/node'
import { importJWK, jwtVerify, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accessToken, knownKey } from '../../../test/support/access-tokens.ts'
import { type CliOptions, runCli } from '../../../test/support/cli.ts'
import { type FakeIssuer, startIssuer } from '../../../test/support/sdk/issuer.ts'
import { until } from '../../../test/support/until.ts'

const API = 'https://api.example.com'
const ASKED = ['--scope', 'orders:read', '--aud', API]

let home: string
let issuer: FakeIssuer
let did: string
let jkt: string

const tool = (args: readonly string[], options: CliOptions = {}) => runCli(args, { home, fetch, ...options })
const inHome = (name: string) => join(home, name)

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-home-'))
  issuer = await startIssuer()
  did = (await tool(['init', '--domain', 'example.com', '--server', issuer.url, '--quiet'])).stdout.trim()
  jkt = thumbprint((await readKeyFile(inHome('.auth4agents/keys/agent.key'))).publicKey)
})
afterEach(async () => {
  await issuer[Symbol.asyncDispose]()
  await rm(home, { recursive: true })
})

describe('issue --dpop', () => {
  it("gets a token that is bound to the agent's key, and says what a request with it needs", async () => {
    const { code, stdout, stderr } = await tool(['issue', '--dpop', ...ASKED])
    expect(code).toBe(0)
    expect(stdout).toContain('token_type: DPoP\n')
    expect(stderr).toContain('auth4agent dpop-proof')
    expect(issuer.proofs('/v1/token')).toMatchObject([{ jkt, claims: { htu: `${issuer.url}/v1/token` } }])
  })

  it('prints the type of the token in JSON, and only the token with --quiet', async () => {
    const { stdout, stderr } = await tool(['issue', '--dpop', '--json', ...ASKED])
    expect({ token: JSON.parse(stdout).token_type, stderr }).toEqual({ token: 'DPoP', stderr: '' })
    const quiet = await tool(['issue', '--dpop', '--quiet', ...ASKED])
    expect(quiet).toEqual({ code: 0, stdout: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/), stderr: '' })
  })

  it.each([['issue'], ['exec']])('is what %s suggests if the audience accepts only bound tokens', async (command) => {
    const required = { status: 400, body: { reason: 'DPOP_PROOF_REQUIRED', detail: 'It accepts only bound tokens' } }
    issuer.next('/v1/token', required)
    const program = command === 'exec' ? ['--', 'true'] : []
    const { code, stderr } = await tool([command, ...ASKED, ...program])
    expect(code).toBe(1)
    expect(stderr).toContain('It accepts only bound tokens')
    expect(stderr).toContain('`auth4agent issue --dpop`')
  })
})

describe('dpop-proof', () => {
  const { pair } = knownKey()
  const bound = () => accessToken(pair, {}, { cnf: { jkt } })
  const request = ['--method', 'GET', '--url', `${API}/orders?page=1`]

  it('prints a proof for the request, the token and the nonce', async () => {
    const { code, stdout, stderr } = await tool(['dpop-proof', ...request, '--token', bound(), '--nonce', 'n'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const rules = { method: 'GET', url: `${API}/orders`, nowS: Date.now() / 1000, skewS: 0, accessToken: bound() }
    expect(checkDpopProof(stdout.trim(), rules)).toMatchObject({ ok: true, jkt, nonce: 'n' })
    const piped = await tool(['dpop-proof', ...request, '--token', '-', '--json'], { readStdin: async () => bound() })
    expect(checkDpopProof(JSON.parse(piped.stdout).dpop_proof, rules)).toMatchObject({ ok: true })
  })

  it('prints a proof for a request that carries no token', async () => {
    const url = 'https://auth.example.com/oauth/token'
    const { stdout } = await tool(['dpop-proof', '--method', 'POST', '--url', url])
    const [, claims = ''] = stdout.split('.')
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).not.toHaveProperty('ath')
    expect(checkDpopProof(stdout.trim(), { method: 'POST', url, nowS: Date.now() / 1000, skewS: 0 })).toMatchObject({
      ok: true,
    })
  })

  it('signs with the key of --key', async () => {
    const { signer, text } = generatePrivateKey()
    await writeFile(inHome('other.key'), text, { mode: 0o600 })
    const token = accessToken(pair, {}, { cnf: { jkt: thumbprint(signer.publicKey) } })
    expect(await tool(['dpop-proof', ...request, '--token', token])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('bound to another key'),
    })
    expect(await tool(['dpop-proof', ...request, '--token', token, '--key', inHome('other.key')])).toMatchObject({
      code: 0,
    })
  })

  it.each([
    ['a token that is not bound', 1, [...request, '--token', accessToken(pair)], 'issue --dpop'],
    ['a text that is no token', 2, [...request, '--token', 'a.b.c'], 'must be an access token'],
    ['a method in small letters', 2, ['--method', 'get', '--url', API], 'in capital letters'],
    ['a URL without a scheme', 2, ['--method', 'GET', '--url', 'api.example.com'], 'absolute http or https URL'],
    ['no method', 2, ['--url', API], '--method'],
  ])('refuses %s', async (_name, code, args, message) => {
    const { stdout, ...ended } = await tool(['dpop-proof', ...args])
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining(message) })
    expect(stdout).toBe('')
  })
})

describe('agent-key export', () => {
  /** Checks that a text is the agent's private key as a JWK. */
  async function expectKey(text: string): Promise<void> {
    const jwk = JSON.parse(text)
    expect(jwk).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', kid: jkt })
    const signed = await new SignJWT({}).setProtectedHeader({ alg: 'EdDSA' }).sign(await importJWK(jwk))
    const { publicKey } = await readKeyFile(inHome('.auth4agents/keys/agent.key'))
    const x = Buffer.from(publicKey).toString('base64url')
    await expect(jwtVerify(signed, await importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA'))).resolves.toBeDefined()
  }

  it('writes a new file that only its owner can read, and prints no part of the key', async () => {
    const output = inHome('agent.jwk')
    const { code, stdout, stderr } = await tool(['agent-key', 'export', '--output', output])
    expect(code).toBe(0)
    await expectKey(await readFile(output, 'utf8'))
    expect((await stat(output)).mode & 0o777).toBe(0o600)
    expect(stdout).toBe(`private key exported\n\ndid: ${did}\nkid: ${jkt}\n\nwritten to ${output}\n`)
    const { d } = JSON.parse(await readFile(output, 'utf8'))
    expect(stdout + stderr).not.toContain(d)
    const json = await tool(['agent-key', 'export', '--output', inHome('other.jwk'), '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ output: inHome('other.jwk'), did, kid: jkt })
  })

  it('never replaces a file', async () => {
    const output = inHome('agent.jwk')
    await writeFile(output, 'precious')
    expect(await tool(['agent-key', 'export', '--output', output])).toMatchObject({ code: 4, stdout: '' })
    expect(await readFile(output, 'utf8')).toBe('precious')
  })

  it('writes to standard output only if asked, with a warning on standard error', async () => {
    const { code, stdout, stderr } = await tool(['agent-key', 'export', '--output', '-'])
    expect(code).toBe(0)
    await expectKey(stdout)
    expect(stderr).toContain(`the private key of ${did}: anyone who has it can act as the agent`)
    for (const mode of ['--quiet', '--json']) {
      const other = await tool(['agent-key', 'export', '--output', '-', mode])
      expect(other.stderr).toBe('')
      await expectKey(other.stdout)
    }
    expect(await tool(['agent-key', 'export'])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('introspect', () => {
  const ANSWER = {
    active: true,
    sub: 'x',
    aud: [API],
    scope: 'a',
    token_type: 'DPoP',
    exp: 1_800_000_000,
    cnf: { jkt: 'k' },
  }

  it('asks as the agent, and prints the answer', async () => {
    issuer.next('/oauth/introspect', { body: ANSWER }, { body: ANSWER })
    const { code, stdout } = await tool(['introspect', '--token', 'a.b.c'])
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `token introspection\n\nactive: true\nsubject: x\naudience: [${API}]\nscope: a\ntoken_type: DPoP\nexpires_at: 2027-01-15T08:00:00Z\n`,
    })
    expect(issuer.seen.at(-1)).toMatchObject({ body: { token: 'a.b.c', client_id: did } })
    expect(JSON.parse((await tool(['introspect', '--token', 'a.b.c', '--json'])).stdout)).toEqual(ANSWER)
  })

  it('exits with 1 for a token that is not active', async () => {
    issuer.next('/oauth/introspect', { body: { active: false } }, { body: { active: false } })
    expect(await tool(['introspect', '--token', 'a.b.c', '--quiet'])).toEqual({
      code: 1,
      stdout: 'not active\n',
      stderr: '',
    })
    expect(JSON.parse((await tool(['introspect', '--token', 'a.b.c', '--json'])).stdout)).toEqual({ active: false })
  })

  it('prints times that are no times, and no control characters', async () => {
    issuer.next('/oauth/introspect', { body: { active: true, exp: 1e300, sub: 'a\u001b[2Jb' } })
    const { code, stdout } = await tool(['introspect', '--token', 'a.b.c'])
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('expires_at: 1e+300') })
    expect(stdout).not.toContain('\u001b')
  })
})

it.each([
  [['--dpop-proof', 'a.b.c']],
  [['--dpop-proof', 'a.b.c', '--method', 'GET']],
  [['--method', 'GET', '--url', API]],
])('verify refuses %j, because proof, method and URL belong together', async (args) => {
  const { code, stderr } = await tool(['verify', '--token', 'a.b.c', ...args])
  expect(code).toBe(2)
  expect(stderr).toContain('--dpop-proof, --method and --url must be used together')
})

describe('api-proxy', () => {
  it('sends requests with a bound token and a proof, and ends with 0 on Ctrl-C', async () => {
    const seen: IncomingHttpHeaders[] = []
    const server = createServer(({ headers }, response) => {
      seen.push(headers)
      response.end('done')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const stop = new AbortController()
    const file = inHome('address')
    const args = ['api-proxy', '--api', `${api}/`, ...ASKED, '--dpop', '--prefix-file', file]
    const running = tool(args, { signal: stop.signal })
    const address = await until(
      () => readFile(file, 'utf8').catch(() => ''),
      (text) => text !== '',
    )
    expect(await (await fetch(`${address.trim()}/orders`)).text()).toBe('done')
    stop.abort('interrupted')
    const { code, stdout, stderr } = await running
    server.close()
    expect({ code, stdout }).toEqual({ code: 0, stdout: address })
    expect(stderr).toContain('GET /orders 200\n')
    const [{ authorization = '', dpop = '' } = {}] = seen
    const token = authorization.replace(/^DPoP /, '')
    const rules = { method: 'GET', url: `${api}/orders`, nowS: Date.now() / 1000, skewS: 0, accessToken: token }
    const proof = checkDpopProof(String(dpop), rules)
    expect(proof).toMatchObject({ ok: true })
    expect(issuer.proofs('/v1/token')).toMatchObject([{ jkt: 'jkt' in proof ? proof.jkt : 'none' }])
    // The key of the agent stays out of the proxy's proofs.
    expect(proof).not.toMatchObject({ jkt })
  })

  it.each(['http://api.example.com', 'api.example.com', 'ftp://localhost', `${API}/?a=b`])(
    'refuses the address %s',
    async (api) => {
      expect(await tool(['api-proxy', '--api', api, ...ASKED])).toMatchObject({ code: 2, stdout: '' })
      expect(issuer.seen).toEqual([])
    },
  )

  it('does not listen if the agent gets no token', async () => {
    issuer.next('/v1/token', { status: 403, body: { reason: 'SCOPE_NOT_ALLOWED', detail: 'It is not granted' } })
    expect(await tool(['api-proxy', '--api', API, ...ASKED])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('agent-scopes set'),
    })
    expect(await tool(['api-proxy', '--api', API, '--scope', '*', '--aud', API])).toMatchObject({ code: 2 })
  })
})
