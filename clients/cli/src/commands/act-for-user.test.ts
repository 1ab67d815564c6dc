import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'

const SERVER = 'https://auth.acme.test'
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (claims: object) => `${part({ alg: 'ES256' })}.${part(claims)}.${'s'.repeat(86)}`

let home: string
let file: string
let did: string
let forms: URLSearchParams[]

/** A server that gives a token for every ID-JAG. */
const fetch: typeof globalThis.fetch = async (input, init) => {
  const request = new Request(input, init)
  if (new URL(request.url).pathname !== '/oauth/token') {
    return Response.json({ issuer: SERVER, server_time: new Date().toISOString() })
  }
  const form = new URLSearchParams(await request.text())
  forms.push(form)
  const [header = ''] = (request.headers.get('dpop') ?? '').split('.')
  const { x } = JSON.parse(Buffer.from(header, 'base64url').toString()).jwk
  const key = new TextEncoder().encode(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
  const jkt = Buffer.from(await crypto.subtle.digest('SHA-256', key)).toString('base64url')
  const iat = Math.floor(Date.now() / 1000)
  const parties = { sub: 'user:alice', client_id: did, act: { sub: did }, cnf: { jkt } }
  const terms = { aud: form.getAll('resource'), scope: form.get('scope'), iat, exp: iat + 300, jti: 'token-1' }
  return Response.json({ access_token: jwt({ iss: SERVER, ...parties, ...terms }), token_type: 'DPoP' })
}
const tool = (...args: readonly string[]) => runCli(args, { home, fetch })

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-user-'))
  forms = []
  file = join(home, 'id-jag.txt')
  await writeFile(file, `${jwt({ sub: 'U1', resource: 'https://api.acme.test', scope: 'read write' })}\n`)
  did = (await tool('init', '--domain', 'acme.test', '--server', SERVER, '--quiet')).stdout.trim()
})
afterEach(() => rm(home, { recursive: true }))

it('id-jag exchange prints a token for everything that the ID-JAG allows, and says who the user is', async () => {
  const { code, stdout } = await tool('id-jag', 'exchange', file)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^token issued\n\nuser: user:alice\nactor: did:agent:[^]*\nscope: read write\n/)
  expect(Object.fromEntries(forms[0] ?? [])).toMatchObject({ scope: 'read write', resource: 'https://api.acme.test' })
})

it('id-jag exchange asks only for the scopes of --scope', async () => {
  expect((await tool('id-jag', 'exchange', file, '--scope', 'read', '--json')).code).toBe(0)
  expect(forms[0]?.get('scope')).toBe('read')
})

it.each([
  ['a missing file', () => join(home, 'missing'), 4],
  ['a file without an ID-JAG', () => join(home, '.auth4agents/agent.json'), 2],
])('id-jag exchange refuses %s, and asks the server for no token', async (_, path, code) => {
  expect(await tool('id-jag', 'exchange', path())).toMatchObject({ code })
  expect(forms).toEqual([])
})
