import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createVerifier, type Verifier } from '@auth4agent/verifier'
import { claimsOf, protect } from '@auth4agent/verifier/express'
import express from 'express'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliResult, runCli } from '../../support/cli.ts'
import { type CliProcess, startCli } from '../../support/cli-process.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'

const DOMAIN = 'bound.example.com'
/** An audience of the operator, which its policy protects. */
const OWN = `https://api.${DOMAIN}`

let deployment: Deployment
let home: string
let did: string
/** An API that accepts only bound tokens. */
let api: string
let server: Server
let verifier: Verifier
let proxy: CliProcess | undefined

beforeAll(async () => {
  const port = String(await freePort())
  const issuer = `http://localhost:${port}`
  deployment = await startDeployment({ env: { PORT: port, AUTH4AGENT_BASE_URL: issuer } })
  home = await mkdtemp(join(tmpdir(), 'a4a-bound-'))
  await succeed('init', '--operator', '--domain', DOMAIN, '--server', issuer)
  await succeed('operator', 'register')
  const proof = await succeed('operator', 'show-proof', '--json')
  const { txt_record_name: name, txt_record_value: value } = JSON.parse(proof)
  deployment.dns.setTxt(name, [value])
  await succeed('operator', 'confirm')
  did = (await succeed('init', '--domain', DOMAIN, '--server', issuer, '--quiet')).trim()
  await succeed('agent', 'register')
  await succeed('scope', 'set', '--scope', 'orders:read')
  const app = express()
  server = createServer(app)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  verifier = createVerifier({ issuer, audience: api, operators: [DOMAIN], revocations: 'none', dpop: 'required' })
  await verifier.ready()
  app.use(protect(verifier, { scope: 'orders:read' }))
  app.get('/orders', (_request, response) => response.json(claimsOf(response)))
})
afterAll(async () => {
  await proxy?.stop()
  verifier?.close()
  server?.closeAllConnections()
  server?.close()
  await deployment?.stop()
  await rm(home, { recursive: true })
})

const run = (...args: readonly string[]): Promise<CliResult> => runCli(args, { home, fetch })

/** Runs the tool, and returns its output. Throws with all output if it fails. */
async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args)
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}:\n${stdout}${stderr}`)
  return stdout
}

const ask = (audience: string) => ['--scope', 'orders:read', '--aud', audience] as const
const newToken = async () => (await succeed('token', 'issue', '--dpop', '--quiet', ...ask(api))).trim()
const proofFor = async (token: string) =>
  (await succeed('dpop-proof', 'create', '--method', 'GET', '--url', `${api}/orders`, '--token', token)).trim()

const send = (authorization: string, dpop?: string) =>
  fetch(`${api}/orders?page=1`, { headers: { authorization, ...(dpop !== undefined && { dpop }) } })

it('1. an operator demands bound tokens for its audience, and the agent gets one only with --dpop', async () => {
  const set = await succeed('policy', 'set', '--audience', OWN, '--dpop-rule', 'required-with-nonce')
  expect(set).toContain(`${OWN} dpop: none -> required-with-nonce`)
  expect(await run('token', 'issue', ...ask(OWN))).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('auth4agent token issue --dpop'),
  })
  expect(JSON.parse(await succeed('token', 'issue', '--dpop', '--json', ...ask(OWN)))).toMatchObject({
    token_type: 'DPoP',
  })
})

it('2. an API accepts the token with a proof of dpop-proof, each proof once', async () => {
  const token = await newToken()
  const [first, second] = [await proofFor(token), await proofFor(token)]
  expect(await (await send(`DPoP ${token}`, first)).json()).toMatchObject({ sub: did })
  expect((await send(`DPoP ${token}`, first)).status).toBe(401)
  expect((await send(`DPoP ${token}`, second)).status).toBe(200)
  expect((await send(`Bearer ${token}`)).status).toBe(401)
})

it('3. verify accepts the token only with the proof of a request', async () => {
  const token = await newToken()
  for (const online of [[], ['--online']]) {
    const bare = await run('token', 'verify', '--token', token, '--json', ...online)
    expect({ code: bare.code, said: JSON.parse(bare.stdout) }).toMatchObject({
      code: 1,
      said: { valid: false, reason: 'PROOF_REQUIRED', subject: did, cnf: { jkt: expect.any(String) } },
    })
    const proof = await proofFor(token)
    const request = ['--dpop-proof', proof, '--method', 'GET', '--url', `${api}/orders`]
    expect(await run('token', 'verify', '--token', token, '--quiet', ...request, ...online)).toMatchObject({
      code: 0,
      stdout: 'valid\n',
    })
    const wrong = await run('token', 'verify', '--token', token, ...request, '--url=https://other.example', ...online)
    expect(wrong.code).toBe(2)
    const post = ['--dpop-proof', proof, '--method', 'POST', '--url', `${api}/orders`]
    expect(await run('token', 'verify', '--token', token, ...post, ...online)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/reason: PROOF_INVALID: .*\nDPoP proof: htm must be POST\n/),
    })
    if (online.length > 0) {
      const replayed = await run('token', 'verify', '--token', token, '--quiet', ...request, ...online)
      expect(replayed).toMatchObject({ code: 1, stdout: 'PROOF_REPLAYED\n' })
    }
  }
})

it('4. introspect tells the agent about its token, until the token is revoked', async () => {
  const token = await newToken()
  const { stdout } = await run('token', 'introspect', '--token', token, '--json')
  expect(JSON.parse(stdout)).toMatchObject({ active: true, sub: did, token_type: 'DPoP', aud: [api] })
  await succeed('token', 'revoke', '--token', token)
  expect(await run('token', 'introspect', '--token', token, '--quiet')).toMatchObject({
    code: 1,
    stdout: 'not active\n',
  })
})

it('5. agent proxy lets a tool without tokens call the API', async () => {
  proxy = startCli(['agent', 'proxy', '--api', api, ...ask(api), '--dpop'], { HOME: home })
  const address = await proxy.line()
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/)
  for (let time = 0; time < 3; time += 1) {
    expect(await (await fetch(`${address}/orders?page=${time}`)).json()).toMatchObject({ sub: did })
  }
  expect((await fetch(new URL('/orders', address))).status).toBe(404)
  expect(await proxy.stop()).toBe(0)
  expect(proxy.output()).toEqual({ stdout: `${address}\n`, stderr: expect.stringContaining('GET /orders 200\n') })
})

it('6. agent proxy sends bearer tokens without --dpop, which this API refuses', async () => {
  proxy = startCli(['agent', 'proxy', '--api', api, ...ask(api), '--quiet'], { HOME: home })
  const address = await proxy.line()
  expect((await fetch(`${address}/orders`)).status).toBe(401)
  expect(await proxy.stop()).toBe(0)
})

it('7. agent-key export writes a key with which curl users and OAuth libraries can sign', async () => {
  const file = join(home, 'agent.jwk')
  await succeed('agent-key', 'export', '--output', file)
  const jwk: object = JSON.parse(await readFile(file, 'utf8'))
  await expect(crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign'])).resolves.toMatchObject({
    type: 'private',
  })
})
