import { createPrivateKey } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgent, openCalls } from '@auth4agent/sdk'
import { readKeyFile } from '@auth4agent/sdk/node'
import * as oauth from 'openid-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { type OAuthWorld, startOAuthWorld } from '../oauth-clients/oauth-world.ts'

const DOMAIN = 'keys.example.com'
/** Long enough to object in time on a busy machine. */
const RECOVERY_DELAY = '8s'

let world: OAuthWorld
let home: string
let did: string

beforeAll(async () => {
  world = await startOAuthWorld({ AUTH4AGENT_RECOVERY_DELAY: RECOVERY_DELAY, AUTH4AGENT_SCHEDULE_INTERVAL: '1s' })
  home = await mkdtemp(join(tmpdir(), 'a4a-keys-'))
})
afterAll(async () => {
  await world?.stop()
  await rm(home, { recursive: true, force: true })
})

const path = (name: string) => join(home, name)
const keyFile = () => path('.auth4agents/keys/agent.key')
const tool = (...args: readonly string[]) => runCli(args, { home, fetch })

/** Adds the flag before the words after `--`, which are no flags. */
const withJson = (args: readonly string[]) =>
  args.toSpliced(args.includes('--') ? args.indexOf('--') : args.length, 0, '--json')

/** Runs the tool, expects success, and returns the JSON that it prints. */
async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await tool(...withJson(args))
  expect([code, code === 0 ? '' : stdout + stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

/** Runs the tool, and expects exit code 1 and this reason. */
async function expectRefused(reason: string, ...args: readonly string[]): Promise<void> {
  const { code, stdout } = await tool(...withJson(args))
  expect([code, JSON.parse(stdout)]).toMatchObject([1, { error: { reason } }])
}

const issue = (...more: readonly string[]) => json('token', 'issue', '--scope', 'read', '--aud', world.issuer, ...more)
const isValidOnline = async (token: unknown) =>
  (await openCalls({ server: world.issuer }).verifyToken(String(token))).valid

it('1. an agent registers with a next key and gets a token', async () => {
  await json('init', '--operator', '--domain', DOMAIN, '--server', world.issuer)
  await json('operator', 'register')
  const proof = await json('operator', 'show-proof')
  world.deployment.dns.setTxt(String(proof.txt_record_name), [String(proof.txt_record_value)])
  expect(await json('operator', 'confirm')).toMatchObject({ verified: true })
  did = String((await json('init', '--domain', DOMAIN, '--server', world.issuer)).did)
  expect(await json('agent', 'register', '--pre-rotation')).toMatchObject({ did, status: 'active' })
  await json('scope', 'set', '--scope', 'read')
  expect(await json('agent-key', 'list')).toMatchObject({ did, seq: 0, next: expect.any(String), added_keys: [] })
  expect(await isValidOnline((await issue()).token)).toBe(true)
})

it('2. after a rotation, a copy of the old key and the old tokens are worth nothing', async () => {
  const { token } = await issue()
  await copyFile(keyFile(), path('stolen.key'))
  const rotated = await json('agent-key', 'rotate')
  expect(rotated).toMatchObject({ did, seq: 1, next: expect.any(String) })
  expect(await isValidOnline(token)).toBe(false)
  await expectRefused(
    'INVALID_SIGNATURE',
    'issue',
    '--scope',
    'read',
    '--aud',
    world.issuer,
    '--key',
    path('stolen.key'),
  )
  expect(await isValidOnline((await issue()).token)).toBe(true)
  expect(await json('whoami', '--keys')).toMatchObject({ did, keys: { kid: rotated.kid, seq: 1 } })
})

it('3. a thief of the current key alone cannot rotate it, and cannot end the identity', async () => {
  await copyFile(keyFile(), path('stolen-now.key'))
  await json('agent-key', 'create', path('thief.key'))
  const thief = ['--key', path('stolen-now.key')]
  await expectRefused('KEY_NOT_COMMITTED', 'agent-key', 'rotate', ...thief, '--new-key', path('thief.key'))
  await expectRefused('KEY_NOT_COMMITTED', 'agent', 'deactivate', ...thief, '--confirm-name', did)
})

it('4. an added P-256 key gets tokens by challenge and by client assertion, until it is removed', async () => {
  const laptop = path('laptop.pem')
  await json('agent-key', 'create', laptop, '--alg', 'ES256')
  const { kid } = await json('agent-key', 'add', laptop, '--label', 'laptop', '--expires', '30d')
  const { token } = await issue('--key', laptop)
  const config = await openidConfiguration(laptop, String(kid))
  const answer = await oauth.clientCredentialsGrant(config, { scope: 'read', resource: world.issuer })
  expect([await isValidOnline(token), await isValidOnline(answer.access_token)]).toEqual([true, true])
  expect(claimsOf(answer.access_token)).toMatchObject({ sub: did, agent_key: kid })
  const listed = await tool('agent-key', 'list')
  expect(listed.stdout).toMatch(/ES256 .*in 29 days.* laptop/)
  await json('agent-key', 'remove', '--', String(kid))
  expect([await isValidOnline(token), await isValidOnline(answer.access_token)]).toEqual([false, false])
  await expectRefused('INVALID_SIGNATURE', 'issue', '--scope', 'read', '--aud', world.issuer, '--key', laptop)
  await expect(oauth.clientCredentialsGrant(config, { scope: 'read' })).rejects.toMatchObject({
    error: 'invalid_client',
  })
  await expectRefused('ADDED_KEY_NOT_FOUND', 'agent-key', 'remove', '--', String(kid))
})

it('5. the current key ends a recovery that it did not ask for', async () => {
  await expectRefused('NOTHING_PENDING', 'agent-key', 'object-to-recovery')
  await copyFile(`${keyFile()}.next`, path('safe.key'))
  await json('agent-key', 'recover', did, '--key', path('safe.key'), '--write', path('recovery.jws'))
  await json('agent-key', 'recover', did, '--recovery', path('recovery.jws'))
  for (const command of [['agent-key', 'list'], ['agent', 'list'], ['doctor']]) {
    expect((await tool(...command)).stdout).toMatch(/recovery/i)
  }
  expect((await tool('doctor')).code).toBe(1)
  await json('agent-key', 'object-to-recovery')
  expect(await json('agent-key', 'list')).toMatchObject({ seq: 3, pending: [] })
})

it('6. a recovery takes effect after its delay, and the current key is worth nothing from then on', async () => {
  await json('agent-key', 'recover', did, '--key', path('safe.key'), '--write', path('recovery2.jws'))
  await json('agent-key', 'recover', did, '--recovery', path('recovery2.jws'))
  await expectRefused('WRONG_KEY', 'agent-key', 'use', path('safe.key'))
  await expect.poll(async () => (await json('agent-key', 'list')).seq).toBe(4)
  const thief = createAgent({ server: world.issuer, did, key: await readKeyFile(path('stolen-now.key')) })
  await expect(thief.token()).rejects.toMatchObject({ reason: 'INVALID_SIGNATURE' })
  expect(await json('agent-key', 'use', path('safe.key'))).toMatchObject({ did })
  expect(await isValidOnline((await issue()).token)).toBe(true)
})

it('7. a stranger verifies the whole history without a server', async () => {
  const history = path('history.json')
  await json('agent-key', 'list-events', did, '--verify', '--output', history)
  const offline = await runCli(['agent-key', 'verify-events', '--file', history, '--json'], { home: path('nowhere') })
  expect([offline.code, JSON.parse(offline.stdout)]).toMatchObject([0, { valid: true, did, seq: 4, recorded: false }])
  const { events } = JSON.parse(await readFile(history, 'utf8'))
  await writeFile(history, JSON.stringify({ did, events: events.toSpliced(1, 1) }))
  await expectRefused('INVALID_KEY_EVENT', 'agent-key', 'verify-events', '--file', history)
})

it('8. the agent ends its identity for good, and only if the command line names it', async () => {
  expect(await tool('agent', 'deactivate')).toMatchObject({ code: 2 })
  const { token } = await issue()
  await json('agent', 'deactivate', '--confirm-name', did)
  expect(await isValidOnline(token)).toBe(false)
  expect((await tool('token', 'issue', '--scope', 'read', '--aud', world.issuer)).code).toBe(1)
  await expectRefused('AGENT_REVOKED', 'agent-key', 'rotate')
})

/** Configures openid-client with an added key of P-256 (private_key_jwt with ES256). */
async function openidConfiguration(file: string, kid: string): Promise<oauth.Configuration> {
  const jwk = createPrivateKey(await readFile(file, 'utf8')).export({ format: 'jwk' })
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  return oauth.discovery(new URL(world.issuer), did, undefined, oauth.PrivateKeyJwt({ key, kid }), {
    algorithm: 'oauth2',
    execute: [oauth.allowInsecureRequests],
  })
}

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
